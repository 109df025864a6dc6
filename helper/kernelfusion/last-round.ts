/**
 * The last round of a search: what gradients may have misjudged is asked once more, under the prior.
 *
 * The best kernel is fitted on under the prior, and a diffusion goes on from there. Under the prior haze looks good, so that score alone decides
 * nothing, and the kernel that was only fitted is chosen only if it leads clearly by both together (docs/experiments.md).
 */
import { type Candidate, ranked } from './candidates.ts';
import type { Prediction } from './held-out.ts';

export interface LastRoundTools {
  /** How well a kernel foretells hidden pixels under the prior. */
  judge(candidate: Candidate): Promise<Pick<Prediction, 'score'>>;
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

/** The best of the kernels met and of those found here, by both scores together. `first`: the best of those met, by gradients. */
export async function lastRound(
  first: Candidate,
  met: readonly Candidate[],
  { judge, fit, diffuseOn }: LastRoundTools,
): Promise<Candidate> {
  const totals = new Map<Candidate, number>();
  const rate = async (candidates: readonly Candidate[]) => {
    for (const candidate of candidates) {
      if (totals.has(candidate)) continue;
      totals.set(candidate, candidate.score + PRIOR_COUNTS * (await judge(candidate)).score);
    }
  };
  const best = () => {
    const rated = [...totals].map(([candidate, total]) => ({
      candidate,
      rating: total + (candidate.diffused ? 0 : LEAD),
    }));
    return rated.reduce((a, b) => (b.rating < a.rating ? b : a)).candidate;
  };

  const diffused = ranked(met, { diffused: true }).slice(0, DIFFUSED);
  await rate([first, ...diffused.slice(0, 1)]);
  const fitted = await fit(best());
  await rate([...diffused, fitted, await diffuseOn(fitted)]);
  return best();
}
