/**
 * The scenes of cross-fitting (cross-fit.ts) under the prior: what the patches of the layer make of the pixels shown.
 *
 * Sparse gradients know edges only. Where a layer has texture the prior foretells hidden pixels better, and the more so the better the
 * kernel is; on facades it is not taken in by the distance between windows (docs/experiments.md).
 */
import type { Kernel } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import type { Inference } from './cross-fit.ts';
import { blankCanvas } from './held-out.ts';
import { naturalWeights, restoreHyperLaplacian } from './hyper-laplacian.ts';
import type { Denoiser } from './patch-diffusion.ts';
import { stepsOfPrior, USUAL_TRUST } from './prior-steps.ts';

/** Times of the prior's steps when a scene is begun, and when it goes on with another kernel. */
export const FIRST_TIMES = [60, 40, 26, 17];
export const LATER_TIMES = [26, 13];
/** Of conjugate gradients after each of them. */
export const PRIOR_SCENE_ITERATIONS = 8;
/** How thoroughly a scene is restored by gradients before that. */
const BEGINNING = { rounds: 2, iterations: 15 };

/** A layer that is looked at under the prior. */
export interface PriorView {
  /** Values in [-1, 1]. */
  readonly y: Planes;
  /** Of its noise. */
  readonly sigma: number;
  /** For canvases of the kernels that are asked about. */
  readonly denoiser: Pick<Denoiser, 'denoise'>;
  readonly signal?: AbortSignal;
}

/** Scenes of all planes. */
export const underPrior = (view: PriorView): Inference<Planes> => ({
  infer: (shown, kernel, last) => sceneUnderPrior(view, shown, kernel, last ? LATER_TIMES : FIRST_TIMES, last),
  pictureOf: (x) => x,
  move: (x, change) => change(x),
});

/** The scene that the prior makes of the pixels whose `shown` is 1, by steps at these times from the last one or from nothing. */
export async function sceneUnderPrior(
  { y, sigma, denoiser, signal }: PriorView,
  shown: Float32Array,
  kernel: Kernel,
  times: readonly number[],
  last: Planes | null = null,
): Promise<Planes> {
  const sight = { kernel, shown };
  const beginning = { ...naturalWeights(sigma), ...BEGINNING };
  const x = last ?? (await restoreHyperLaplacian(y, sight, blankCanvas(y, shown, kernel), beginning, signal));
  const steps = { times, iterations: PRIOR_SCENE_ITERATIONS, trust: USUAL_TRUST };
  return stepsOfPrior(x, y, sight, sigma, denoiser, steps, () => {}, signal);
}
