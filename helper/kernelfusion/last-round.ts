/**
 * The last round of a search: what gradients may have misjudged is asked once more, under the prior.
 *
 * The best kernel is fitted on under the prior, and a diffusion goes on from there. Under the prior haze looks good, so that score alone decides
 * nothing, and the kernel that was only fitted is chosen only if it leads clearly by both together (docs/experiments.md).
 */
import { type Candidate, ranked, rating } from './candidates.ts';
import type { Prediction } from './held-out.ts';
import { together } from './together.ts';

export interface LastRoundTools {
  /** How well a kernel foretells hidden pixels under the prior. */
  judgeUnderPrior(candidate: Candidate, signal?: AbortSignal): Promise<Pick<Prediction, 'score'>>;
  /** A kernel fitted on under the prior. */
  fitUnderPrior(from: Candidate, steps: number, signal?: AbortSignal): Promise<Candidate>;
  /** The end of a reverse diffusion from there. */
  diffuseOn(from: Candidate, signal?: AbortSignal): Promise<Candidate>;
}

/** So many of the diffused kernels are judged under the prior: by gradients the best of them often differ by chance only. */
const DIFFUSED = 3;
/** At most so many kernels are judged in a last round: the best one, those, and the two that are found there. */
export const JUDGED_IN_LAST_ROUND = 1 + DIFFUSED + 2;

/** How often a score under the prior counts beside the one under gradients. */
const PRIOR_COUNTS = 2;
/** By so many nats a fitted kernel must lead, in the sum. */
const LEAD = 0.06;

/**
 * The best of the kernels met and of those found here, by both scores together, and the latter. `first`: the best of those met, by gradients;
 * `steps`: of fitting.
 */
export async function lastRound(
  first: Candidate,
  met: readonly Candidate[],
  { judgeUnderPrior, fitUnderPrior, diffuseOn }: LastRoundTools,
  steps: number,
  signal?: AbortSignal,
): Promise<{ readonly chosen: Candidate; readonly met: readonly Candidate[] }> {
  const totals = new Map<Candidate, number>();
  const rate = async (candidate: Candidate, stop?: AbortSignal) => {
    if (!totals.has(candidate)) {
      const { score } = await judgeUnderPrior(candidate, stop);
      totals.set(candidate, rating(candidate) + PRIOR_COUNTS * score);
    }
    return candidate;
  };
  const best = () => {
    const sums = [...totals].map(([candidate, total]) => ({
      candidate,
      sum: total + (candidate.diffused ? 0 : LEAD),
    }));
    return sums.reduce((a, b) => (b.sum < a.sum ? b : a)).candidate;
  };

  const diffused = ranked(met, { diffused: true }).slice(0, DIFFUSED);
  const rated = (candidate: Candidate) => (stop: AbortSignal) => rate(candidate, stop);
  await together([...new Set([first, ...diffused.slice(0, 1)])].map(rated), signal);
  const fitted = await fitUnderPrior(best(), steps, signal);
  const goOn = async (stop: AbortSignal) => rate(await diffuseOn(fitted, stop), stop);
  const [diffusedOn] = await together<Candidate[]>([goOn, ...[...diffused, fitted].map(rated)], signal);
  return { chosen: best(), met: [fitted, diffusedOn] };
}
