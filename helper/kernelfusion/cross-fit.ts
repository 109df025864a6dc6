/**
 * The kernel fitted to LR pixels that the picture has not seen.
 *
 * The pixels are dealt into folds, and each fold has a scene of its own, which never sees that fold's pixels. Steps take the folds
 * in turn: the scene is inferred a little further with the present kernel (scene-posterior.ts), and the kernel solved for that
 * explains the pixels hidden from it,
 *   k = argmin |U_m k - y|^2 + gamma |grad k|^2,   m: the scene's mean.
 * Errors of m, which was inferred from other pixels, have nothing to do with the noise of these: the fit is not drawn to zero by them.
 * Fitted to pixels that the picture has seen, a kernel would only confirm itself: the picture is sharpened until it agrees with
 * whatever kernel made it. (Cross-fitting as in Chernozhukov et al. 2018.)
 */
import { type Kernel, makeKernel } from '../../shared/kernel.ts';
import { cutPlanes, makePlanes } from '../image/planes.ts';
import { blankScene } from './held-out.ts';
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

/** Into how many folds the pixels are dealt: so many scenes are kept. */
export const FOLDS = 3;
/** gamma, for pictures in [-1, 1]. */
const SMOOTHNESS = 1e-3;
const KERNEL_ITERATIONS = 400;
/** Share of the past in the running mean of the normal equations. */
const MOMENTUM = 0.7;
/** Of conjugate gradients, for the mean and for the draw. */
export const CROSS_FIT_ITERATIONS = 12;
/** Rounds in which a scene is inferred when it is begun; later on it is one. */
const FIRST_ROUNDS = 2;

/** Steps on from the kernel `start`. Pixels whose `usable` is 0 are not fitted. `equations`: for kernels of that side and scale. */
export async function crossFit(
  view: Omit<View, 'shown'>,
  usable: Uint8Array,
  start: Kernel,
  steps: number,
  equations: NormalEquationsBuilder,
  random: Random,
  onStep: (kernel: Kernel) => void,
  signal?: AbortSignal,
): Promise<Kernel> {
  const { size, scale } = start;
  const lr = makePlanes(view.width, view.height, 1, view.y);
  const [width, height] = [scale * view.width + size - scale, scale * view.height + size - scale];
  const canvas = (data: Float32Array) => makePlanes(width, height, 1, data);
  const folds = Uint8Array.from(usable, () => random.below(FOLDS));
  const scenes: (Scene | null)[] = Array(FOLDS).fill(null);
  let kernel = start;
  let average: NormalEquations | null = null;
  for (let step = 0; step < steps; step++) {
    const fold = step % FOLDS;
    const seen = { ...view, shown: Float32Array.from(folds, (f) => (f === fold ? 0 : 1)) };
    const begun = scenes[fold];
    let scene = begun ?? blankScene(seen, kernel);
    for (let round = begun ? 1 : FIRST_ROUNDS; round > 0; round--) {
      scene = await inferScene(seen, kernel, scene, random, CROSS_FIT_ITERATIONS, signal);
    }
    scenes[fold] = scene;
    const hidden = usable.map((u, i) => (folds[i] === fold ? u : 0));
    const present = await equations.build(canvas(scene.mean), lr, hidden);
    average = average ? averageEquations(average, present, MOMENTUM) : present;
    const values = solveKernel(smoothEquations(average, size, SMOOTHNESS), KERNEL_ITERATIONS);
    const centred = centreKernel(makeKernel(size, scale, values));
    kernel = centred.kernel;
    const [dy, dx] = centred.moved;
    if (dy !== 0 || dx !== 0) {
      const move = (data: Float32Array) => cutPlanes(canvas(data), -dy, -dx, width, height).data;
      for (const [f, s] of scenes.entries()) scenes[f] = s && { mean: move(s.mean), draw: move(s.draw) };
      // The past equations speak of another frame.
      average = null;
    }
    onStep(kernel);
  }
  return kernel;
}
