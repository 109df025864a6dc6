/**
 * The tools of a search for a layer's kernel: ways to find one, each of which judges what it found and keeps it among the kernels met.
 *
 * All kernels are judged by the same pixels and draws, and fitted to the same folds: they differ by where they began alone.
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makePlanes, type Planes } from '../image/planes.ts';
import type { Executor } from '../tensor/executor.ts';
import type { Candidate } from './candidates.ts';
import { crossFit, underGradients } from './cross-fit.ts';
import { bicubicCanvas, canvasSize } from './degradation.ts';
import {
  DIFFUSION_ON,
  DIFFUSION_SEARCH,
  type DiffusionPlan,
  type Searched,
  searchByDiffusion,
} from './diffusion-search.ts';
import { type DetailedPrediction, foretell, hidePixels } from './held-out.ts';
import { restoreByGradients } from './hyper-laplacian.ts';
import { type NormalEquationsBuilder, trimKernel } from './kernel-solver.ts';
import { type LastRoundTools, lastRound } from './last-round.ts';
import { lumaOf } from './luma.ts';
import { LEAST_SIGMA, ROUNDING_VARIANCE } from './noise.ts';
import { makeDenoiser, type Prior } from './patch-diffusion.ts';
import { foretellUnderPrior, HIDDEN_FROM_PRIOR } from './prior-judge.ts';
import { type PriorView, underPrior } from './prior-scene.ts';
import { makeRandom, type Random } from './random.ts';
import type { View } from './scene-posterior.ts';

export interface KernelSearch {
  /** Every kernel that was found, in that order. */
  readonly met: readonly Candidate[];
  /** What a kernel foretells of hidden pixels. */
  judge(kernel: Kernel): Promise<DetailedPrediction>;
  /** Cross-fitting under sparse gradients. `start`: in words. */
  fit(start: string, from: Kernel, steps: number): Promise<Candidate>;
  withPrior(prior: Prior): PriorSearch;
}

/** What can be done with a prior, too. */
export interface PriorSearch {
  /** The reverse diffusion from the enlarged layer. */
  diffuse(): Promise<Candidate>;
  /** The end of a reverse diffusion, from the picture that a kernel found makes. */
  diffuseOn(from: Candidate): Promise<Candidate>;
  /** last-round.ts, with so many steps of fitting. */
  lastRound(first: Candidate, steps: number): Promise<Candidate>;
}

/** Taps below this share of the largest are the haze of estimation errors. */
export const HAZE = 0.1;

/** How thoroughly the picture is restored from which a diffusion goes on. */
const PICTURE = { rounds: 2, iterations: 15 };

/** Which random numbers of a search's seed are for what. */
const CHANCE = { judge: 1, folds: 2, hiddenFromPrior: 3, underPrior: 4 };

/** `equations`: of the side and scale of `searched`. `onStep` hears every step of a fit or diffusion. */
export function makeKernelSearch(
  searched: Searched,
  equations: NormalEquationsBuilder,
  executor: Executor,
  random: Random,
  onStep: (kernel: Kernel) => void,
  signal?: AbortSignal,
): KernelSearch {
  const { y, usable, sigma, lumaSigma } = searched;
  const view = lumaView(y, lumaSigma);
  const luma = makePlanes(y.width, y.height, 1, view.y);
  const seed = random.below(2 ** 31);
  const met: Candidate[] = [];

  const judge = (kernel: Kernel) => {
    const chance = makeRandom(seed, CHANCE.judge);
    return foretell({ ...view, shown: hidePixels(usable.length, chance) }, usable, kernel, chance, signal);
  };
  const meet = async (start: string, diffused: boolean, kernel: Kernel): Promise<Candidate> => {
    const candidate = { kernel, start, diffused, ...(await judge(kernel)) };
    met.push(candidate);
    return candidate;
  };

  const withPrior = (prior: Prior): PriorSearch => {
    const diffuse = async (start: string, plan: DiffusionPlan, picture: Planes) => {
      const found = await searchByDiffusion(
        searched,
        prior,
        plan,
        picture,
        equations,
        executor,
        random,
        onStep,
        signal,
      );
      return meet(start, true, trimKernel(found, HAZE));
    };
    const diffuseOn = async ({ start, kernel }: Candidate) =>
      diffuse(`${start}, diffused on`, DIFFUSION_ON, await restoreByGradients(y, kernel, sigma, PICTURE, signal));
    const toolsUnder = (scene: PriorView, steps: number): LastRoundTools => {
      const shown = hidePixels(usable.length, makeRandom(seed, CHANCE.hiddenFromPrior), HIDDEN_FROM_PRIOR);
      return {
        judge: ({ kernel }) =>
          foretellUnderPrior(scene, { ...view, shown }, usable, kernel, makeRandom(seed, CHANCE.underPrior)),
        async fit({ start, kernel }) {
          const chance = makeRandom(seed, CHANCE.folds);
          const fitted = await crossFit(y, usable, kernel, steps, underPrior(scene), equations, chance, onStep);
          return meet(`${start}, fitted under the prior`, false, fitted);
        },
        diffuseOn,
      };
    };
    return {
      diffuse: () => diffuse('diffusion', DIFFUSION_SEARCH, bicubicCanvas(y, searched)),
      diffuseOn,
      async lastRound(first, steps) {
        const { width, height } = canvasSize(y, searched);
        const denoiser = await makeDenoiser(prior, width, height, executor, signal);
        try {
          return await lastRound(first, met, toolsUnder({ y, sigma, denoiser, ...(signal && { signal }) }, steps));
        } finally {
          await denoiser.release();
        }
      },
    };
  };

  return {
    met,
    judge,
    async fit(start, from, steps) {
      const chance = makeRandom(seed, CHANCE.folds);
      const scenes = underGradients(view, searched, chance, signal);
      return meet(start, false, await crossFit(luma, usable, from, steps, scenes, equations, chance, onStep));
    },
    withPrior,
  };
}

/** One plane says what three would, in a third of the time. */
const lumaView = (y: Planes, lumaSigma: number): Omit<View, 'shown'> => ({
  y: Float32Array.from(lumaOf(y)),
  width: y.width,
  height: y.height,
  variance: Math.max(lumaSigma, LEAST_SIGMA) ** 2 + ROUNDING_VARIANCE,
});
