/**
 * The kernel of a layer: searched from several starts, each judged by LR pixels hidden from the scene that it is judged with
 * (docs/method.md).
 *
 * Searches help each other. Cross-fitting (cross-fit.ts), from the shapes that blurs have, from what strong edges tell (edge-kernel.ts) and from
 * what a reverse diffusion finds, goes far, but never quite to the right kernel, and on grain it ends too wide. Expectation maximisation
 * (expectation-fit.ts) goes nowhere from afar and most of the rest of the way from near by: it goes on from the most promising fit. The reverse
 * diffusion of the prior (diffusion-search.ts) stays near where it begins and makes clean kernels: it goes on from the pictures of the best. The
 * one is kept that foretells hidden pixels best (held-out.ts). Sparse gradients, which infer the scenes of all that, sometimes mislead: where there
 * is a prior, the best few are judged under it as well in a last round (last-round.ts).
 * All this is at twice the layer's resolution whatever the scale wanted: there a blur of a given width in LR pixels has few enough taps to
 * be found, and `toScale` carries it on.
 */
import { bicubicKernel, type Kernel, type Scale } from '../../shared/kernel.ts';
import { type Candidate, choose, promisingFits, ranked } from './candidates.ts';
import type { Evidence } from './confidence.ts';
import { DIFFUSION_ON, DIFFUSION_SEARCH, type Searched } from './diffusion-search.ts';
import type { DetailedPrediction } from './held-out.ts';
import { IN_SQUARES, ONE_BY_ONE } from './hidden-pixels.ts';
import { type KernelSearch, openKernelSearch, type SearchTools } from './kernel-search.ts';
import { startKernel } from './kernel-starts.ts';
import { JUDGED_IN_LAST_ROUND, lastRound } from './last-round.ts';
import type { Prior } from './patch-diffusion.ts';
import type { Random } from './random.ts';
import { together } from './together.ts';

/** The scale at which kernels are searched. */
export const SEARCH_SCALE: Scale = 2;

export interface SearchPlan {
  /** Shapes to start from (kernel-starts.ts). */
  readonly shapes: readonly string[];
  /** Kernels that strong edges tell of are starts as well: lambda of each (edge-kernel.ts). */
  readonly edges: readonly number[];
  /** Steps of cross-fitting from each start. */
  readonly fitting: number;
  /** Searches in the reverse diffusion from the enlarged layer; the best one is a start as well. */
  readonly diffusions: number;
  /** How many of the fitted kernels the diffusion goes on from, where there are any. */
  readonly refined: number;
  /** Whether the best few that differ are judged under the prior, in a last round. */
  readonly judgedUnderPrior: boolean;
}

/** Expectation maximisation goes on from the most promising fit in more and smaller steps than fits are made in. */
const stepsOfExpectation = (fitting: number): number => 2 * fitting;

/** How many kernels a search fits, how many steps its diffusions make, and how much it judges. */
export function searchParts({ shapes, edges, fitting, diffusions, refined, judgedUnderPrior }: SearchPlan) {
  const fits = shapes.length + edges.length + Math.min(1, diffusions);
  const onwards = diffusions > 0 ? 1 + refined : 0;
  return {
    byEdges: edges.length,
    fits,
    expectationSteps: stepsOfExpectation(fitting),
    diffusionSteps: diffusions * DIFFUSION_SEARCH.steps + onwards * DIFFUSION_ON.steps,
    // Each kernel in squares, the one that is chosen and the plain one one by one as well.
    turnsOfJudging: (fits + 1 + diffusions + onwards) * IN_SQUARES.turns + 2 * ONE_BY_ONE.turns,
    judgedUnderPrior: judgedUnderPrior ? JUDGED_IN_LAST_ROUND : 0,
  };
}

/** Steps of a search, for progress and predictions. */
export function searchSteps(plan: SearchPlan): number {
  const { fits, expectationSteps, diffusionSteps } = searchParts(plan);
  return fits * plan.fitting + expectationSteps + diffusionSteps;
}

