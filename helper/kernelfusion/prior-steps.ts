/**
 * Steps of the prior: its texture for the picture, at falling noise levels, each followed by a return to agreement with the layer. No
 * noise is injected: it helps to find kernels and costs sharpness here (measured; docs/method.md).
 */
import type { Planes } from '../image/planes.ts';
import { agreeWithLayer, priorTrust } from './agreement.ts';
import { naturalWeights } from './hyper-laplacian.ts';
import type { Denoiser } from './patch-diffusion.ts';
import type { Sight } from './plane-solve.ts';

/** How much the priors count beside the layer while the prior's steps are made. */
export interface Trust {
  /** Times `priorTrust` for its proposals. */
  readonly prior: number;
  /** Share of the hyper-Laplacian prior's weight. */
  readonly gradients: number;
}

export const USUAL_TRUST: Trust = { prior: 1, gradients: 0.1 };

export interface PriorSteps {
  /** Noise levels of the steps. */
  readonly times: readonly number[];
  /** Conjugate gradient iterations after each. */
  readonly iterations: number;
  readonly trust: Trust;
}

/** Steps on from the canvas picture x. `y`: the layer, noise sigma (values in [-1, 1]). `onStep` hears x after each step. */
export async function stepsOfPrior(
  x: Planes,
  y: Planes,
  sight: Sight,
  sigma: number,
  denoiser: Pick<Denoiser, 'denoise'>,
  { times, iterations, trust }: PriorSteps,
  onStep: (x: Planes) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<Planes> {
  const sparse = trust.gradients * naturalWeights(sigma).sparse;
  let now = x;
  for (const t of times) {
    const z = await denoiser.denoise(now, t);
    const rho = trust.prior * priorTrust(t, sigma);
    now = await agreeWithLayer(z, y, sight, { rho, sparse, iterations }, signal);
    await onStep(now);
  }
  return now;
}
