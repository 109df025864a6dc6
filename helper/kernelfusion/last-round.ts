/**
 * The last round of a search: what gradients may have misjudged is asked once more, under the prior.
 *
 * It begins with the best kernel, and with the best that was diffused where that is another: under the prior hazy kernels look good, and
 * what was only fitted may be right in outline only (docs/experiments.md).
 */
import { type Candidate, choose, ranked } from './candidates.ts';
import type { Prediction } from './held-out.ts';

export interface LastRoundTools {
  /** How well a kernel foretells hidden pixels under the prior. */
  judge(candidate: Candidate): Promise<Pick<Prediction, 'score'>>;
  /** A kernel fitted on under the prior. */
  fit(from: Candidate): Promise<Candidate>;
  /** The end of a reverse diffusion from there. */
  diffuseOn(from: Candidate): Promise<Candidate>;
}

/** At most so many kernels are judged under the prior. */
export const JUDGED_IN_LAST_ROUND = 4;

/** How often a score under the prior counts beside the one under gradients (docs/experiments.md). */
const PRIOR_COUNTS = 2;

/** The kernel whose two scores together are the best: of those the round begins with, the fit from the better one, and the diffusion from that. */
export async function lastRound(
  met: readonly Candidate[],
  { judge, fit, diffuseOn }: LastRoundTools,
): Promise<Candidate> {
  const judged: { readonly candidate: Candidate; readonly total: number }[] = [];
  const judgeAgain = async (candidate: Candidate) => {
    const { score } = await judge(candidate);
    judged.push({ candidate, total: candidate.score + PRIOR_COUNTS * score });
  };
  const best = () => judged.reduce((a, b) => (b.total < a.total ? b : a)).candidate;

  const [diffused] = ranked(met, { diffused: true });
  for (const candidate of new Set([choose(met), diffused])) await judgeAgain(candidate);
  const fitted = await fit(best());
  await judgeAgain(fitted);
  await judgeAgain(await diffuseOn(fitted));
  return best();
}
