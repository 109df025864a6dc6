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

/**
 * By so many nats a pixel a kernel that was only fitted must be better for all of its light that lies apart from the rest. A blur hangs together;
 * where a scene repeats itself (facades), kernels in pieces, as far apart as the windows, foretell hidden pixels best (docs/experiments.md). From
 * a diffusion they come with gaps only where there are some.
 */
const APART = 0.6;

const handicap = ({ kernel, diffused }: Candidate): number =>
  diffused ? 0 : APART * scattered(trimKernel(kernel, HAZE));

/** What kernels are compared by, in nats a pixel; less is better. */
export const rating = (candidate: Candidate): number => candidate.score + handicap(candidate);

/** Those that were diffused, or those that were fitted, the best first. */
export const ranked = (met: readonly Candidate[], kind: { readonly diffused: boolean }): Candidate[] =>
  met.filter(({ diffused }) => diffused === kind.diffused).sort((a, b) => rating(a) - rating(b));

/** A later kernel takes the place of an earlier one if it foretells better by so many standard errors. */
const SURE = 1;

/**
 * The best of all kernels met, in the order they were met. Where any was diffused, those that were only fitted are but places to go on
 * from: they are hazy, and where one foretells far better than all that were diffused it has found a pattern of the scene
 * (docs/experiments.md).
 */
export function choose(met: readonly Candidate[]): Candidate {
  const diffused = met.filter((candidate) => candidate.diffused);
  return (diffused.length > 0 ? diffused : met).reduce((a, b) =>
    surely(b, a, handicap(b) - handicap(a)) > SURE ? b : a,
  );
}
