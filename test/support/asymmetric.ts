/**
 * A kernel that no turn, mirroring or transposition leaves as it is, so that a mistake in any of them shows: an oblique
 * Gaussian with a tail to one side. Its centre of mass is its centre, nearly.
 */
import { type Kernel, makeKernel, type Scale } from '../../shared/kernel.ts';

export function asymmetric(size: number, scale: Scale): Kernel {
  const bell = (y: number, x: number, along: number, across: number) => {
    const [u, v] = [0.8 * x + 0.6 * y, 0.8 * y - 0.6 * x];
    return Math.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2));
  };
  const values = Array.from({ length: size * size }, (_, i) => {
    const [y, x] = [Math.floor(i / size) - (size - 1) / 2, (i % size) - (size - 1) / 2];
    const unit = size / 17;
    const [v, u] = [y / unit, x / unit];
    return bell(v - 1, u - 1.3, 1.1, 0.7) + 0.35 * bell(v + 2, u + 2.6, 2.6, 0.6);
  });
  return makeKernel(size, scale, values);
}
