/**
 * The kernel fitted to all that the layer shows, expected over what the picture may be (expectation maximisation, Dempster, Laird & Rubin 1977; for
 * blurs Levin et al. 2011).
 *
 * The scene is inferred from all pixels with the present kernel, a little further each step, and the kernel solved for that explains them,
 *   k = argmin E |U_x k - y|^2 = argmin |U_m k - y|^2 + doubt |U_d k|^2,   m: the scene's mean, d: how far off a draw of it is.
 * That moves in small steps, for the scene confirms the kernel it was made with, and where it ends depends on where it began: it finds nothing
 * from afar. But near the right kernel it stays, where fitting to hidden pixels (cross-fit.ts), which are foretold from a scene with gaps, drifts
 * off by what the gaps lack. So the one goes on from the other (docs/experiments.md).
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makePlanes } from '../image/planes.ts';
import { underGradients } from './cross-fit.ts';
import { DOUBT } from './held-out.ts';
import { hidePixels } from './hidden-pixels.ts';
import type { NormalEquations, NormalEquationsBuilder } from './kernel-solver.ts';
import { makeKernelSteps } from './kernel-steps.ts';
import type { Random } from './random.ts';
import type { Scene, View } from './scene-posterior.ts';
import { supportAround } from './support.ts';

/** Share of the pixels that a step leaves out of its equations, others each time: so they cost what those of a fold do. */
const LEFT_OUT = 0.5;
/** gamma (kernel-steps.ts): less than fits need, for what the scene leaves open is held back by its variance (docs/experiments.md). */
const SMOOTHNESS = 3e-4;

/**
 * Steps on from the kernel `start` to one that explains the pixels of `view`, with taps around those of `start` only. Pixels whose `usable` is 0
 * are not fitted. `equations`: for kernels of that side and scale.
 */
export async function fitByExpectation(
  view: Omit<View, 'shown'>,
  usable: Uint8Array,
  start: Kernel,
  steps: number,
  equations: NormalEquationsBuilder,
  random: Random,
  onStep: (kernel: Kernel) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<Kernel> {
  const { infer, pictureOf, move } = underGradients(view, start, random, signal);
  const everywhere = new Float32Array(usable.length).fill(1);
  const y = makePlanes(view.width, view.height, 1, view.y);
  const nothing = makePlanes(view.width, view.height, 1);
  const solver = makeKernelSteps(supportAround(start), start.scale, SMOOTHNESS);
  let kernel = start;
  let scene: Scene | null = null;
  for (let step = 0; step < steps; step++) {
    scene = await infer(everywhere, kernel, scene);
    const { mean, draw } = scene;
    const asked = Uint8Array.from(hidePixels(usable.length, random, LEFT_OUT), (v, i) => v * usable[i]);
    const picture = pictureOf(scene);
    const explained = await equations(picture, y, asked, solver.support());
    const deviation = { ...picture, data: draw.map((v, i) => v - mean[i]) };
    const unsure = await equations(deviation, nothing, asked, solver.support());
    const next = solver.next(expected(explained, unsure));
    kernel = next.kernel;
    if (next.change) scene = move(scene, next.change);
    await onStep(kernel);
  }
  return kernel;
}

/** The equations of the mean, with what a draw says of the scene's variance; a draw is far too sure of itself (held-out.ts). */
const expected = (explained: NormalEquations, unsure: NormalEquations): NormalEquations => ({
  ...explained,
  G: explained.G.map((v, i) => v + DOUBT * unsure.G[i]),
});
