/**
 * A second opinion: what gradients may have misjudged is asked once more, under the prior.
 *
 * Kernels that were only fitted are hazy, and may be right in outline only or not at all: on a layer that repeats itself they may have
 * arms as far apart as its pattern. Such a kernel is chosen only if it leads clearly by both scores together. Under the prior haze looks good,
 * so that score alone decides nothing (docs/experiments.md).
 */
import { type Candidate, ranked } from './candidates.ts';
import type { Prediction } from './held-out.ts';

/** How well a kernel foretells hidden pixels under the prior. */
type JudgeUnderPrior = (candidate: Candidate) => Promise<Pick<Prediction, 'score'>>;

export interface LastRoundTools {
  readonly judge: JudgeUnderPrior;
  /** A kernel fitted on under the prior. */
  fit(from: Candidate): Promise<Candidate>;
  /** The end of a reverse diffusion from there. */
  diffuseOn(from: Candidate): Promise<Candidate>;
}

/** So many of the diffused kernels are judged under the prior: by gradients the best of them often differ by chance only. */
const DIFFUSED = 3;
/** At most so many kernels are judged in a last round: the best one, those, and the two that are found there. */
export const JUDGED_IN_LAST_ROUND = 1 + DIFFUSED + 2;

/** How often a score under the prior counts beside the one under gradients. */
const PRIOR_COUNTS = 2;
/** By so many nats a fitted kernel must lead, in the sum. */
const LEAD = 0.06;

/** What is to be kept without a last round: `first`, which is the best by gradients and was only fitted, or the best that was diffused. */
export async function confirmed(
  first: Candidate,
  met: readonly Candidate[],
  judge: JudgeUnderPrior,
): Promise<Candidate> {
  const [diffused] = ranked(met, { diffused: true });
  if (!diffused) return first;
  const { rate, best } = makeRating(judge);
  await rate([first, diffused]);
  return best(LEAD);
}

/**
 * The best kernel, or the best that was diffused (if any was) where that foretells better under both, is fitted on under the prior, and a
 * diffusion goes on from there; returned is the best of the kernels met and of those found here. `first`: the best of those met, by gradients.
 */
export async function lastRound(
  first: Candidate,
  met: readonly Candidate[],
  { judge, fit, diffuseOn }: LastRoundTools,
): Promise<Candidate> {
  const { rate, best } = makeRating(judge);
  const diffused = ranked(met, { diffused: true }).slice(0, DIFFUSED);
  await rate([first, ...diffused.slice(0, 1)]);
  const fitted = await fit(best(0));
  await rate([...diffused, fitted, await diffuseOn(fitted)]);
  return best(LEAD);
}

/** Kernels by both scores together, each judged under the prior once. */
function makeRating(judge: JudgeUnderPrior) {
  const totals = new Map<Candidate, number>();
  return {
    async rate(candidates: readonly Candidate[]): Promise<void> {
      for (const candidate of candidates) {
        if (totals.has(candidate)) continue;
        totals.set(candidate, candidate.score + PRIOR_COUNTS * (await judge(candidate)).score);
      }
    },
    /** `lead`: by how much a fitted one must be ahead. */
    best(lead: number): Candidate {
      const rated = [...totals].map(([candidate, total]) => ({
        candidate,
        rating: total + (candidate.diffused ? 0 : lead),
      }));
      return rated.reduce((a, b) => (b.rating < a.rating ? b : a)).candidate;
    },
  };
}
