/**
 * The presets of an ordinary computer: the principle and the prior of KernelFusion (arXiv 2503.21907), with the inner problems
 * of its second phase solved in closed form instead of by training networks. docs/method.md has the measurements.
 *
 * They differ in how much they try: `fast` searches kernels from edges and two shapes and restores by the gradients of natural pictures
 * alone, `balanced` also trains the prior, starts from what a reverse diffusion finds, judges its best kernels under the prior and lets
 * that sharpen the picture, `best` trains longer.
 */
import { bicubicKernel, type Kernel, meanKernel, resizeSide, type Scale, toScale } from '../../../shared/kernel.ts';
import type { UpscaleOptions } from '../../../shared/options.ts';
import { cutPlanes, mapPlanes, type Planes } from '../../image/planes.ts';
import { makeStage } from '../checkpoint.ts';
import { confidenceOf, type Evidence, plainShare } from '../confidence.ts';
import { consistency } from '../consistency.ts';
import type { Searched } from '../diffusion-search.ts';
import {
  type Estimate,
  estimateKernel,
  SEARCH_SCALE,
  type SearchPlan,
  searchSteps,
  withoutBorder,
} from '../estimate-kernel.ts';
import { centreKernel, HAZE, trimKernel } from '../kernel-solver.ts';
import { ALL_SHAPES } from '../kernel-starts.ts';
import { lumaOf } from '../luma.ts';
import type { Method, MethodContext, MethodResult } from '../method.ts';
import { ROUNDING_VARIANCE } from '../noise.ts';
import { FAST_TRAINING, type Prior, type TrainingPlan } from '../patch-diffusion.ts';
import type { Random } from '../random.ts';
import { EXACT_KERNEL, FAST_RESTORATION, restoreLayer } from '../restore.ts';
import type { RestorationPlan } from '../restore-piece.ts';
import { tasksHere } from '../tasks.ts';
import { plannedWork, type Size, type Work } from '../work.ts';
import {
  type LayerNoise,
  learnPrior,
  makeReporter,
  noiseOf,
  opaque,
  pieceListener,
  randomOf,
  restorationIn,
  restoreAlpha,
  texturedWindow,
  toNetwork,
  useGiven,
} from './layer-work.ts';

export interface ClosedFormPlan {
  /** Of the prior; null does without one. */
  readonly training: TrainingPlan | null;
  readonly search: SearchPlan;
  readonly restoration: RestorationPlan;
}

const BY_GRADIENTS = {
  shapes: ALL_SHAPES,
  // From few edges to very few.
  edges: [0.016, 0.032, 0.064],
  fitting: 12,
  diffusions: 0,
  refined: 0,
  judgedUnderPrior: false,
} as const satisfies SearchPlan;
/** More beginnings, diffusions or steps than these find no better kernels, but sometimes a wrong one that foretells better (docs/experiments.md). */
const WITH_PRIOR = { ...BY_GRADIENTS, diffusions: 1, refined: 1, judgedUnderPrior: true } as const satisfies SearchPlan;

export const CLOSED_FORM_PLANS = {
  fast: { training: null, search: BY_GRADIENTS, restoration: FAST_RESTORATION },
  balanced: { training: FAST_TRAINING, search: WITH_PRIOR, restoration: FAST_RESTORATION },
  best: {
    training: { ...FAST_TRAINING, steps: 1200, decay: 500 },
    search: WITH_PRIOR,
    restoration: FAST_RESTORATION,
  },
} as const satisfies Record<string, ClosedFormPlan>;

/** Kernels are searched in so many LR pixels a side by default: room for the camera shakes of Levin et al. (2009) at x2. */
const SIDE_IN_LR_PIXELS = 14;
/** What is found is returned in so many at least, and in no more than it fills. */
const LEAST_SIDE_IN_LR_PIXELS = 7;
/** Side of the LR crop the kernel is searched on. */
const SEARCH_CROP = 128;
/** Side of the crop that edges are looked for in: with room for the kernel it fills a transform's 256. */
const EDGE_CROP = 224;
/** The error with which a kernel foretells hidden pixels must fall to this share of the plain bicubic one's, or the latter is used. */
const LESS_ERROR = 0.99;
/** Errors below 8-bit rounding (values in [-1, 1]) tell kernels apart by chance only. */
const ROUNDING = Math.sqrt(ROUNDING_VARIANCE);
/** Fewer usable LR pixels than this say too little about a kernel. */
const LEAST_PIXELS = 144;

