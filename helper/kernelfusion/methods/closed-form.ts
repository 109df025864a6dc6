/**
 * The presets of an ordinary computer: the principle and the prior of KernelFusion (arXiv 2503.21907), with the inner problems
 * of its second phase solved in closed form instead of by training networks. docs/method.md has the measurements.
 *
 * They differ in how much they try: `fast` restores by the gradients of natural pictures alone and searches kernels from a few
 * starts, `balanced` trains the prior and starts from every shape and from what the prior finds, `best` does more of the same.
 */
import { bicubicKernel, type Kernel, resizeSide, toScale } from '../../../shared/kernel.ts';
import { MOST_NOISE, type UpscaleOptions } from '../../../shared/options.ts';
import { cutPlanes, mapPlanes, type Planes } from '../../image/planes.ts';
import { makeStage } from '../checkpoint.ts';
import { consistency } from '../consistency.ts';
import type { Searched } from '../diffusion-search.ts';
import { estimateKernel, SEARCH_SCALE, type SearchPlan, searchSteps, withoutBorder } from '../estimate-kernel.ts';
import { centreKernel, trimKernel } from '../kernel-solver.ts';
import { ALL_SHAPES } from '../kernel-starts.ts';
import {
  type Layer,
  type Method,
  type MethodContext,
  type MethodResult,
  PHASES,
  type Phase,
  type Progress,
} from '../method.ts';
import { estimateNoise } from '../noise.ts';
import { FAST_TRAINING, gradientSums, type Prior, type TrainingPlan, trainPrior } from '../patch-diffusion.ts';
import { makeRandom, type Random } from '../random.ts';
import { FAST_RESTORATION, type RestorationPlan, restoreLayer } from '../restore.ts';
import { plannedWork, type Size, type Work } from '../work.ts';

export interface ClosedFormPlan {
  /** Of the prior; null does without one. */
  readonly training: TrainingPlan | null;
  readonly search: SearchPlan;
  readonly restoration: RestorationPlan;
}

export const CLOSED_FORM_PLANS = {
  fast: {
    training: null,
    search: { shapes: ALL_SHAPES.slice(0, 2), diffusions: 0, first: 6, kept: 2, then: 6 },
    restoration: FAST_RESTORATION,
  },
  balanced: {
    training: FAST_TRAINING,
    search: { shapes: ALL_SHAPES, diffusions: 1, first: 6, kept: 3, then: 8 },
    restoration: FAST_RESTORATION,
  },
  best: {
    training: { ...FAST_TRAINING, steps: 1200, decay: 500 },
    search: { shapes: ALL_SHAPES, diffusions: 2, first: 10, kept: 4, then: 16 },
    restoration: FAST_RESTORATION,
  },
} as const satisfies Record<string, ClosedFormPlan>;

/** Default kernel side in LR pixels: 7 covers every kernel of the usual test sets. */
const SIDE_IN_LR_PIXELS = 7;
/** Side of the LR crop the kernel is searched on. */
const SEARCH_CROP = 128;
/** Taps below this share of the largest are the haze of estimation errors. */
const HAZE = 0.05;
/** A kernel must foretell hidden pixels better than the plain bicubic one by so many nats, or the latter is used. */
const LEAST_EVIDENCE = 0.01;
/** Fewer usable LR pixels than this say too little about a kernel. */
const LEAST_PIXELS = 144;

export const closedForm =
  (plan: ClosedFormPlan): Method =>
  async (layer, options, context) => {
    const { executor, signal } = context;
    const y = mapPlanes(layer.colour, toNetwork);
    const usable = opaque(layer);
    const noise = options.noise ?? Math.min(MOST_NOISE, estimateNoise(y, usable) * 127.5);
    const sigma = noise / 127.5;
    const crop = searchCrop(y, usable);
    const given = context.kernel;
    const report = makeReporter(predictWork(y, layer.alpha !== null, options, plan, given?.size), context);
    const stage = makeStage(context);

    const train = async (training: TrainingPlan) => {
      const losses: number[] = [];
      const onLoss = (step: number, steps: number, loss: number) => {
        losses.push(loss);
        report({ phase: 'prior', step, steps, loss });
      };
      return { prior: await trainPrior(y, training, executor, randomOf('prior', options), onLoss, signal), losses };
    };
    const { training } = plan;
    const { prior, losses } = training ? await stage('prior', () => train(training)) : { prior: null, losses: [] };

    const found = await stage('kernel', async () => {
      const kernels: Kernel[] = [];
      const onKernel = (step: number, kernel: Kernel) => {
        kernels.push(kernel);
        report({ phase: 'kernel', step, steps: searchSteps(plan.search), kernel });
      };
      if (given) return { ...useGiven(given, options), kernels };
      const searched = { ...crop, size: kernelSide(options), scale: SEARCH_SCALE, sigma };
      const random = randomOf('kernel', options);
      return { ...(await findKernel(searched, prior, plan.search, options, random, context, onKernel)), kernels };
    });

    const notes = [...found.notes];
    const restoration = {
      executor,
      ...(context.tileSide !== undefined && { side: context.tileSide }),
      onNote: (sentence: string) => notes.push(sentence),
      ...(signal && { signal }),
    };
    const restoreColour = () =>
      restoreLayer(y, found.kernel, sigma, prior, plan.restoration, {
        ...restoration,
        onStep: (step, steps, { colour, ...corner }) =>
          report({ phase: 'image', step, steps, piece: { ...corner, colour: mapPlanes(colour, toUnit) } }),
      });
    // Without alpha this is the last phase: nothing is left to be gone on with.
    const colour = layer.alpha ? await stage('image', restoreColour) : await restoreColour();
    const alpha =
      layer.alpha &&
      (await restoreLayer(mapPlanes(layer.alpha, toNetwork), found.kernel, 0, null, plan.restoration, {
        ...restoration,
        onStep: (step, steps) => report({ phase: 'alpha', step, steps }),
      }));

    return {
      layer: { colour, alpha },
      ...found,
      notes,
      noise,
      lrConsistency: consistency(y, colour, found.kernel),
      losses,
    };
  };

