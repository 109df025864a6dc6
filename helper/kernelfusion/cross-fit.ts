/**
 * The kernel fitted to LR pixels that the picture has not seen.
 *
 * The pixels are dealt into folds, and each fold has a scene of its own, which never sees that fold's pixels. Steps take the folds
 * in turn: the scene is inferred a little further with the present kernel, under sparse gradients, and the kernel solved for that explains the
 * pixels hidden from it,
 *   k = argmin |U_m k - y|^2,   m: the scene's mean.
 * Errors of m, which was inferred from other pixels, have nothing to do with the noise of these: the fit is not drawn to zero by them.
 * Fitted to pixels that the picture has seen, a kernel would only confirm itself: the picture is sharpened until it agrees with
 * whatever kernel made it. (Cross-fitting as in Chernozhukov et al. 2018.)
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makePlanes, type Planes } from '../image/planes.ts';
import { canvasSize } from './degradation.ts';
import { blankScene } from './held-out.ts';
import type { NormalEquationsBuilder } from './kernel-solver.ts';
import { makeKernelSteps } from './kernel-steps.ts';
import type { Random } from './random.ts';
import { inferScene, type Scene, type View } from './scene-posterior.ts';
import { supportAround } from './support.ts';

/** Into how many folds the pixels are dealt: so many scenes are kept. */
export const FOLDS = 3;

/** How a scene is inferred. */
interface Inference {
  /** The scene a little further on, from the last one or from nothing. LR pixels whose `shown` is 0 are not looked at. */
  infer(shown: Float32Array, kernel: Kernel, last: Scene | null): Promise<Scene>;
  /** What the kernel is fitted to: the mean, on the kernel's canvas. */
  pictureOf(scene: Scene): Planes;
  /** The scene in the frame of a kernel that was moved. */
  move(scene: Scene, change: (picture: Planes) => Planes): Scene;
}

/**
 * Steps on from the kernel `start` to one that explains the pixels of `view`, with taps around those of `start` only. Pixels whose `usable` is 0
 * are not fitted. `equations`: for kernels of that side and scale.
 */
export async function crossFit(
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
  const y = makePlanes(view.width, view.height, 1, view.y);
  const folds = Uint8Array.from(usable, () => random.below(FOLDS));
  const scenes: (Scene | null)[] = Array(FOLDS).fill(null);
  const solver = makeKernelSteps(supportAround(start), start.scale);
  let kernel = start;
  for (let step = 0; step < steps; step++) {
    const fold = step % FOLDS;
    const shown = Float32Array.from(folds, (f) => (f === fold ? 0 : 1));
    const scene = await infer(shown, kernel, scenes[fold]);
    scenes[fold] = scene;
    const hidden = usable.map((u, i) => (folds[i] === fold ? u : 0));
    const next = solver.next(await equations(pictureOf(scene), y, hidden, solver.support()));
    kernel = next.kernel;
    const { change } = next;
    if (change) for (const [f, s] of scenes.entries()) scenes[f] = s && move(s, change);
    await onStep(kernel);
  }
  return kernel;
}

/** Of conjugate gradients, for the mean and for the draw. */
export const CROSS_FIT_ITERATIONS = 12;
/** Rounds in which a scene is inferred when it is begun; later on it is one. */
const FIRST_ROUNDS = 2;

/** Scenes of one plane under sparse gradients (scene-posterior.ts), for kernels of the side and scale of `like`. */
export function underGradients(
  view: Omit<View, 'shown'>,
  like: Pick<Kernel, 'size' | 'scale'>,
  random: Random,
  signal?: AbortSignal,
): Inference {
  const { width, height } = canvasSize(view, like);
  const canvas = (data: Float32Array) => makePlanes(width, height, 1, data);
  return {
    async infer(shown, kernel, last) {
      const seen = { ...view, shown };
      let scene = last ?? blankScene(seen, kernel);
      for (let round = last ? 1 : FIRST_ROUNDS; round > 0; round--) {
        scene = await inferScene(seen, kernel, scene, random, CROSS_FIT_ITERATIONS, signal);
      }
      return scene;
    },
    pictureOf: ({ mean }) => canvas(mean),
    move: ({ mean, draw }, change) => ({ mean: change(canvas(mean)).data, draw: change(canvas(draw)).data }),
  };
}