export interface Estimate {
  /** Its kernel is on the grid of SEARCH_SCALE. */
  readonly chosen: Candidate;
  readonly evidence: Evidence;
  /** Every kernel that was met, in that order. */
  readonly candidates: readonly Candidate[];
}

/** `prior` may be missing where the plan has no diffusions and nothing under the prior. `onStep` hears every step of `searchSteps`. */
export async function estimateKernel(
  searched: Searched,
  prior: Prior | null,
  plan: SearchPlan,
  random: Random,
  tools: SearchTools,
  onStep: (step: number, kernel: Kernel) => void,
): Promise<Estimate> {
  let step = 0;
  const listen = (kernel: Kernel) => onStep(++step, kernel);
  const { signal } = tools;
  const search = await openKernelSearch(searched, prior, random.below(2 ** 31), tools, listen);
  try {
    const { met, contenders } = await searchFromAllStarts(search, searched, plan, signal);
    const byGradients = choose(contenders);
    const chosen = plan.judgedUnderPrior
      ? await lastRound(byGradients, contenders, search.judgeUnderPrior, signal)
      : byGradients;
    const foretell = (kernel: Kernel) => (stop: AbortSignal) => search.foretell(kernel, ONE_BY_ONE, stop);
    const [ofChosen, ofPlain] = await together<DetailedPrediction[]>(
      [foretell(chosen.kernel), foretell(bicubicKernel(searched.scale))],
      signal,
    );
    return { chosen, evidence: { chosen: ofChosen, plain: ofPlain }, candidates: met };
  } finally {
    await search.release();
  }
}

/**
 * Every kernel that is found, without the last round, and those among which one is chosen: what was diffused, and what came of the most promising fit.
 * The fit itself is none of them: it foretells a little better where it is not the better one, too. What does not wait for each other is searched
 * at once.
 */
async function searchFromAllStarts(
  search: KernelSearch,
  { size, scale }: Searched,
  { shapes, edges, fitting, diffusions, refined }: SearchPlan,
  signal?: AbortSignal,
): Promise<{ readonly met: readonly Candidate[]; readonly contenders: readonly Candidate[] }> {
  type Search = (stop: AbortSignal) => Promise<Candidate>;
  const fits = shapes.map<Search>(
    (shape) => (stop) => search.fit(shape, { kernel: startKernel(shape, size, scale), steps: [] }, fitting, stop),
  );
  const fromEdges = edges.map<Search>((lambda) => async (stop) => {
    const kernel = await search.findByEdges(lambda, stop);
    return search.fit(`edges ${lambda}`, { kernel, steps: [] }, fitting, stop);
  });
  const fromLayer = Array.from<unknown, Search>({ length: diffusions }, (_, i) => (stop) => search.diffuse(i, stop));
  const met = await together<Candidate[]>([...fits, ...fromEdges, ...fromLayer], signal);

  if (diffusions > 0) {
    const [best] = ranked(met, { diffused: true });
    const fromBest: Search[] = [
      (stop) => search.diffuseOn(best, stop),
      (stop) => search.fit('diffusion, fitted', best, fitting, stop),
    ];
    met.push(...(await together<Candidate[]>(fromBest, signal)));
  }
  const promising = promisingFits(met);
  const [fit] = promising;
  const byExpectation: Search = (stop) => search.fitByExpectation(fit, stepsOfExpectation(fitting), stop);
  const onwards = diffusions > 0 ? promising.slice(0, refined) : [];
  const last = onwards.map<Search>((candidate) => (stop) => search.diffuseOn(candidate, stop));
  const [expected, ...diffused] = await together<Candidate[]>([byExpectation, ...last], signal);
  met.push(expected, ...diffused);
  return { met, contenders: [expected, ...met.filter((candidate) => candidate.diffused)] };
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