export const closedForm =
  (plan: ClosedFormPlan): Method =>
  async (layer, options, context) => {
    const y = mapPlanes(layer.colour, toNetwork);
    const usable = opaque(layer);
    const { notes: noiseNotes, ...layerNoise } = noiseOf(y, usable, options);
    const { noise } = layerNoise;
    const sigma = noise / 127.5;
    const given = context.kernel;
    const report = makeReporter(predictWork(y, layer.alpha !== null, options, plan, given?.size), context);
    const stage = makeStage(context);

    const { training } = plan;
    const { prior, losses } = training
      ? await stage('prior', () => learnPrior(y, training, options, context, report))
      : { prior: null, losses: [] };

    const found = await stage('kernel', async () => {
      if (given) return { ...useGiven(given, options), kernels: [] };
      const onKernel = (step: number, kernel: Kernel) =>
        report({ phase: 'kernel', step, steps: searchSteps(plan.search), kernel });
      const searched = searchedPart(y, usable, layerNoise, options);
      const random = randomOf('kernel', options);
      return findKernel(searched, prior, plan.search, options, random, context, onKernel);
    });

    const hedge = { kernel: bicubicKernel(options.scale), share: plainShare(found.confidence ?? 1) };
    const notes = [...noiseNotes, ...found.notes, ...(hedge.share > 0 ? [hedged(hedge.share)] : [])];
    const restoration = { ...restorationIn(context, notes), ...(hedge.share > 0 && { hedge }) };
    const undisputed = found.confidence !== null && hedge.share === 0;
    const exact = given !== undefined || (options.scale <= SEARCH_SCALE && undisputed);
    const manner = exact ? { ...plan.restoration, trust: EXACT_KERNEL } : plan.restoration;
    const restoreColour = () =>
      restoreLayer(y, found.kernel, sigma, prior, manner, { ...restoration, onStep: pieceListener(report) });
    // Without alpha this is the last phase: nothing is left to be gone on with.
    const colour = layer.alpha ? await stage('image', restoreColour) : await restoreColour();
    const alpha = await restoreAlpha(layer, found.kernel, restoration, report);
    // The blur of a mean of two pictures is taken to be the mean of theirs.
    const blur = hedge.share > 0 ? meanKernel(found.kernel, hedge.kernel, hedge.share) : found.kernel;

    return {
      layer: { colour, alpha },
      ...found,
      notes,
      noise,
      lrConsistency: consistency(y, colour, blur),
      losses,
    };
  };

type Found = Pick<MethodResult, 'kernel' | 'kernelSource' | 'confidence' | 'notes'>;

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

/**
 * Side of the kernel on the grid of the search: even, and covering the side asked for at the scale. At odd scales it is a
 * whole odd number of LR pixels, for only such a one has a centre that stays where it is on the side asked for.
 */
function kernelSide({ scale, kernelSide: asked }: UpscaleOptions): number {
  const lrPixels = asked === null ? SIDE_IN_LR_PIXELS : Math.max(2, Math.ceil(asked / scale));
  return SEARCH_SCALE * (scale % 2 === 1 && lrPixels % 2 === 0 ? lrPixels + 1 : lrPixels);
}

async function findKernel(
  searched: Searched,
  prior: Prior | null,
  plan: SearchPlan,
  { scale, kernelSide: asked }: UpscaleOptions,
  random: Random,
  { executor, tasks = tasksHere(), signal }: MethodContext,
  onStep: (step: number, kernel: Kernel) => void,
): Promise<Found & Pick<MethodResult, 'kernels'>> {
  if (searched.usable.reduce((a, b) => a + b, 0) < LEAST_PIXELS) {
    return { ...fallBack(scale, 'hardly any of it is opaque'), kernels: [] };
  }
  const tools = { executor, tasks, ...(signal && { signal }) };
  const estimate = await estimateKernel(searched, prior, plan, random, tools, onStep);
  return { ...foundBy(estimate, scale, asked), kernels: estimate.chosen.steps };
}

