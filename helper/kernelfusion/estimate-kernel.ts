/**
 * The kernel of a layer: searched from several starts, each judged by LR pixels that it was not fitted to (docs/method.md).
 *
 * Two searches help each other. Cross-fitting (cross-fit.ts), from the shapes that blurs have and from what a reverse diffusion finds,
 * goes far, but its kernels are hazy or too wide. The reverse diffusion of the prior (diffusion-search.ts) stays near where it begins
 * and makes clean ones: it goes on from the pictures of the kernels that were fitted best. Of all kernels met the one is kept that foretells
 * hidden pixels best (held-out.ts). Sparse gradients, which infer the scenes of all that, sometimes mislead: in a last round, which is dear,
 * the best kernels are judged under the prior as well (prior-judge.ts), and the best of those is fitted once more under it (prior-scene.ts).
 * All this is at twice the layer's resolution whatever the scale wanted: there a blur of a given width in LR pixels has few enough taps to
 * be found, and `toScale` carries it on.
 */
import { bicubicKernel, type Kernel, type Scale } from '../../shared/kernel.ts';
import { makePlanes, type Planes } from '../image/planes.ts';
import type { Executor } from '../tensor/executor.ts';
import { crossFit, underGradients } from './cross-fit.ts';
import { bicubicCanvas, canvasSize } from './degradation.ts';
import {
  DIFFUSION_ON,
  DIFFUSION_SEARCH,
  type DiffusionPlan,
  type Searched,
  searchByDiffusion,
} from './diffusion-search.ts';
import { type DetailedPrediction, foretell, hidePixels, surely } from './held-out.ts';
import { restoreByGradients } from './hyper-laplacian.ts';
import { makeNormalEquations, trimKernel } from './kernel-solver.ts';
import { startKernel } from './kernel-starts.ts';
import { lumaOf } from './luma.ts';
import { LEAST_SIGMA, ROUNDING_VARIANCE } from './noise.ts';
import { makeDenoiser, type Prior } from './patch-diffusion.ts';
import { foretellUnderPrior, HIDDEN_FROM_PRIOR } from './prior-judge.ts';
import { underPrior } from './prior-scene.ts';
import { makeRandom, type Random } from './random.ts';
import type { View } from './scene-posterior.ts';

/** The scale at which kernels are searched. */
export const SEARCH_SCALE: Scale = 2;

export interface SearchPlan {
  /** Shapes to start from (kernel-starts.ts). */
  readonly shapes: readonly string[];
  /** Steps of cross-fitting from each start. */
  readonly fitting: number;
  /** Searches in the reverse diffusion from the enlarged layer; the best one is a start as well. */
  readonly diffusions: number;
  /** How many of the fitted kernels the diffusion goes on from. */
  readonly refined: number;
  /** Steps of cross-fitting under the prior in a last round, where there is a prior; the diffusion goes on from there, too. 0: no such round. */
  readonly underPrior: number;
}

/** How many kernels a search fits, how many steps its diffusions make, and how many kernels it judges. */
export function searchParts({ shapes, diffusions, refined, underPrior }: SearchPlan) {
  const fits = shapes.length + Math.min(1, diffusions);
  const last = Math.min(1, underPrior);
  const onwards = (diffusions > 0 ? 1 + refined : 0) + last;
  return {
    fits,
    diffusionSteps: diffusions * DIFFUSION_SEARCH.steps + onwards * DIFFUSION_ON.steps,
    // The plain one as well.
    judged: fits + diffusions + last + onwards + 1,
    judgedUnderPrior: last * (2 * FINALISTS_OF_A_KIND + 2),
  };
}

/** Steps of a search, for progress and predictions. */
export function searchSteps(plan: SearchPlan): number {
  const { fits, diffusionSteps, judgedUnderPrior } = searchParts(plan);
  return fits * plan.fitting + diffusionSteps + plan.underPrior + judgedUnderPrior;
}

export interface Estimate {
  /** Its kernel is on the grid of SEARCH_SCALE. */
  readonly chosen: Candidate;
  /** What the plain bicubic kernel foretells. */
  readonly plain: DetailedPrediction;
  /** Every kernel that was judged, in the order they were met. */
  readonly candidates: readonly Candidate[];
}

/** A kernel met on the way. */
export interface Candidate extends DetailedPrediction {
  readonly kernel: Kernel;
  /** Where the search for it began and how it went on, in words. */
  readonly start: string;
  /** Whether the reverse diffusion found it, or cross-fitting. */
  readonly diffused: boolean;
}

