/**
 * The last round of a search: what gradients may have misjudged is asked once more, under the prior.
 *
 * The best kernels that differ are judged under the prior, which sees through those that owe their score to a pattern of the scene (facades).
 * Which of two that are alike is the better one it knows no better than gradients do, and what it thinks best alone is too hazy: the scores
 * are added up (docs/experiments.md).
 */
import type { Kernel } from '../../shared/kernel.ts';
import { type Candidate, ranked } from './candidates.ts';
import type { Prediction } from './held-out.ts';
import { HAZE, trimKernel } from './kernel-solver.ts';
import { scoreKernel } from './metrics.ts';
import { together } from './together.ts';

/** How well a kernel foretells hidden pixels under the prior. */
export type JudgeUnderPrior = (candidate: Candidate, signal?: AbortSignal) => Promise<Pick<Prediction, 'score'>>;

/** The best one, and one of each kind that differs from it. */
export const JUDGED_IN_LAST_ROUND = 3;
/** Kernels that correlate so are taken for one. */
const ALIKE = 0.95;

interface Rated {
  readonly candidate: Candidate;
  /** Of both scores. */
  readonly sum: number;
}

/** The best of `met` by both scores together. `first`: the best by gradients. */
export async function lastRound(
  first: Candidate,
  met: readonly Candidate[],
  judgeUnderPrior: JudgeUnderPrior,
  signal?: AbortSignal,
): Promise<Candidate> {
  const judged = differing(first, met);
  if (judged.length === 1) return first;
  const rated = await together<Rated[]>(
    judged.map((candidate) => async (stop: AbortSignal) => {
      const { score } = await judgeUnderPrior(candidate, stop);
      return { candidate, sum: candidate.score + score };
    }),
    signal,
  );
  return rated.reduce((a, b) => (b.sum < a.sum ? b : a)).candidate;
}

/** The first one, then the best diffused one and the best fit that are not like one before. */
function differing(first: Candidate, met: readonly Candidate[]): Candidate[] {
  const judged = [first];
  const isNew = ({ kernel }: Candidate) => judged.every((other) => likeness(kernel, other.kernel) < ALIKE);
  for (const diffused of [true, false]) {
    const next = ranked(met, { diffused }).find(isNew);
    if (next) judged.push(next);
  }
  return judged;
}

const likeness = (a: Kernel, b: Kernel): number => scoreKernel(trimKernel(a, HAZE), trimKernel(b, HAZE)).ncc;