/** What comes of an estimate. `asked`: side of the kernel in HR pixels, null for that of the search. */
export function foundBy({ chosen, evidence }: Omit<Estimate, 'candidates'>, scale: Scale, asked: number | null): Found {
  const reason = whyNot(evidence);
  if (reason !== null) return fallBack(scale, reason);
  const kernel = carried(chosen.kernel, scale);
  return {
    kernel: asked === null ? onLeastSide(kernel) : resizeSide(kernel, asked),
    kernelSource: 'estimated',
    confidence: confidenceOf(evidence),
    notes: [],
  };
}

/** Why the plain kernel is better than the one found, as far as can be told, or null. */
export function whyNot(evidence: Evidence): string | null {
  if (!isEvident(evidence.chosen.error, evidence.plain.error)) return 'the kernel found foretells its pixels no better';
  return plainShare(confidenceOf(evidence)) === 1 ? 'its parts disagree about the kernel found' : null;
}

/** A kernel that was found, without its haze, on the grid of the scale. */
export const carried = (kernel: Kernel, scale: Scale): Kernel =>
  centreKernel(toScale(trimKernel(kernel, HAZE), scale)).kernel;

/** The kernel on the least side that holds all of its taps. */
function onLeastSide(kernel: Kernel): Kernel {
  const { size, scale, data } = kernel;
  const holds = (side: number) => {
    const border = (size - side) / 2;
    const inside = (i: number) => i >= border && i < size - border;
    return data.every((v, i) => v === 0 || (inside(Math.floor(i / size)) && inside(i % size)));
  };
  let side = LEAST_SIDE_IN_LR_PIXELS * scale;
  // At odd scales a whole odd number of LR pixels, as in `kernelSide`.
  while (side < size && !holds(side)) side += scale % 2 === 1 ? 2 * scale : scale;
  return resizeSide(kernel, side);
}

/** Whether a kernel foretells hidden pixels with less error than the plain bicubic one; errors in the units of y. */
export const isEvident = (found: number, plain: number): boolean =>
  Math.max(ROUNDING, found) <= LESS_ERROR * Math.max(ROUNDING, plain);

const hedged = (share: number) =>
  'The layer leaves some doubt about its blur, so the result is a mean of two pictures: ' +
  `${Math.round(100 * (1 - share))} % by the kernel found, ${Math.round(100 * share)} % by the plain bicubic one.`;

function fallBack(scale: Scale, reason: string): Found {
  return {
    kernel: bicubicKernel(scale),
    kernelSource: 'bicubic',
    confidence: null,
    notes: [`The layer tells too little about its blur (${reason}), so the plain bicubic kernel was used.`],
  };
}

/** What of a layer (values in [-1, 1]) a kernel is searched in: windows with most texture. */
export function searchedPart(
  y: Planes,
  usable: Uint8Array,
  { noise, lumaNoise }: LayerNoise,
  options: UpscaleOptions,
): Searched {
  const searched = texturedPart(y, usable, SEARCH_CROP);
  const around = texturedPart(y, usable, EDGE_CROP);
  const { width, height } = searched.y;
  return {
    y: searched.y,
    usable: withoutBorder(searched.usable, width, height),
    edges: { ...around, y: Float32Array.from(lumaOf(around.y)), width: around.y.width, height: around.y.height },
    size: kernelSide(options),
    scale: SEARCH_SCALE,
    sigma: noise / 127.5,
    lumaSigma: lumaNoise / 127.5,
  };
}

/** The window of a layer with most texture, `side` pixels a side at most, and which of its pixels are usable. */
function texturedPart(
  y: Planes,
  usable: Uint8Array,
  side: number,
): { readonly y: Planes; readonly usable: Uint8Array } {
  const width = Math.min(y.width, side);
  const height = Math.min(y.height, side);
  const [top, left] = texturedWindow(y, { width, height }, usable);
  const inside = Uint8Array.from(
    { length: width * height },
    (_, i) => usable[(top + Math.floor(i / width)) * y.width + left + (i % width)],
  );
  return { y: cutPlanes(y, top, left, width, height), usable: inside };
}
