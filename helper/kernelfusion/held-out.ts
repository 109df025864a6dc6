/**
 * Evidence for a kernel that it was not fitted to: how well it predicts LR pixels that were kept from it.
 *
 * A quarter of the layer's pixels is hidden, the picture is restored from the rest with the kernel, degraded again, and
 * compared with the hidden ones (cross-validation, Stone 1974). A wrong kernel, even the right one turned round, predicts
 * worse; the energy of the restored picture, the obvious other test, prefers whatever is smooth (docs/method.md).
 */
import type { Kernel } from '../../shared/kernel.ts';
import { type Planes, planeOf } from '../image/planes.ts';
import { bicubicCanvas, canvasMargin, makeDegradation } from './degradation.ts';
import { naturalWeights, restoreHyperLaplacian } from './hyper-laplacian.ts';
import type { Random } from './random.ts';

const HIDDEN = 0.25;
const ROUNDS = 2;
const ITERATIONS = 20;
/** LR pixels this near the border are not scored. */
const BORDER = 3;

/** 1 for pixels that are shown, 0 for hidden ones. */
export function hidePixels(count: number, random: Random): Float32Array {
  return Float32Array.from({ length: count }, () => (random.uniform() < HIDDEN ? 0 : 1));
}

/** Root mean squared error of the hidden pixels of `y` (values in [-1, 1]), in its units. */
export async function predictionError(
  y: Planes,
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
    bicubicCanvas(y, kernel.scale, canvasMargin(kernel.size, kernel.scale)),
    { ...naturalWeights(sigma), rounds: ROUNDS, iterations: ITERATIONS },
    signal,
  );
  let sum = 0;
  let count = 0;
  for (let c = 0; c < y.channels; c++) {
    const predicted = degradation.apply(planeOf(restored, c));
    const truth = planeOf(y, c);
    for (let row = BORDER; row < y.height - BORDER; row++) {
      for (let i = row * y.width + BORDER; i < (row + 1) * y.width - BORDER; i++) {
        if (shown[i] === 1) continue;
        sum += (predicted[i] - truth[i]) ** 2;
        count++;
      }
    }
  }
  return Math.sqrt(sum / Math.max(count, 1));
}