/** `prior` may be missing where the plan has no diffusions and nothing under the prior. `onStep` hears every step of `searchSteps`. */
export async function estimateKernel(
  searched: Searched,
  prior: Prior | null,
  plan: SearchPlan,
  executor: Executor,
  random: Random,
  onStep: (step: number, kernel: Kernel) => void,
  signal?: AbortSignal,
): Promise<Estimate> {
  const { y, usable, size, scale, sigma } = searched;
  const view = lumaView(y, sigma);
  const seed = random.below(2 ** 31);
  let step = 0;
  const listen = (kernel: Kernel) => onStep(++step, kernel);
  // All are judged by the same pixels and draws, and fitted to the same folds: what differs is the start alone.
  const judge = (kernel: Kernel) => {
    const chance = makeRandom(seed, 1);
    return foretell({ ...view, shown: hidePixels(usable.length, chance) }, usable, kernel, chance, signal);
  };
  const equations = await makeNormalEquations(executor, size, scale);
  try {
    const met: Candidate[] = [];
    const meet = async (start: string, diffused: boolean, kernel: Kernel): Promise<Candidate> => {
      const candidate = { kernel, start, diffused, ...(await judge(kernel)) };
      met.push(candidate);
      return candidate;
    };
    const luma = makePlanes(y.width, y.height, 1, view.y);
    const fit = async (start: string, from: Kernel) => {
      const chance = makeRandom(seed, 2);
      const scenes = underGradients(view, searched, chance, signal);
      return meet(start, false, await crossFit(luma, usable, from, plan.fitting, scenes, equations, chance, listen));
    };
    const lastRound = async (by: Prior, goOn: (from: Candidate) => Promise<Candidate>): Promise<Candidate> => {
      const { width, height } = canvasSize(y, searched);
      const denoiser = await makeDenoiser(by, width, height, executor, signal);
      try {
        const underIt = { y, sigma, denoiser, ...(signal && { signal }) };
        const shown = hidePixels(usable.length, makeRandom(seed, 3), HIDDEN_FROM_PRIOR);
        const judged: Judged<Candidate>[] = [];
        const judgeOnce = async (candidate: Candidate) => {
          const { kernel } = candidate;
          const chance = makeRandom(seed, 4);
          judged.push({
            candidate,
            underPrior: await foretellUnderPrior(underIt, { ...view, shown }, usable, kernel, chance),
          });
          listen(kernel);
        };
        for (const candidate of finalists(met)) await judgeOnce(candidate);
        const { start, kernel } = bestOfAll(judged);
        const scenes = underPrior(underIt);
        const chance = makeRandom(seed, 2);
        const found = await crossFit(y, usable, kernel, plan.underPrior, scenes, equations, chance, listen);
        const fitted = await meet(`${start}, fitted under the prior`, false, found);
        await judgeOnce(fitted);
        await judgeOnce(await goOn(fitted));
        return bestOfAll(judged);
      } finally {
        await denoiser.release();
      }
    };
    for (const shape of plan.shapes) await fit(shape, startKernel(shape, size, scale));
    let last: Candidate | null = null;
    if (prior) {
      const diffuse = async (start: string, diffusion: DiffusionPlan, picture: Planes) => {
        const found = await searchByDiffusion(
          searched,
          prior,
          diffusion,
          picture,
          equations,
          executor,
          random,
          listen,
          signal,
        );
        return meet(start, true, trimKernel(found, HAZE));
      };
      const goOn = async ({ start, kernel }: Candidate) =>
        diffuse(`${start}, diffused on`, DIFFUSION_ON, await restoreByGradients(y, kernel, sigma, PICTURE, signal));
      const found: Candidate[] = [];
      for (let i = 0; i < plan.diffusions; i++) {
        found.push(await diffuse('diffusion', DIFFUSION_SEARCH, bicubicCanvas(y, searched)));
      }
      const [best] = ranked(found);
      await goOn(best);
      await fit('diffusion, fitted', best.kernel);
      const fitted = met.filter(({ diffused }) => !diffused);
      for (const candidate of ranked(fitted).slice(0, plan.refined)) await goOn(candidate);
      if (plan.underPrior > 0) last = await lastRound(prior, goOn);
    }
    return { chosen: last ?? choose(met), plain: await judge(bicubicKernel(scale)), candidates: met };
  } finally {
    await equations.release();
  }
}

/** The best first. */
const ranked = (met: readonly Candidate[]): Candidate[] => [...met].sort((a, b) => a.score - b.score);

/** How many kernels of either kind, diffused and fitted, the last round begins with. */
const FINALISTS_OF_A_KIND = 2;
const finalists = (met: readonly Candidate[]): Candidate[] =>
  [true, false].flatMap((kind) =>
    ranked(met.filter(({ diffused }) => diffused === kind)).slice(0, FINALISTS_OF_A_KIND),
  );

/** Taps below this share of the largest are the haze of estimation errors. */
export const HAZE = 0.1;

/** How thoroughly the picture is restored from which a diffusion goes on. */
const PICTURE = { rounds: 2, iterations: 15 };

/** A later kernel takes the place of an earlier one if it foretells better by so many standard errors. */
const SURE = 1;

/**
 * What a diffusion found stands unless a fitted kernel is better by so many nats: where scores are close its kernels restore
 * better pictures, for they have less haze (docs/experiments.md).
 */
const LEAD = 0.1;

/** The best of all kernels met, in the order they were met. */
export function choose<C extends Pick<Candidate, 'losses' | 'score' | 'diffused'>>(met: readonly C[]): C {
  const best = (of: readonly C[]) => of.reduce((a, b) => (surely(b, a) > SURE ? b : a));
  const diffused = met.filter((candidate) => candidate.diffused);
  const fitted = best(met.filter((candidate) => !candidate.diffused));
  if (diffused.length === 0) return fitted;
  const found = best(diffused);
  return fitted.score < found.score - LEAD ? fitted : found;
}

/** A candidate that was judged by its scene under the prior as well. */
interface Judged<C> {
  readonly candidate: C;
  readonly underPrior: Pick<DetailedPrediction, 'score'>;
}

/** How often a score under the prior counts beside the one under gradients (docs/experiments.md). */
const PRIOR_COUNTS = 2;

/** The candidate whose two scores together are the best. */
export function bestOfAll<C extends Pick<Candidate, 'score'>>(judged: readonly Judged<C>[]): C {
  const total = ({ candidate, underPrior }: Judged<C>) => candidate.score + PRIOR_COUNTS * underPrior.score;
  return judged.reduce((a, b) => (total(b) < total(a) ? b : a)).candidate;
}

/** One plane says what three would, in a third of the time. */
const lumaView = (y: Planes, sigma: number): Omit<View, 'shown'> => ({
  y: Float32Array.from(lumaOf(y)),
  width: y.width,
  height: y.height,
  variance: Math.max(sigma, LEAST_SIGMA) ** 2 + ROUNDING_VARIANCE,
});

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
