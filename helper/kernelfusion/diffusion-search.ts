/**
 * The kernel found together with a guess of the picture, in the reverse diffusion of the prior (docs/method.md).
 *
 * At each noise level t, from much noise to little:
 *   z = PD(a x + s e, t)                          the prior proposes a sharp picture (e: fresh noise),
 *   k = argmin |U_z k - y|^2 + gamma |grad k|^2   its kernel in closed form (kernel-solver.ts), corrected by what the
 *                                                 layer's power spectrum says (joint-kernel.ts),
 *   x = argmin |A_k x - y|^2 + rho_t |x - z|^2    and the picture that agrees with the layer.
 * The kernel is fitted to z, never to x: x already satisfies the data with the last kernel and would lock it in.
 */
import type { Kernel, Scale } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import { agreeWithLayer, priorTrust } from './agreement.ts';
import type { EdgeView } from './edge-kernel.ts';
import { refineWithSpectrum } from './joint-kernel.ts';
import type { NormalEquationsBuilder } from './kernel-solver.ts';
import { makeKernelSteps, type Refinement } from './kernel-steps.ts';
import type { Denoiser } from './patch-diffusion.ts';
import type { Random } from './random.ts';
import { makeSceneSpectrum, type SceneSpectrum } from './scene-spectrum.ts';
import { closeUp, extentOf, type Support, spread } from './support.ts';

export interface DiffusionPlan {
  readonly firstTime: number;
  readonly lastTime: number;
  readonly steps: number;
  readonly pictureIterations: number;
  /** Steps made before the power spectrum joins in: it knows no phase, and from the start it can settle on a wrong one. */
  readonly withoutSpectrum: number;
}

export const DIFFUSION_SEARCH: DiffusionPlan = {
  firstTime: 200,
  lastTime: 60,
  steps: 14,
  pictureIterations: 10,
  withoutSpectrum: 4,
};

/** From the picture of a kernel that is nearly right: less noise, so that it stays there. */
export const DIFFUSION_ON: DiffusionPlan = { ...DIFFUSION_SEARCH, firstTime: 120, steps: 7, withoutSpectrum: 0 };

/** Times from first to last in equal steps, rounded. */
export function times({ firstTime, lastTime, steps }: DiffusionPlan): number[] {
  return Array.from({ length: steps }, (_, i) => Math.round(firstTime + ((lastTime - firstTime) * i) / (steps - 1)));
}

/** What a kernel is searched in. */
export interface Searched {
  /** A textured crop of the layer, values in [-1, 1]. */
  readonly y: Planes;
  /** 0 for LR pixels that tell nothing (transparent ones, and those near the border), else 1. */
  readonly usable: Uint8Array;
  /** Side of the kernel in taps, even, and the scale of its grid. */
  readonly size: number;
  readonly scale: Scale;
  /** The luma of as much of the layer around the crop as edges are looked for in (edge-kernel.ts). */
  readonly edges: EdgeView;
  /** Noise of each plane of y, and of its luma, in its units. */
  readonly sigma: number;
  readonly lumaSigma: number;
}

/**
 * One search, from the canvas picture `start` and for kernels with taps in `around` (or where they move to) only; returns the kernel of the last
 * step. `denoise`: on its canvas; `equations`: of that side and scale.
 */
export async function searchByDiffusion(
  { y, usable, scale, sigma, lumaSigma }: Searched,
  plan: DiffusionPlan,
  start: Planes,
  around: Support,
  denoise: Denoiser['denoise'],
  equations: NormalEquationsBuilder,
  random: Random,
  onStep: (kernel: Kernel) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<Kernel> {
  let x = start;
  const side = extentOf(around);
  const spectrum = makeSceneSpectrum(y, usable, scale, side, lumaSigma);
  const solver = makeKernelSteps(around, scale);
  const bySpectrum: Refinement = (smooth, fitted, support) =>
    refineWithSpectrum(smooth, fitted, seenIn(spectrum, side, support));
  let kernel: Kernel | null = null;
  for (const [i, t] of times(plan).entries()) {
    const z = await denoise(x, t, random.normals(x.data.length));
    const present = await equations(z, y, usable, solver.support());
    const next = solver.next(present, i < plan.withoutSpectrum ? undefined : bySpectrum);
    kernel = next.kernel;
    const proposal = next.change ? next.change(z) : z;
    const agreement = { rho: priorTrust(t, sigma), iterations: plan.pictureIterations };
    x = await agreeWithLayer(proposal, y, { kernel }, agreement, signal);
    await onStep(kernel);
  }
  return kernel!;
}

/**
 * The misfit of kernels that are given by the values at their places. Where in a square a kernel lies is not seen in its spectrum: that of `side`,
 * which holds all places, will do.
 */
function seenIn(spectrum: SceneSpectrum, side: number, support: Support): SceneSpectrum {
  const square = closeUp(support, side);
  return {
    misfit(values, scene) {
      const { kernel, ...misfit } = spectrum.misfit(spread(square, values), scene);
      return { ...misfit, kernel: Float64Array.from(square.places, (place) => kernel[place]) };
    },
  };
}
