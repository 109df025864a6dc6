/**
 * Method `paper`: KernelFusion as published (arXiv 2503.21907), both phases. docs/paper.md has what it costs and brings.
 *
 * Its second phase finds kernel and picture of the whole layer at once, which takes memory for every pixel of every net.
 * Layers that are too large for that are treated as in `balanced` from there on: one kernel holds for the whole layer, so it is
 * found on the part with most texture, and the layer is restored with it in tiles (restore.ts). To train the U-Net on every
 * tile anew would take as many times the time, and give tiles that do not meet.
 */
import type { Kernel } from '../../../shared/kernel.ts';
import type { Preset, UpscaleOptions } from '../../../shared/options.ts';
import { cutPlanes, mapPlanes, type Planes } from '../../image/planes.ts';
import { makeStage } from '../checkpoint.ts';
import { consistency } from '../consistency.ts';
import { SEARCH_SCALE } from '../estimate-kernel.ts';
import { KERNEL_LAYOUT } from '../implicit-kernel.ts';
import { jointCanvas } from '../joint-step.ts';
import type { Layer, Method, MethodContext, MethodResult } from '../method.ts';
import { FAST_TRAINING, macsPerPixel, type TrainingPlan } from '../patch-diffusion.ts';
import { parameterLayout } from '../patch-diffusion-net.ts';
import { EXACT_KERNEL, FAST_RESTORATION, restoreLayer } from '../restore.ts';
import {
  type DiffusionPlan,
  iterationsOf,
  type JointProblem,
  type JointState,
  resultOf,
  reverseDiffusion,
} from '../reverse-diffusion.ts';
import { PAPER_WIDTHS, uNetLayout, uNetMacs } from '../u-net.ts';
import { plannedWork, type Size, type Work } from '../work.ts';
import {
  learnPrior,
  makeReporter,
  noiseOf,
  opaque,
  pieceListener,
  restorationIn,
  restoreAlpha,
  texturedWindow,
  toNetwork,
  toUnit,
  useGiven,
} from './layer-work.ts';

/** What the presets of this method differ in: mostly what scales the cost. */
export interface PaperPlan {
  readonly training: TrainingPlan;
  readonly diffusion: DiffusionPlan;
}

/** The published values. How many steps phase 1 takes is not published. */
export const PAPER: PaperPlan = {
  training: { steps: 5000, decay: 5000, batch: 16, crop: 64, learningRate: 1e-4, width: 128 },
  diffusion: {
    firstTime: 200,
    lastTime: 1,
    steps: 200,
    firstIterations: 100,
    iterations: 20,
    noise: true,
    kernelStart: null,
    learningRate: 1e-4,
    widths: PAPER_WIDTHS,
    variant: 'full',
  },
};

/** Ends in 30 minutes on two cores for 128x128 to 512x512, also on a slow day; with more steps the picture was worse (docs/paper.md). */
export const PAPER_SMALL: PaperPlan = {
  training: FAST_TRAINING,
  diffusion: {
    ...PAPER.diffusion,
    lastTime: 60,
    steps: 20,
    noise: false,
    kernelStart: 0.5,
    learningRate: 5e-4,
    widths: [16, 32, 64, 128],
  },
};

/** The presets of this method. */
export const PAPER_PLANS = { paper: PAPER, 'paper-small': PAPER_SMALL } as const satisfies Partial<
  Record<Preset, PaperPlan>
>;

/** The plan of a preset that runs the paper's method. */
export const paperPlanOf = (preset: Preset): PaperPlan | undefined =>
  (PAPER_PLANS as Partial<Record<Preset, PaperPlan>>)[preset];

/** Default kernel side in LR pixels. */
const SIDE_IN_LR_PIXELS = 7;
/** Largest HR side that is found in one piece. */
const PIECE = 640;

export const paper = methodOf(PAPER);
export const paperSmall = methodOf(PAPER_SMALL);

/** The method with a plan of its own. */
export function methodOf(plan: PaperPlan): Method {
  return (layer, options, context) => run(layer, options, context, plan);
}

