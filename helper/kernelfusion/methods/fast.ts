/**
 * Method `fast`: the prior of KernelFusion (arXiv 2503.21907), with the inner problems of its second phase solved in closed
 * form instead of by training networks. One prior, one kernel search, one restoration; docs/method.md has the measurements.
 */
import { bicubicKernel, type Kernel, resizeSide, toScale } from '../../../shared/kernel.ts';
import { MOST_NOISE, type UpscaleOptions } from '../../../shared/options.ts';
import { cutPlanes, mapPlanes, type Planes } from '../../image/planes.ts';
import { makeStage } from '../checkpoint.ts';
import { consistency } from '../consistency.ts';
import {
  estimateKernel,
  type KernelSearch,
  type KernelStep,
  LEAST_STEPS,
  SEARCH_SCALE,
  withoutBorder,
} from '../estimate-kernel.ts';
import { hidePixels, predictionError } from '../held-out.ts';
import { centreKernel } from '../kernel-solver.ts';
import type { Layer, MethodContext, MethodResult } from '../method.ts';
import { estimateNoise } from '../noise.ts';
import { FAST_TRAINING, trainPrior } from '../patch-diffusion.ts';
import type { Random } from '../random.ts';
import { FAST_RESTORATION, restoreLayer } from '../restore.ts';
import { plannedWork, type Size, type Work } from '../work.ts';
import {
  makeReporter,
  opaque,
  randomOf,
  restorationIn,
  restoreAlpha,
  texturedWindow,
  toNetwork,
  toUnit,
  useGiven,
} from './layer-work.ts';

/** Default kernel side in LR pixels: 7 covers every kernel of the usual test sets. */
const SIDE_IN_LR_PIXELS = 7;
/** Side of the LR crop the kernel is searched on. */
const SEARCH_CROP = 128;
/** Taps below this share of the largest are the haze of estimation errors; left in, they cost up to 1 dB in the picture. */
const HAZE = 0.1;
/** The same where the kernel is carried to a finer grid, whose interpolation spreads it. */
const HAZE_GROWN = 0.25;
/** A kernel must lower the prediction error to this share of the plain bicubic kernel's, or the latter is used. */
const EVIDENCE = 0.99;
/** Prediction errors below 8-bit rounding (values in [-1, 1]) tell kernels apart by chance only: flat layers. */
const ROUNDING = 2 / 255 / Math.sqrt(12);
/** Fewer usable LR pixels than this say too little about a kernel. */
const LEAST_PIXELS = 144;

export async function fast(layer: Layer, options: UpscaleOptions, context: MethodContext): Promise<MethodResult> {
  const { executor, signal } = context;
  const y = mapPlanes(layer.colour, toNetwork);
  const usable = opaque(layer);
  const noise = options.noise ?? Math.min(MOST_NOISE, estimateNoise(y, usable) * 127.5);
  const sigma = noise / 127.5;
  const crop = searchCrop(y, usable);
  const given = context.kernel;
  const report = makeReporter(predictWork(y, layer.alpha !== null, options, given?.size), context);
  const stage = makeStage(context);

  const { prior, losses } = await stage('prior', async () => {
    const losses: number[] = [];
    const onLoss = (step: number, steps: number, loss: number) => {
      losses.push(loss);
      report({ phase: 'prior', step, steps, loss });
    };
    const random = randomOf('prior', options);
    return { prior: await trainPrior(y, FAST_TRAINING, executor, random, onLoss, signal), losses };
  });

  const found = await stage('kernel', async () => {
    const kernels: Kernel[] = [];
    const onKernel = (step: number, kernel: Kernel) => {
      kernels.push(kernel);
      // A search from a turned kernel comes on top: rare, and not foreseen.
      report({ phase: 'kernel', step, steps: Math.max(step, LEAST_STEPS), kernel });
    };
    if (given) return { ...useGiven(given, options), kernels };
    const search = { ...crop, size: kernelSide(options), sigma, prior };
    return { ...(await findKernel(search, options, randomOf('kernel', options), context, onKernel)), kernels };
  });

  const notes = [...found.notes];
  const restoration = restorationIn(context, notes);
  const restoreColour = () =>
    restoreLayer(y, found.kernel, sigma, prior, FAST_RESTORATION, {
      ...restoration,
      onStep: (step, steps, { colour, ...corner }) =>
        report({ phase: 'image', step, steps, piece: { ...corner, colour: mapPlanes(colour, toUnit) } }),
    });
  // Without alpha this is the last phase: nothing is left to be gone on with.
  const colour = layer.alpha ? await stage('image', restoreColour) : await restoreColour();
  const alpha = await restoreAlpha(layer, found.kernel, restoration, report);

  return {
    layer: { colour, alpha },
    ...found,
    notes,
    noise,
    lrConsistency: consistency(y, colour, found.kernel),
    losses,
  };
}

