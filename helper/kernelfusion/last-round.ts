/**
 * The last round of a search: what gradients may have misjudged is asked once more, under the prior.
 *
 * The best kernels that differ are judged under the prior, which sees through those that owe their score to a pattern of the scene (facades).
 * Which of two that are alike is the better one it knows no better than gradients do, and what it thinks best alone is too hazy: the scores
 * are added up (docs/experiments.md). Then, if that is asked for, the best is fitted on under the prior, and a diffusion goes on from there.
 */
import type { Kernel } from '../../shared/kernel.ts';
import { type Candidate, ranked } from './candidates.ts';
import type { Prediction } from './held-out.ts';
import { HAZE, trimKernel } from './kernel-solver.ts';
import { scoreKernel } from './metrics.ts';
import { together } from './together.ts';

export interface LastRoundTools {
  /** How well a kernel foretells hidden pixels under the prior. */
  judgeUnderPrior(candidate: Candidate, signal?: AbortSignal): Promise<Pick<Prediction, 'score'>>;
  /** A kernel fitted on under the prior. */
  fitUnderPrior(from: Candidate, steps: number, signal?: AbortSignal): Promise<Candidate>;
  /** The end of a reverse diffusion from there. */
  diffuseOn(from: Candidate, signal?: AbortSignal): Promise<Candidate>;
}

/** The best one, and one of each kind that differs from it. */
export const JUDGED_IN_LAST_ROUND = 3;
/** Kernels that correlate so are taken for one. */
const ALIKE = 0.95;

/**
 * The best kernel by both scores together, and those that were found here. `first`: the best of those met, by gradients; `steps`: of fitting under
 * the prior; 0 finds none.
 */
export async function lastRound(
  first: Candidate,
  met: readonly Candidate[],
  { judgeUnderPrior, fitUnderPrior, diffuseOn }: LastRoundTools,
  steps: number,
  signal?: AbortSignal,
): Promise<{ readonly chosen: Candidate; readonly met: readonly Candidate[] }> {
  const sums = new Map<Candidate, number>();
  const rate = async (candidate: Candidate, stop: AbortSignal) => {
    const { score } = await judgeUnderPrior(candidate, stop);
    sums.set(candidate, candidate.score + score);
    return candidate;
  };
  const best = () => [...sums].reduce((a, b) => (b[1] < a[1] ? b : a))[0];
  const rated = (candidate: Candidate) => (stop: AbortSignal) => rate(candidate, stop);

  const judged = differing(first, met);
  if (steps === 0 && judged.length === 1) return { chosen: first, met: [] };
  await together(judged.map(rated), signal);
  if (steps === 0) return { chosen: best(), met: [] };

  const fittedOn = await fitUnderPrior(best(), steps, signal);
  const goOn = async (stop: AbortSignal) => rate(await diffuseOn(fittedOn, stop), stop);
  const [diffusedOn] = await together<Candidate[]>([goOn, rated(fittedOn)], signal);
  return { chosen: best(), met: [fittedOn, diffusedOn] };
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
