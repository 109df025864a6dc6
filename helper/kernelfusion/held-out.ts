/**
 * Evidence for a kernel that it was not fitted to: how well it predicts LR pixels that were kept from it.
 *
 * A quarter of the layer's pixels is hidden, the picture is restored from the rest with the kernel, degraded again, and
 * compared with the hidden ones (cross-validation, Stone 1974). A wrong kernel, even the right one turned round, predicts
 * worse; the energy of the restored picture, the obvious other test, prefers whatever is smooth (docs/method.md).
 */
import type { Kernel } from '../../shared/kernel.ts';
import { mapPlanes, type Planes, planeOf } from '../image/planes.ts';
import { bicubicCanvas, canvasMargin, makeDegradation } from './degradation.ts';
import { naturalWeights, restoreHyperLaplacian } from './hyper-laplacian.ts';
import type { Random } from './random.ts';

const HIDDEN = 0.25;
const ROUNDS = 2;
const ITERATIONS = 20;
/** Hidden pixels start as the mean of the shown ones within this many pixels. */
const REACH = 2;
/** 1 for pixels that are shown, 0 for hidden ones. */
export function hidePixels(count: number, random: Random): Float32Array {
  return Float32Array.from({ length: count }, () => (random.uniform() < HIDDEN ? 0 : 1));
}

/**
 * Root mean squared error of the hidden pixels of `y` (values in [-1, 1]), in its units. Pixels whose `usable` is 0 are not
 * scored.
 */
export async function predictionError(
  y: Planes,
  usable: Uint8Array,
  shown: Float32Array,
  kernel: Kernel,
  sigma: number,
  signal?: AbortSignal,
): Promise<number> {
  const degradation = makeDegradation(kernel, y.width, y.height);
  const restored = await restoreHyperLaplacian(
    y,
    {
      ...degradation,
      apply: (canvas) => degradation.apply(canvas).map((v, i) => v * shown[i]),
      adjoint: (lr) => degradation.adjoint(lr.map((v, i) => v * shown[i])),
    },
    bicubicCanvas(withoutHidden(y, shown), kernel.scale, canvasMargin(kernel.size, kernel.scale)),
    { ...naturalWeights(sigma), rounds: ROUNDS, iterations: ITERATIONS },
    signal,
  );
  let sum = 0;
  let count = 0;
  for (let c = 0; c < y.channels; c++) {
    const predicted = degradation.apply(planeOf(restored, c));
    const truth = planeOf(y, c);
    for (let i = 0; i < truth.length; i++) {
      if (shown[i] === 1 || usable[i] === 0) continue;
      sum += (predicted[i] - truth[i]) ** 2;
      count++;
    }
  }
  return Math.sqrt(sum / Math.max(count, 1));
}

/** The hidden pixels replaced by the mean of the shown ones around them. */
function withoutHidden(y: Planes, shown: Float32Array): Planes {
  const { width, height } = y;
  const out = mapPlanes(y, (v) => v);
  for (let i = 0; i < shown.length; i++) {
    if (shown[i] === 1) continue;
    const [row, column] = [Math.floor(i / width), i % width];
    const around: number[] = [];
    for (let r = Math.max(0, row - REACH); r <= Math.min(height - 1, row + REACH); r++) {
      for (let c = Math.max(0, column - REACH); c <= Math.min(width - 1, column + REACH); c++) {
        if (shown[r * width + c] === 1) around.push(r * width + c);
      }
    }
    for (let c = 0; c < y.channels; c++) {
      const plane = planeOf(y, c);
      planeOf(out, c)[i] = around.reduce((sum, at) => sum + plane[at], 0) / Math.max(around.length, 1);
    }
  }
  return out;
}
