/**
 * Random scenes with the power spectrum of natural ones, white noise whose every frequency is weighed by |f|^(-slope/2), and
 * plain kernels to blur them with.
 */
import { makePlanes, type Planes } from '../../helper/image/planes.ts';
import { makeDegradation } from '../../helper/kernelfusion/degradation.ts';
import { makePlaneTransform } from '../../helper/kernelfusion/fourier-plane.ts';
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
  const { forward, inverse } = makePlaneTransform(side);
  const spectrum = forward(Float64Array.from(makeRandom(seed).normals(side * side)));
  const frequency = (i: number) => Math.min(i, side - i) / side;
  for (let i = 0; i < side * side; i++) {
    const f = Math.hypot(frequency(Math.floor(i / side)), frequency(i % side));
    const weight = f === 0 ? 0 : Math.exp(logPower / 2) * f ** (-slope / 2);
    spectrum[2 * i] *= weight;
    spectrum[2 * i + 1] *= weight;
  }
  return makePlanes(side, side, 1, Float32Array.from(inverse(spectrum)));
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

/** A kernel with a long arm and a short one, 12 taps a side at scale 2: far from its own half-turn. */
export const HOOK: Kernel = makeKernel(
  12,
  2,
  Float64Array.from({ length: 144 }, (_, i) => {
    const [row, column] = [Math.floor(i / 12), i % 12];
    return (column === 4 && row >= 2 && row <= 8) || (row === 8 && column >= 4 && column <= 8) ? 1 : 0;
  }),
);

/** A grey picture of `side` x `side` pixels in [-1, 1]: rectangles of even grey, one over the other. */
export function rectangles(side: number, seed: number): Planes {
  const { uniform, below } = makeRandom(seed);
  const out = makePlanes(side, side, 1);
  for (let n = 0; n < 60; n++) {
    const value = 2 * uniform() - 1;
    const [top, left, height, width] = [below(side), below(side), 4 + below(side / 4), 4 + below(side / 4)];
    for (let row = top; row < Math.min(side, top + height); row++) {
      out.data.fill(value, row * side + left, row * side + Math.min(side, left + width));
    }
  }
  return out;
}

/** The layer a kernel makes of a square grey picture that reaches (n - s)/2 pixels beyond it. */
export function blurred(scene: Planes, kernel: Kernel): Planes {
  const side = (scene.width - kernel.size) / kernel.scale + 1;
  return makePlanes(side, side, 1, makeDegradation(kernel, side, side).apply(scene.data));
}
