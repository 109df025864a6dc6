/**
 * What every method does with a layer around its own work: the range of values, chance, a kernel that is given, its alpha,
 * and progress.
 */
import { type Kernel, resizeSide } from '../../../shared/kernel.ts';
import { MOST_NOISE, type UpscaleOptions } from '../../../shared/options.ts';
import { mapPlanes, type Planes } from '../../image/planes.ts';
import { jpegTraces, quantisationNoise } from '../jpeg-traces.ts';
import { lumaNoiseShare } from '../luma.ts';
import { type Layer, type MethodContext, type MethodResult, PHASES, type Phase, type Progress } from '../method.ts';
import { estimateNoise } from '../noise.ts';
import { gradientSums, type Prior, type TrainingPlan, trainPrior } from '../patch-diffusion.ts';
import { makeRandom, type Random } from '../random.ts';
import { FAST_RESTORATION, type RestorationContext, restoreLayer } from '../restore.ts';
import { tasksHere } from '../tasks.ts';
import type { Work } from '../work.ts';

/** From [0, 1] to the [-1, 1] of networks, and back. */
export const toNetwork = (v: number) => 2 * v - 1;
export const toUnit = (v: number) => Math.min(1, Math.max(0, (v + 1) / 2));

/** The stream of chance of a phase. */
export const randomOf = (phase: Phase, { seed }: UpscaleOptions): Random => makeRandom(seed, PHASES.indexOf(phase));

/** A kernel that is known, on the grid of the scale. */
export function useGiven(
  kernel: Kernel,
  { scale }: UpscaleOptions,
): Pick<MethodResult, 'kernel' | 'kernelSource' | 'confidence' | 'notes'> {
  const told = { kernelSource: 'given', confidence: null } as const;
  if ((kernel.size - scale) % 2 === 0) return { ...told, kernel: { ...kernel, scale }, notes: [] };
  const note = `The kernel's side (${kernel.size}) and the scale (${scale}) differ in parity, so the result lies half a pixel to the side.`;
  return { ...told, kernel: resizeSide({ ...kernel, scale }, kernel.size + 1), notes: [note] };
}

/** 1 for LR pixels whose colour is all their own, 0 where transparency mixes in. */
export function opaque({ colour, alpha }: Layer): Uint8Array {
  return alpha
    ? Uint8Array.from(alpha.data, (v) => (v > 0.998 ? 1 : 0))
    : new Uint8Array(colour.width * colour.height).fill(1);
}

/** Top left corner of the window with most texture in usable pixels. */
export function texturedWindow(
  y: Planes,
  size: Pick<Planes, 'width' | 'height'>,
  usable: Uint8Array,
): readonly [top: number, left: number] {
  const sums = gradientSums(y, size, usable);
  const best = sums.reduce((at, v, i) => (v > sums[at] ? i : at), 0);
  const columns = y.width - size.width + 1;
  return [Math.floor(best / columns), best % columns];
}

/** How a job restores; what it has to say about that is added to `notes`. */
export const restorationIn = (
  { executor, tasks = tasksHere(), tileSide, signal }: MethodContext,
  notes: string[],
): Omit<RestorationContext, 'onStep'> => ({
  executor,
  tasks,
  ...(tileSide !== undefined && { side: tileSide }),
  onNote: (sentence) => notes.push(sentence),
  ...(signal && { signal }),
});

/** Alpha, restored with the kernel (and the hedge, if any) of the colours and without the prior, which has not learnt it. */
export async function restoreAlpha(
  { alpha }: Layer,
  kernel: Kernel,
  restoration: Omit<RestorationContext, 'onStep'>,
  report: Report,
): Promise<Planes | null> {
  if (!alpha) return null;
  const onStep = (step: number, steps: number) => report({ phase: 'alpha', step, steps });
  return restoreLayer(mapPlanes(alpha, toNetwork), kernel, 0, null, FAST_RESTORATION, { ...restoration, onStep });
}

/** From here on, in 8-bit levels, it is told what a JPEG lost. */
const NOTABLE_LOSS = 1;

/** Standard deviations in 8-bit levels. */
export interface LayerNoise {
  /** Of each plane of colour. */
  readonly noise: number;
  readonly lumaNoise: number;
}

/**
 * Noise of a layer (values in [-1, 1]): what was said, or what it looks like, with what it lost as a JPEG; and what is to be told of
 * that. Noise is independent in each plane, and luma has less of it; what a JPEG loses is lost of luma itself.
 */
export function noiseOf(
  y: Planes,
  usable: Uint8Array,
  { noise: said }: UpscaleOptions,
): LayerNoise & { readonly notes: readonly string[] } {
  const share = lumaNoiseShare(y);
  if (said !== null) return { noise: said, lumaNoise: share * said, notes: [] };
  const traces = jpegTraces(y, usable);
  const lost = traces ? quantisationNoise(traces) : 0;
  const independent = 127.5 * estimateNoise(y, usable);
  const together = (own: number) => Math.min(MOST_NOISE, Math.hypot(own, lost));
  const note = `The layer was compressed as JPEG. What that cost it counts as ${lost.toFixed(1)} levels of noise.`;
  return {
    ...{ noise: together(independent), lumaNoise: together(share * independent) },
    notes: lost >= NOTABLE_LOSS ? [note] : [],
  };
}

/** Phase 1 of every method that has a prior. */
export async function learnPrior(
  y: Planes,
  plan: TrainingPlan,
  options: UpscaleOptions,
  { executor, signal }: MethodContext,
  report: Report,
): Promise<{ prior: Prior; losses: number[] }> {
  const losses: number[] = [];
  const onLoss = (step: number, steps: number, loss: number) => {
    losses.push(loss);
    report({ phase: 'prior', step, steps, loss });
  };
  return { prior: await trainPrior(y, plan, executor, randomOf('prior', options), onLoss, signal), losses };
}

/** Reports what is restored, piece by piece, as people see it. */
export const pieceListener =
  (report: Report): RestorationContext['onStep'] =>
  (step, steps, { colour, ...corner }) =>
    report({ phase: 'image', step, steps, piece: { ...corner, colour: mapPlanes(colour, toUnit) } });

/** Hears a step; what share of all work is then done, is found out. */
type Report = (step: Omit<Progress, 'done'>) => void;

/** Adds to each step the share of all predicted work that is then done. */
export function makeReporter(work: Work, { onProgress }: MethodContext): Report {
  const total = work.prior + work.kernel + work.image + work.alpha;
  const before = { prior: 0, kernel: work.prior, image: work.prior + work.kernel, alpha: total - work.alpha };
  return (step) => {
    const done = (before[step.phase] + (work[step.phase] * step.step) / step.steps) / total;
    onProgress?.({ ...step, done });
  };
}
