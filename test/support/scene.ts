/**
 * Random scenes with the power spectrum of natural ones, white noise whose every frequency is weighed by |f|^(-slope/2), and
 * plain kernels to blur them with.
 */
import FFT from 'fft.js';
import { makePlanes, type Planes } from '../../helper/image/planes.ts';
import { makeRandom } from '../../helper/kernelfusion/random.ts';
import { type Kernel, makeKernel, type Scale } from '../../shared/kernel.ts';

/**
 * `side` x `side` values (side a power of two), mean 0, expected power e^logPower |f|^-slope at frequency f in cycles a pixel.
 */
export function naturalScene(
  side: number,
  { logPower, slope }: { logPower: number; slope: number },
  seed: number,
): Planes {
  const fft = new FFT(side);
  const grid = new Float64Array(2 * side * side);
  for (const [i, v] of makeRandom(seed)
    .normals(side * side)
    .entries()) {
    grid[2 * i] = v;
  }
  const alongRows = (transform: 'transform' | 'inverseTransform') => {
    for (let row = 0; row < side; row++) {
      const out = fft.createComplexArray();
      fft[transform](out, grid.slice(2 * side * row, 2 * side * (row + 1)));
      grid.set(out, 2 * side * row);
    }
  };
  const transpose = () => {
    const from = grid.slice();
    for (let i = 0; i < side * side; i++) {
      const to = (i % side) * side + Math.floor(i / side);
      grid[2 * to] = from[2 * i];
      grid[2 * to + 1] = from[2 * i + 1];
    }
  };
  alongRows('transform');
  transpose();
  alongRows('transform');
  const frequency = (i: number) => Math.min(i, side - i) / side;
  for (let i = 0; i < side * side; i++) {
    const f = Math.hypot(frequency(Math.floor(i / side)), frequency(i % side));
    const weight = f === 0 ? 0 : Math.exp(logPower / 2) * f ** (-slope / 2);
    grid[2 * i] *= weight;
    grid[2 * i + 1] *= weight;
  }
  alongRows('inverseTransform');
  transpose();
  alongRows('inverseTransform');
  return makePlanes(
    side,
    side,
    1,
    Float32Array.from({ length: side * side }, (_, i) => grid[2 * i]),
  );
}

/** A Gaussian with standard deviations in pixels along and across the direction `angle` (radians from the row). */
export function gaussian(size: number, scale: Scale, along: number, across: number, angle: number): Kernel {
  return makeKernel(
    size,
    scale,
    Float64Array.from({ length: size * size }, (_, i) => {
      const [y, x] = [Math.floor(i / size) - (size - 1) / 2, (i % size) - (size - 1) / 2];
      const u = x * Math.cos(angle) + y * Math.sin(angle);
      const v = y * Math.cos(angle) - x * Math.sin(angle);
      return Math.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2));
    }),
  );
}
