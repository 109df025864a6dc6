/**
 * The kernel found together with a guess of the picture, in the reverse diffusion (method `fast`, docs/method.md).
 *
 * At each noise level t, from much noise to little:
 *   z = PD(a x + s e, t)                          the prior proposes a sharp picture (e: fresh noise),
 *   k = argmin |U_z k - y|^2 + gamma |grad k|^2   its kernel in closed form (kernel-solver.ts), corrected by what the
 *                                                 layer's power spectrum says (joint-kernel.ts),
 *   x = argmin |A_k x - y|^2 + rho_t |x - z|^2    and the picture that agrees with the layer.
 * The kernel is fitted to z, never to x: x already satisfies the data with the last kernel and would lock it in. This runs at
 * twice the layer's resolution whatever the scale wanted: there a blur of a given width in LR pixels fits into the receptive
 * field, where at four times it would look like a smooth slope. `toScale` then carries the kernel to the scale's grid.
 *
 * A search may settle on the kernel turned by 180 degrees, whose power spectrum is the same, or between the two; what decides
 * are LR pixels kept from all of them (held-out.ts). Two searches are made, and where the better kernel predicts those pixels
 * better when turned, a short search from the turned one's picture follows.
 */
import { flip, type Kernel, makeKernel } from '../../shared/kernel.ts';
import { cutPlanes, type Planes } from '../image/planes.ts';
import type { Executor } from '../tensor/executor.ts';
import { agreeWithLayer, priorTrust } from './agreement.ts';
import { bicubicCanvas, canvasMargin, makeDegradation } from './degradation.ts';
import { hidePixels, predictionError } from './held-out.ts';
import { naturalWeights, restoreHyperLaplacian } from './hyper-laplacian.ts';
import { refineWithSpectrum } from './joint-kernel.ts';
import {
  averageEquations,
  centreKernel,
  makeNormalEquations,
  type NormalEquations,
  smoothEquations,
  solveKernel,
  trimKernel,
} from './kernel-solver.ts';
import { makeDenoiser, type Prior } from './patch-diffusion.ts';
import type { Random } from './random.ts';
import { makeSceneSpectrum } from './scene-spectrum.ts';

/** The scale at which kernels are searched. */
export const SEARCH_SCALE = 2;

export interface EstimationPlan {
  readonly firstTime: number;
  readonly lastTime: number;
  readonly steps: number;
  /** gamma, for pictures in [-1, 1]. */
  readonly smoothness: number;
  readonly kernelIterations: number;
  /** Share of the past in the running mean of the normal equations. */
  readonly momentum: number;
  readonly pictureIterations: number;
  /** Steps made before the power spectrum joins in: it knows no phase, and from the start it can settle on a wrong one. */
  readonly withoutSpectrum: number;
}

export const FAST_ESTIMATION: EstimationPlan = {
  firstTime: 200,
  lastTime: 60,
  steps: 14,
  smoothness: 1e-3,
  kernelIterations: 400,
  momentum: 0.7,
  pictureIterations: 10,
  withoutSpectrum: 4,
};

/** The second search, from the picture of a turned kernel: less noise, so that it stays on that side. */
export const TURNED_ESTIMATION: EstimationPlan = { ...FAST_ESTIMATION, firstTime: 120, steps: 7, withoutSpectrum: 0 };

/** How thoroughly that picture is restored. */
const TURNED_START = { rounds: 2, iterations: 15 };

/** Searches from the enlarged layer. One in three is caught between a lopsided kernel and its half-turn (development pair d05). */
const SEARCHES = 2;

/** Steps of an estimation: at least, and with a turned kernel. */
export const LEAST_STEPS = SEARCHES * FAST_ESTIMATION.steps;
export const MOST_STEPS = LEAST_STEPS + TURNED_ESTIMATION.steps;

/** A later or turned kernel must lower the prediction error to this share: a wrong search costs 2 to 15 %, chance up to 1 %. */
const BETTER = 0.98;

/** What a kernel is searched in. */
export interface KernelSearch {
  /** A textured crop of the layer, values in [-1, 1]. */
  readonly y: Planes;
  /** 0 for LR pixels that tell nothing (transparent ones, and those near the border: withoutBorder), else 1. */
  readonly usable: Uint8Array;
  /** Side of the kernel in taps at SEARCH_SCALE, even. */
  readonly size: number;
  /** Noise of y, in its units. */
  readonly sigma: number;
  readonly prior: Prior;
}

export type KernelStep = (step: number, kernel: Kernel) => void;

/** Times from first to last in equal steps, rounded. */
export function times({ firstTime, lastTime, steps }: EstimationPlan): number[] {
  return Array.from({ length: steps }, (_, i) => Math.round(firstTime + ((lastTime - firstTime) * i) / (steps - 1)));
}

/**
 * Estimates the kernel on the grid of SEARCH_SCALE, without the taps below `haze` of the largest: of several searches, the
 * kernel that predicts hidden pixels best. `onStep` hears all their steps, MOST_STEPS at most.
 */
