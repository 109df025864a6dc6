/**
 * The scene under the prior: what the patches of the layer make of the pixels shown.
 *
 * Sparse gradients know edges only. Where a layer has texture the prior foretells hidden pixels better, and the more so the better the
 * kernel is; on facades it is not taken in by the distance between windows (docs/experiments.md).
 */
import type { Kernel } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import { blankCanvas } from './held-out.ts';
import { naturalWeights, restoreHyperLaplacian } from './hyper-laplacian.ts';
import type { Denoiser } from './patch-diffusion.ts';
import { stepsOfPrior, USUAL_TRUST } from './prior-steps.ts';

/** Of conjugate gradients after each of the prior's steps. */
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

/** The scene, all its planes, that the prior makes of the pixels whose `shown` is 1, by steps at these times. */
export async function sceneUnderPrior(
  { y, sigma, denoiser, signal }: PriorView,
  shown: Float32Array,
  kernel: Kernel,
  times: readonly number[],
): Promise<Planes> {
  const sight = { kernel, shown };
  const beginning = { ...naturalWeights(sigma), ...BEGINNING };
  const x = await restoreHyperLaplacian(y, sight, blankCanvas(y, shown, kernel), beginning, signal);
  const steps = { times, iterations: PRIOR_SCENE_ITERATIONS, trust: USUAL_TRUST };
  return stepsOfPrior(x, y, sight, sigma, denoiser, steps, () => {}, signal);
}
