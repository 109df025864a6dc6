/**
 * The scenes of cross-fitting (cross-fit.ts) under the prior: what the patches of the layer make of the pixels shown.
 *
 * Sparse gradients know edges only. Where a layer has texture the prior foretells hidden pixels better, and the more so the better the
 * kernel is; on facades it is not taken in by the distance between windows (docs/experiments.md).
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makePlanes, type Planes, planeOf } from '../image/planes.ts';
import { agreeWithLayer, priorTrust } from './agreement.ts';
import type { Inference } from './cross-fit.ts';
import { bicubicCanvas, type Degradation, makeDegradation } from './degradation.ts';
import { withoutHidden } from './held-out.ts';
import { naturalWeights, restoreHyperLaplacian } from './hyper-laplacian.ts';
import type { Denoiser } from './patch-diffusion.ts';

/** Times of the prior's steps when a scene is begun, and when it goes on with another kernel. */
export const FIRST_TIMES = [60, 40, 26, 17];
export const LATER_TIMES = [26, 13];
/** How thoroughly a scene is restored by gradients before that. */
const BEGINNING = { rounds: 2, iterations: 15 };
/** Of conjugate gradients after each of the prior's steps, and the share of the gradients' weight meanwhile. */
export const PRIOR_SCENE_ITERATIONS = 8;
const SPARSE = 0.1;

/** Scenes of all planes of `y` (values in [-1, 1], noise sigma). `denoiser`: for canvases of the kernels that are fitted. */
export function underPrior(
  y: Planes,
  sigma: number,
  denoiser: Pick<Denoiser, 'denoise'>,
  signal?: AbortSignal,
): Inference<Planes> {
  const weights = naturalWeights(sigma);
  return {
    async infer(shown, kernel, last) {
      const seen = onlyShown(makeDegradation(kernel, y.width, y.height), shown);
      let x =
        last ??
        (await restoreHyperLaplacian(y, seen, blankCanvas(y, shown, kernel), { ...weights, ...BEGINNING }, signal));
      for (const t of last ? LATER_TIMES : FIRST_TIMES) {
        const agreement = {
          rho: priorTrust(t, sigma),
          sparse: SPARSE * weights.sparse,
          iterations: PRIOR_SCENE_ITERATIONS,
        };
        x = await agreeWithLayer(await denoiser.denoise(x, t), y, seen, agreement, signal);
      }
      return x;
    },
    pictureOf: (x) => x,
    move: (x, change) => change(x),
  };
}

/** A with M A for A, M: 1 for pixels that are shown. As M M = M, only its adjoint differs: A^T M. */
const onlyShown = (degradation: Degradation, shown: Float32Array): Degradation => ({
  ...degradation,
  adjoint: (lr) => degradation.adjoint(lr.map((v, i) => v * shown[i])),
});

/** The shown pixels enlarged onto the kernel's canvas. */
function blankCanvas(y: Planes, shown: Float32Array, kernel: Kernel): Planes {
  const blank = makePlanes(y.width, y.height, y.channels);
  for (let c = 0; c < y.channels; c++) {
    planeOf(blank, c).set(withoutHidden({ y: planeOf(y, c), width: y.width, height: y.height, shown }));
  }
  return bicubicCanvas(blank, kernel);
}
