/** Kernels that a search has met, and which of them is kept. */
import type { Kernel } from '../../shared/kernel.ts';
import { type DetailedPrediction, surely } from './held-out.ts';
import { scattered } from './kernel-parts.ts';
import { HAZE, trimKernel } from './kernel-solver.ts';

/** A kernel met on the way. */
export interface Candidate extends DetailedPrediction {
  readonly kernel: Kernel;
  /** How it developed: of each step, those of the kernels it came from among them. */
  readonly steps: readonly Kernel[];
  /** Where the search for it began and how it went on, in words. */
  readonly start: string;
  /** Whether the reverse diffusion found it, or cross-fitting. */
  readonly diffused: boolean;
}

/** Those that were diffused, or those that were fitted, the best first. */
export const ranked = (met: readonly Candidate[], kind: { readonly diffused: boolean }): Candidate[] =>
  met.filter(({ diffused }) => diffused === kind.diffused).sort((a, b) => a.score - b.score);

/**
 * A fitted kernel must be better by so many nats a pixel for all of its light that lies apart from the rest. A blur hangs together; where a scene
 * repeats itself (facades), kernels in pieces, as far apart as the windows, foretell hidden pixels best (docs/experiments.md).
 */
const APART = 0.4;

/** Those that were fitted, the most promising first. */
export function promisingFits(met: readonly Candidate[]): Candidate[] {
  const promise = new Map(
    ranked(met, { diffused: false }).map((fit) => [fit, fit.score + APART * scattered(trimKernel(fit.kernel, HAZE))]),
  );
  return [...promise].sort((a, b) => a[1] - b[1]).map(([fit]) => fit);
}

/** A later kernel takes the place of an earlier one if it foretells better by so many standard errors. */
const SURE = 1;

/** The best of all, in that order. */
export const choose = (contenders: readonly Candidate[]): Candidate =>
  contenders.reduce((a, b) => (surely(b, a) > SURE ? b : a));
