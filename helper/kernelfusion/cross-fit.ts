/**
 * The kernel fitted to LR pixels that the picture has not seen.
 *
 * Each step hides other pixels, infers the scene from the rest with the present kernel (scene-posterior.ts), and solves for the
 * kernel that explains the hidden ones,
 *   k = argmin E |U_x k - y|^2 + gamma |grad k|^2 = argmin k^T (U_m^T U_m + U_d^T U_d) k - 2 k^T U_m^T y + ...,
 * with m the scene's mean and d a draw's deviation from it: where the scene is uncertain, its windows say less. Fitted to pixels
 * that the picture has seen, a kernel would only confirm itself: the picture is sharpened until it agrees with whatever kernel
 * made it. (Expectation maximisation, with the expectation cross-fitted as in Chernozhukov et al. 2018.)
 */
import { type Kernel, makeKernel } from '../../shared/kernel.ts';
import { cutPlanes, makePlanes } from '../image/planes.ts';
import { hidePixels, startCanvas } from './held-out.ts';
import {
  averageEquations,
  centreKernel,
  type NormalEquations,
  type NormalEquationsBuilder,
  smoothEquations,
  solveKernel,
} from './kernel-solver.ts';
import type { Random } from './random.ts';
import { inferScene, type Scene, type View } from './scene-posterior.ts';

/** Share of the pixels that each step hides. */
const HIDDEN = 0.3;
/** gamma, for pictures in [-1, 1]. */
const SMOOTHNESS = 1e-3;
const KERNEL_ITERATIONS = 400;
/** Share of the past in the running mean of the normal equations. */
const MOMENTUM = 0.7;
/** Of conjugate gradients, for the mean and for the draw. */
export const CROSS_FIT_ITERATIONS = 12;
/** Steps in which noise assumed greater than it is falls to what it is. */
const COOLING = 0.7;

export interface CrossFitPlan {
  readonly steps: number;
  /** How much greater the noise is assumed to be at first, as a factor: only strong edges count then. */
  readonly heat: number;
}

/** A kernel with the scene it goes with. */
export interface Fit {
  readonly kernel: Kernel;
  readonly scene: Scene;
}

/** The scene that is assumed before anything is inferred: the layer enlarged. */
export function unknownScene(view: Omit<View, 'shown'>, kernel: Kernel): Scene {
  const canvas = startCanvas(view, kernel);
  return { mean: canvas, draw: canvas };
}

/** Steps on from `start`. Pixels whose `usable` is 0 are not fitted. `equations`: for kernels of that side and scale. */
export async function crossFit(
  view: Omit<View, 'shown'>,
  usable: Uint8Array,
  start: Fit,
  { steps, heat }: CrossFitPlan,
  equations: NormalEquationsBuilder,
  random: Random,
  onStep: (kernel: Kernel) => void,
  signal?: AbortSignal,
): Promise<Fit> {
  const { size, scale } = start.kernel;
  const lr = makePlanes(view.width, view.height, 1, view.y);
  const [width, height] = [scale * view.width + size - scale, scale * view.height + size - scale];
  const canvas = (data: Float32Array) => makePlanes(width, height, 1, data);
  let { kernel } = start;
  // The variances start anew: those of another noise level would bind the scene.
  let scene: Scene = { mean: start.scene.mean, draw: start.scene.mean };
  let average: NormalEquations | null = null;
  for (let step = 0; step < steps; step++) {
    const heated = heat ** (2 * Math.max(0, 1 - step / (COOLING * steps)));
    const shown = hidePixels(usable.length, random, HIDDEN);
    const seen = { ...view, shown, variance: heated * view.variance };
    scene = await inferScene(seen, kernel, scene, random, CROSS_FIT_ITERATIONS, signal);
    const fitted = usable.map((u, i) => (shown[i] === 0 ? u : 0));
    const mean = await equations.build(canvas(scene.mean), lr, fitted);
    const { draw } = scene;
    const spread = await equations.build(canvas(scene.mean.map((m, i) => draw[i] - m)), lr, fitted);
    const present = { ...mean, G: mean.G.map((v, i) => v + spread.G[i]) };
    average = average ? averageEquations(average, present, MOMENTUM) : present;
    const values = solveKernel(smoothEquations(average, size, SMOOTHNESS), KERNEL_ITERATIONS);
    const centred = centreKernel(makeKernel(size, scale, values));
    kernel = centred.kernel;
    const [dy, dx] = centred.moved;
    if (dy !== 0 || dx !== 0) {
      const move = (data: Float32Array) => cutPlanes(canvas(data), -dy, -dx, width, height).data;
      scene = { mean: move(scene.mean), draw: move(scene.draw) };
      // The past equations speak of another frame.
      average = null;
    }
    onStep(kernel);
  }
  return { kernel, scene };
}