export async function estimateKernel(
  search: KernelSearch,
  haze: number,
  executor: Executor,
  random: Random,
  onStep: KernelStep,
  signal?: AbortSignal,
): Promise<Kernel> {
  const { steps } = FAST_ESTIMATION;
  const start = bicubicCanvas(search.y, SEARCH_SCALE, canvasMargin(search.size, SEARCH_SCALE));
  const judge = makeJudge(search, random, signal);
  const found: Judged[] = [];
  for (let i = 0; i < SEARCHES; i++) {
    const listener: KernelStep = (step, kernel) => onStep(i * steps + step, kernel);
    const kernel = await searchKernel(search, FAST_ESTIMATION, start, executor, random, listener, signal);
    found.push(await judge(trimKernel(kernel, haze)));
  }
  const afterwards: KernelStep = (step, kernel) => onStep(LEAST_STEPS + step, kernel);
  return turnWhereBetter(search, found.reduce(better).kernel, haze, executor, random, afterwards, signal);
}

/** `found`, or what a search from the picture of the turned kernel finds, whichever predicts hidden pixels better. */
export async function turnWhereBetter(
  search: KernelSearch,
  found: Kernel,
  haze: number,
  executor: Executor,
  random: Random,
  onStep: KernelStep,
  signal?: AbortSignal,
): Promise<Kernel> {
  const { y, size, sigma } = search;
  const judge = makeJudge(search, random, signal);
  const before = await judge(found);
  const turned = await judge(centreKernel(flip(found)).kernel);
  if (better(before, turned) === before) return found;

  const picture = await restoreHyperLaplacian(
    y,
    makeDegradation(turned.kernel, y.width, y.height),
    bicubicCanvas(y, SEARCH_SCALE, canvasMargin(size, SEARCH_SCALE)),
    { ...naturalWeights(sigma), ...TURNED_START },
    signal,
  );
  const again = await searchKernel(search, TURNED_ESTIMATION, picture, executor, random, onStep, signal);
  return better(before, await judge(trimKernel(again, haze))).kernel;
}

interface Judged {
  readonly kernel: Kernel;
  /** Prediction error of hidden pixels. */
  readonly error: number;
}

/** Judges kernels by the same hidden pixels. */
function makeJudge({ y, usable, sigma }: KernelSearch, random: Random, signal?: AbortSignal) {
  const shown = hidePixels(usable.length, random);
  return async (kernel: Kernel): Promise<Judged> => ({
    kernel,
    error: await predictionError(y, usable, shown, kernel, sigma, signal),
  });
}

const better = (first: Judged, later: Judged): Judged => (later.error < BETTER * first.error ? later : first);

/** One search from the canvas picture `start`; returns the kernel of the last step. */
export async function searchKernel(
  { y, usable, size, sigma, prior }: KernelSearch,
  plan: EstimationPlan,
  start: Planes,
  executor: Executor,
  random: Random,
  onStep: KernelStep,
  signal?: AbortSignal,
): Promise<Kernel> {
  let x = start;
  const spectrum = makeSceneSpectrum(y, usable, SEARCH_SCALE, size, sigma);
  const denoiser = await makeDenoiser(prior, x.width, x.height, executor, signal);
  const equations = await makeNormalEquations(executor, size, SEARCH_SCALE).catch(async (error) => {
    await denoiser.release();
    throw error;
  });
  try {
    let mean: NormalEquations | null = null;
    let kernel: Kernel | null = null;
    for (const [i, t] of times(plan).entries()) {
      const z = await denoiser.denoise(x, t, random.normals(x.data.length));
      const present = await equations.build(z, y, usable);
      mean = mean ? averageEquations(mean, present, plan.momentum) : present;
      const smooth = smoothEquations(mean, size, plan.smoothness);
      const fitted = solveKernel(smooth, plan.kernelIterations);
      const values = i < plan.withoutSpectrum ? fitted : refineWithSpectrum(smooth, fitted, spectrum);
      const centred = centreKernel(makeKernel(size, SEARCH_SCALE, values));
      kernel = centred.kernel;
      const [dy, dx] = centred.moved;
      const proposal = dy === 0 && dx === 0 ? z : cutPlanes(z, -dy, -dx, z.width, z.height);
      // After a move the past equations speak of another frame.
      if (proposal !== z) mean = null;
      const degradation = makeDegradation(kernel, y.width, y.height);
      x = await agreeWithLayer(proposal, y, degradation, priorTrust(t, sigma), plan.pictureIterations, signal);
      onStep(i + 1, kernel);
    }
    return kernel!;
  } finally {
    await Promise.all([denoiser.release(), equations.release()]);
  }
}

/** LR pixels this near the border are left out: part of what their window sees is the canvas's unknown margin. */
const BORDER = 2;

/** `usable` with the pixels near the border set to 0. */
export function withoutBorder(usable: Uint8Array, width: number, height: number): Uint8Array {
  return usable.map((u, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    return x >= BORDER && y >= BORDER && x < width - BORDER && y < height - BORDER ? u : 0;
  });
}