type Found = Pick<MethodResult, 'kernel' | 'kernelSource' | 'notes'>;

/** What a layer of this size will take; `givenSide`: of the kernel, in HR pixels, where it is known. */
export function predictWork(size: Size, hasAlpha: boolean, options: UpscaleOptions, givenSide?: number): Work {
  const { scale } = options;
  if (givenSide !== undefined) return plannedWork(size, hasAlpha, null, scale, (SEARCH_SCALE * givenSide) / scale);
  const searched = { width: Math.min(size.width, SEARCH_CROP), height: Math.min(size.height, SEARCH_CROP) };
  return plannedWork(size, hasAlpha, searched, scale, kernelSide(options));
}

/** Side of the kernel on the grid of the search: even, and covering the side asked for at the scale. */
function kernelSide({ scale, kernelSide: asked }: UpscaleOptions): number {
  const lrPixels = asked === null ? SIDE_IN_LR_PIXELS : Math.ceil(asked / scale);
  return SEARCH_SCALE * Math.max(2, lrPixels);
}

async function findKernel(
  search: KernelSearch,
  { scale, kernelSide: asked }: UpscaleOptions,
  random: Random,
  { executor, signal }: MethodContext,
  onStep: KernelStep,
): Promise<Found> {
  const { y, usable, sigma } = search;
  if (usable.reduce((a, b) => a + b, 0) < LEAST_PIXELS) {
    return fallBack(scale, 'hardly any of it is opaque');
  }
  const haze = scale > SEARCH_SCALE ? HAZE_GROWN : HAZE;
  const searched = await estimateKernel(search, haze, executor, random, onStep, signal);
  const { kernel } = centreKernel(toScale(searched, scale));
  const shown = hidePixels(usable.length, random);
  const judge = async (candidate: Kernel) =>
    Math.max(ROUNDING, await predictionError(y, usable, shown, candidate, sigma, signal));
  if ((await judge(kernel)) > EVIDENCE * (await judge(bicubicKernel(scale)))) {
    return fallBack(scale, 'the kernel found predicts its pixels no better');
  }
  return { kernel: asked === null ? kernel : resizeSide(kernel, asked), kernelSource: 'estimated', notes: [] };
}

function fallBack(scale: UpscaleOptions['scale'], reason: string): Found {
  return {
    kernel: bicubicKernel(scale),
    kernelSource: 'bicubic',
    notes: [`The layer tells too little about its blur (${reason}), so the plain bicubic kernel was used.`],
  };
}

type SearchCrop = Pick<KernelSearch, 'y' | 'usable'>;

/** The window with most texture, no larger than SEARCH_CROP a side. */
function searchCrop(y: Planes, usable: Uint8Array): SearchCrop {
  const width = Math.min(y.width, SEARCH_CROP);
  const height = Math.min(y.height, SEARCH_CROP);
  const [top, left] = texturedWindow(y, { width, height }, usable);
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