async function run(
  layer: Layer,
  options: UpscaleOptions,
  context: MethodContext,
  { training, diffusion }: PaperPlan,
): Promise<MethodResult> {
  const { executor, signal } = context;
  const y = mapPlanes(layer.colour, toNetwork);
  const { noise, notes: noiseNotes } = noiseOf(y, opaque(layer), options);
  const given = context.kernel ? useGiven(context.kernel, options) : null;
  const report = makeReporter(
    predictPaperWork(y, layer.alpha !== null, options, { training, diffusion }, given?.kernel.size),
    context,
  );
  const stage = makeStage(context);

  const { prior, losses } = await stage('prior', () => learnPrior(y, training, options, context, report));

  const part = searchedPart(y, opaque(layer), options);
  const inOnePiece = part.y.width === y.width && part.y.height === y.height;
  const { scale } = options;
  const problem: JointProblem = {
    ...{ y: part.y, scale, prior, known: given?.kernel ?? null },
    kernelSize: given?.kernel.size ?? kernelSide(options),
  };
  const steps = iterationsOf(diffusion, diffusion.steps);
  const runJoint = () => {
    const onStep = async (state: JointState) => {
      const { picture, kernel } = resultOf(problem, diffusion, state);
      const piece = { colour: mapPlanes(picture, toUnit), top: scale * part.top, left: scale * part.left };
      report({ phase: 'kernel', step: iterationsOf(diffusion, state.step), steps, kernel, piece });
      await stage.keep(state);
    };
    const onIteration = (step: number) => report({ phase: 'kernel', step, steps });
    const begun = context.checkpoint?.joint ?? null;
    return reverseDiffusion(problem, diffusion, options.seed, begun, executor, onStep, onIteration, signal);
  };
  // Both phases below ask for it; where a large layer's kernel is known, none does.
  let joint: Promise<JointState> | null = null;
  const found = async () => {
    joint ??= runJoint();
    return resultOf(problem, diffusion, await joint);
  };

  const kernels: Kernel[] = [];
  const estimate = await stage('kernel', async () => {
    if (given && !inOnePiece) return { ...given, kernels };
    const { kernel } = await found();
    const seen = (await joint)?.kernels ?? [];
    if (given) return { ...given, kernels };
    return { kernel, kernelSource: 'estimated', confidence: null, notes: [], kernels: seen };
  });
  const notes = [...noiseNotes, ...estimate.notes];
  const restoration = restorationIn(context, notes);
  const restoreColour = async () => {
    if (inOnePiece) return mapPlanes((await found()).picture, toUnit);
    const manner = given ? { ...FAST_RESTORATION, trust: EXACT_KERNEL } : FAST_RESTORATION;
    return restoreLayer(y, estimate.kernel, noise / 127.5, prior, manner, {
      ...restoration,
      onStep: pieceListener(report),
    });
  };
  // Without alpha this is the last phase: nothing is left to be gone on with.
  const colour = layer.alpha ? await stage('image', restoreColour) : await restoreColour();
  const alpha = await restoreAlpha(layer, estimate.kernel, restoration, report);

  return {
    layer: { colour, alpha },
    ...estimate,
    notes,
    noise,
    lrConsistency: consistency(y, colour, estimate.kernel),
    losses,
  };
}

function kernelSide({ scale, kernelSide: asked }: UpscaleOptions): number {
  return asked ?? SIDE_IN_LR_PIXELS * scale;
}

/** The layer, or the part of it with most texture where it is too large for one piece; its place in LR pixels. */
function searchedPart(y: Planes, usable: Uint8Array, { scale }: UpscaleOptions) {
  const { width, height } = largestPart(y, scale);
  const [top, left] = texturedWindow(y, { width, height }, usable);
  return { y: cutPlanes(y, top, left, width, height), top, left };
}

const largestPart = ({ width, height }: Pick<Planes, 'width' | 'height'>, scale: number) => ({
  width: Math.min(width, Math.floor(PIECE / scale)),
  height: Math.min(height, Math.floor(PIECE / scale)),
});

/** What a layer of this size will take; `givenSide`: of the kernel, in HR pixels, where it is known. */
export function predictPaperWork(
  size: Size,
  hasAlpha: boolean,
  options: UpscaleOptions,
  { training, diffusion }: PaperPlan,
  givenSide?: number,
): Work {
  const { scale } = options;
  const { channels } = size;
  const part = largestPart(size, scale);
  const inOnePiece = part.width === size.width && part.height === size.height;
  const side = givenSide ?? kernelSide(options);
  const tiled = plannedWork(size, hasAlpha, null, scale, (SEARCH_SCALE * side) / scale, {
    training,
    search: null,
    restoration: FAST_RESTORATION,
  });
  const denoising = macsPerPixel({ width: training.width, channels });
  // Two passes of the U-Net, each forward and twice backward; patch diffusion forward, and backward to its input only.
  const step = 6 * uNetMacs({ widths: diffusion.widths, channels }) + 2 * denoising;
  const canvas = jointCanvas({ ...part, channels, scale, kernelSize: side, widths: diffusion.widths });
  const joint = iterationsOf(diffusion, diffusion.steps) * canvas.width * canvas.height * step;
  return {
    prior: 3 * training.steps * training.batch * training.crop ** 2 * denoising,
    kernel: inOnePiece || givenSide === undefined ? joint : 0,
    image: inOnePiece ? 0 : tiled.image,
    alpha: tiled.alpha,
  };
}

/** Bytes beside the layer, the result and the engine. */
export interface PaperBytes {
  /** In memory at the peak of either phase, not to be exceeded: what is kept of every pixel for the gradient (docs/paper.md). */
  readonly memory: number;
  /** What a checkpoint between two diffusion steps holds. */
  readonly checkpoint: number;
}

export function predictPaperBytes(size: Size, options: UpscaleOptions, { training, diffusion }: PaperPlan): PaperBytes {
  const { scale } = options;
  const { channels } = size;
  const { widths, steps } = diffusion;
  const side = kernelSide(options);
  const canvas = jointCanvas({ ...largestPart(size, scale), channels, scale, kernelSize: side, widths });
  const pixels = canvas.width * canvas.height;
  const planes = 36 * training.width + 44 * widths.reduce((sum, width, level) => sum + width / 4 ** level, 0);
  const crops = 60 * training.width * training.batch * training.crop ** 2;
  const parameters = uNetLayout({ widths, channels }).size + KERNEL_LAYOUT.size;
  return {
    memory: 4 * Math.max(crops, planes * pixels + 12 * parameters),
    checkpoint:
      4 * (parameterLayout({ width: training.width, channels }).size + 3 * parameters + 2 * channels * pixels) +
      8 * steps * side ** 2,
  };
}
