/**
 * How likely it is that a kernel that was found restores a better picture than the plain bicubic one, and what is done where that is
 * not likely.
 *
 * The witness is how far the layer's parts agree (`dissent` in held-out.ts). Nothing else that was tried told good kernels from
 * harmful ones as well on pairs whose kernel is known: docs/quality.md has its calibration.
 */
import { type DetailedPrediction, dissent } from './held-out.ts';

type Losses = Pick<DetailedPrediction, 'losses' | 'blocks'>;
/** What the kernel found and the plain one foretold of the same pixels. */
interface Judged {
  readonly chosen: Losses;
  readonly plain: Losses;
}

/** Log odds where all parts agree, and what the square root of dissent takes from them: logistic regression on 40 pairs. */
const AGREED = 1.1;
const DISSENT = -5.4;

/** Probability, 0 .. 1. */
export const confidenceOf = ({ chosen, plain }: Judged): number => confidenceAt(dissent(chosen, plain));

/** `share`: of the blocks that speak against the kernel. */
export const confidenceAt = (share: number): number => 1 / (1 + Math.exp(-(AGREED + DISSENT * Math.sqrt(share))));

/** Whether hardly any part speaks against the kernel. */
export const isUndisputed = (confidence: number): boolean => confidence >= confidenceAt(0.02);

/** From SURE on the picture is restored by the kernel found alone, from UNSURE down by the plain one alone. */
const SURE = confidenceAt(0.08);
const UNSURE = confidenceAt(0.25);

/**
 * Share, 0 .. 1, of the picture restored by the plain kernel in the result. Where two kernels are possible the mean of their pictures has the
 * least squared error, for their errors differ; between the two ends it is taken linear in the confidence.
 */
export const plainShare = (confidence: number): number =>
  Math.min(1, Math.max(0, (SURE - confidence) / (SURE - UNSURE)));
