/**
 * How likely it is that a kernel that was found restores a better picture than the plain bicubic one, and what is done where that is
 * not certain.
 *
 * The witness is how the kernel serves the parts of the layer that it serves worst (`leastLead` in held-out.ts). Nothing else that was
 * tried told good kernels from harmful ones as well on pairs whose kernel is known (docs/experiments.md); docs/quality.md has its
 * calibration.
 */
import { type DetailedPrediction, leastLead } from './held-out.ts';

/** What the kernel that was chosen and the plain one foretold of the same pixels, hidden one by one. */
export interface Evidence {
  readonly chosen: DetailedPrediction;
  readonly plain: DetailedPrediction;
}

/** Log odds where the worst parts are even, and for each nat a pixel by which the kernel leads there: logistic regression on 73 pairs. */
const EVEN = 1.16;
const LEAD = 5.83;

const logOdds = (lead: number) => EVEN + LEAD * lead;

/** Probability, 0 .. 1. */
export const confidenceOf = ({ chosen, plain }: Evidence): number => confidenceAt(leastLead(chosen, plain));

/** `lead`: in the parts that the kernel serves worst, nats a pixel. */
export const confidenceAt = (lead: number): number => 1 / (1 + Math.exp(-logOdds(lead)));

/** With this lead the picture is restored by the kernel found alone, with that one by the plain one alone. */
const SURE = 0;
const UNSURE = -0.5;

/**
 * Share, 0 .. 1 in hundredths, of the picture restored by the plain kernel in the result. Where two kernels are possible the mean of their
 * pictures has the least squared error, for their errors differ; between the two ends it is linear in the lead.
 */
export function plainShare(confidence: number): number {
  const odds = Math.log(confidence / (1 - confidence));
  const share = (logOdds(SURE) - odds) / (logOdds(SURE) - logOdds(UNSURE));
  return Math.min(100, Math.max(0, Math.round(100 * share))) / 100;
}
