/**
 * The last round of a search: what gradients may have misjudged is asked once more, under the prior.
 *
 * The best kernels that differ are judged under the prior, which sees through those that owe their score to a pattern of the scene (facades), and
 * knows thin strokes from haze. Which of two that are alike is the better one it knows no better than gradients do. Then, if that is asked for,
 * the best is fitted on under the prior, and a diffusion goes on from there. Under the prior haze looks good, so that score alone decides nothing,
 * and a kernel that was only fitted is chosen only if it leads clearly by both together (docs/experiments.md).
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

/** At most so many of the diffused kernels are judged, and one that was fitted. */
const DIFFUSED = 2;
export const JUDGED_IN_LAST_ROUND = DIFFUSED + 1;
/** Kernels that correlate so are taken for one. */
const ALIKE = 0.95;

/** How often a score under the prior counts beside the one under gradients. */
const PRIOR_COUNTS = 2;
/** By so many nats a fitted kernel must lead, in the sum. */
const LEAD = 0.06;

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
    sums.set(candidate, candidate.score + PRIOR_COUNTS * score + (candidate.diffused ? 0 : LEAD));
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

/** The first one, then the best diffused ones and the best fit, as far as they are not like one before. */
function differing(first: Candidate, met: readonly Candidate[]): Candidate[] {
  const judged = [first];
  const isNew = ({ kernel }: Candidate) => judged.every((other) => likeness(kernel, other.kernel) < ALIKE);
  for (const candidate of ranked(met, { diffused: true })) {
    if (judged.length < DIFFUSED && isNew(candidate)) judged.push(candidate);
  }
  const [fit] = ranked(met, { diffused: false });
  if (fit && isNew(fit)) judged.push(fit);
  return judged;
}

const likeness = (a: Kernel, b: Kernel): number => scoreKernel(trimKernel(a, HAZE), trimKernel(b, HAZE)).ncc;
