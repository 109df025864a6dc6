/**
 * The last round of a search: what gradients may have misjudged is asked once more, under the prior.
 *
 * The best kernels are judged under the prior, which sees through kernels that owe their score to a pattern of the scene (facades), and knows thin
 * strokes from haze. Then, if that is asked for, the best is fitted on under the prior, and a diffusion goes on from there. Under the prior haze
 * looks good, so that score alone decides nothing, and a kernel that was only fitted is chosen only if it leads clearly by both together
 * (docs/experiments.md).
 */
import { type Candidate, ranked } from './candidates.ts';
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
/** And so many of those that were fitted. */
const FITTED = 1;
/** At most so many kernels are judged of those that were met. */
export const JUDGED_IN_LAST_ROUND = DIFFUSED + FITTED;

/** How often a score under the prior counts beside the one under gradients. */
const PRIOR_COUNTS = 2;
/** By so many nats a fitted kernel must lead, in the sum. */
const LEAD = 0.06;

/** The best kernel by both scores together, and those that were found here. `steps`: of fitting under the prior; 0 finds none. */
export async function lastRound(
  met: readonly Candidate[],
  { judgeUnderPrior, fitUnderPrior, diffuseOn }: LastRoundTools,
  steps: number,
  signal?: AbortSignal,
): Promise<{ readonly chosen: Candidate; readonly met: readonly Candidate[] }> {
  const sums = new Map<Candidate, number>();
  const rate = async (candidate: Candidate, stop: AbortSignal) => {
    const { score } = await judgeUnderPrior(candidate, stop);
    sums.set(candidate, candidate.score + PRIOR_COUNTS * score + (candidate.diffused ? 0 : LEAD));
    return candidate;
  };
  const best = () => [...sums].reduce((a, b) => (b[1] < a[1] ? b : a))[0];
  const rated = (candidate: Candidate) => (stop: AbortSignal) => rate(candidate, stop);

  const diffused = ranked(met, { diffused: true }).slice(0, DIFFUSED);
  const fitted = ranked(met, { diffused: false }).slice(0, FITTED);
  await together([...diffused, ...fitted].map(rated), signal);
  if (steps === 0) return { chosen: best(), met: [] };

  const fittedOn = await fitUnderPrior(best(), steps, signal);
  const goOn = async (stop: AbortSignal) => rate(await diffuseOn(fittedOn, stop), stop);
  const [diffusedOn] = await together<Candidate[]>([goOn, rated(fittedOn)], signal);
  return { chosen: best(), met: [fittedOn, diffusedOn] };
}