const toNetwork = (v: number) => 2 * v - 1;
const toUnit = (v: number) => Math.min(1, Math.max(0, (v + 1) / 2));

type Found = Pick<MethodResult, 'kernel' | 'kernelSource' | 'notes'>;

const randomOf = (phase: Phase, { seed }: UpscaleOptions) => makeRandom(seed, PHASES.indexOf(phase));

/** What a layer of this size will take; `givenSide`: of the kernel, in HR pixels, where it is known. */
export function predictWork(
  size: Size,
  hasAlpha: boolean,
  options: UpscaleOptions,
  plan: ClosedFormPlan,
  givenSide?: number,
): Work {
  const { scale } = options;
  const work = (searched: Pick<Size, 'width' | 'height'> | null, side: number) =>
    plannedWork(size, hasAlpha, searched, scale, side, plan);
  if (givenSide !== undefined) return work(null, (SEARCH_SCALE * givenSide) / scale);
  const searched = { width: Math.min(size.width, SEARCH_CROP), height: Math.min(size.height, SEARCH_CROP) };
  return work(searched, kernelSide(options));
}

/** Side of the kernel on the grid of the search: even, and covering the side asked for at the scale. */
function kernelSide({ scale, kernelSide: asked }: UpscaleOptions): number {
  const lrPixels = asked === null ? SIDE_IN_LR_PIXELS : Math.ceil(asked / scale);
  return SEARCH_SCALE * Math.max(2, lrPixels);
}

function useGiven(kernel: Kernel, { scale }: UpscaleOptions): Found {
  if ((kernel.size - scale) % 2 === 0) return { kernel: { ...kernel, scale }, kernelSource: 'given', notes: [] };
  const note = `The kernel's side (${kernel.size}) and the scale (${scale}) differ in parity, so the result lies half a pixel to the side.`;
  return { kernel: resizeSide({ ...kernel, scale }, kernel.size + 1), kernelSource: 'given', notes: [note] };
}

async function findKernel(
  searched: Searched,
  prior: Prior | null,
  plan: SearchPlan,
  { scale, kernelSide: asked }: UpscaleOptions,
  random: Random,
  { executor, signal }: MethodContext,
  onStep: (step: number, kernel: Kernel) => void,
): Promise<Found> {
  if (searched.usable.reduce((a, b) => a + b, 0) < LEAST_PIXELS) return fallBack(scale, 'hardly any of it is opaque');
  const { kernel: found, evidence } = await estimateKernel(searched, prior, plan, executor, random, onStep, signal);
  if (evidence < LEAST_EVIDENCE) return fallBack(scale, 'the kernel found foretells its pixels no better');
  const { kernel } = centreKernel(toScale(trimKernel(found, HAZE), scale));
  return { kernel: asked === null ? kernel : resizeSide(kernel, asked), kernelSource: 'estimated', notes: [] };
}

function fallBack(scale: UpscaleOptions['scale'], reason: string): Found {
  return {
    kernel: bicubicKernel(scale),
    kernelSource: 'bicubic',
    notes: [`The layer tells too little about its blur (${reason}), so the plain bicubic kernel was used.`],
  };
}

type SearchCrop = Pick<Searched, 'y' | 'usable'>;

/** 1 for LR pixels whose colour is all their own, 0 where transparency mixes in. */
function opaque({ colour, alpha }: Layer): Uint8Array {
  return alpha
    ? Uint8Array.from(alpha.data, (v) => (v > 0.998 ? 1 : 0))
    : new Uint8Array(colour.width * colour.height).fill(1);
}

/** The window with most texture, no larger than SEARCH_CROP a side. */
function searchCrop(y: Planes, usable: Uint8Array): SearchCrop {
  const width = Math.min(y.width, SEARCH_CROP);
  const height = Math.min(y.height, SEARCH_CROP);
  const sums = gradientSums(y, { width, height }, usable);
  const best = sums.reduce((at, v, i) => (v > sums[at] ? i : at), 0);
  const columns = y.width - width + 1;
  const [top, left] = [Math.floor(best / columns), best % columns];
  return {
    y: cutPlanes(y, top, left, width, height),
    usable: withoutBorder(
      Uint8Array.from(
        { length: width * height },
        (_, i) => usable[(top + Math.floor(i / width)) * y.width + left + (i % width)],
      ),
      width,
      height,
    ),
  };
}

/** Adds to each step the share of all predicted work that is then done. */
function makeReporter(work: Work, { onProgress }: MethodContext): (step: Omit<Progress, 'done'>) => void {
  const total = work.prior + work.kernel + work.image + work.alpha;
  const before = { prior: 0, kernel: work.prior, image: work.prior + work.kernel, alpha: total - work.alpha };
  return (step) => {
    const done = (before[step.phase] + (work[step.phase] * step.step) / step.steps) / total;
    onProgress?.({ ...step, done });
  };
}
