/**
 * Evidence for a kernel: how well it foretells LR pixels that were kept from the scene it is judged with.
 *
 * They were not kept from the kernel: the searches fit it to all usable pixels, those judged among them. With a few hundred taps for
 * thousands of pixels it has little room to know them by heart; on the smallest layers it has more.
 *
 * A part of the layer's pixels is hidden at a time (hidden-pixels.ts), the scene is inferred from the others with the kernel, and the hidden ones are
 * foretold from it: not only their values but also how far off they may be, which a draw of the scene shows. The score is the
 * mean negative logarithm of a Student density (a proper score, Gneiting & Raftery 2007). The error alone would favour kernels
 * that are too wide where the scene is all grain: they foretell its mean, and do not know that they do not know it. The
 * spread alone would favour narrow ones.
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makePlanes, type Planes, planeOf } from '../image/planes.ts';
import { bicubicCanvas, makeDegradation } from './degradation.ts';
import { type Hiding, hideInTurn } from './hidden-pixels.ts';
import type { Random } from './random.ts';
import { boxMean, inferScene, type Scene, type View } from './scene-posterior.ts';

const ROUNDS = 5;
const ITERATIONS = 15;
/** Hidden pixels start as the mean of the shown ones within this many pixels, or within as many more as it takes to find any. */
const REACH = 2;
/** Squared deviations are averaged over this many pixels around each hidden one. */
const RADIUS = 4;
/** A draw is of a scene whose gradients are independent, which is far too sure of itself: its variance counts so often. */
export const DOUBT = 10;
/** Degrees of freedom of the Student density. */
const FREEDOM = 4;

/** How well hidden pixels were foretold; less is better in both. */
export interface Prediction {
  /** Negative log density, in nats a pixel. */
  readonly score: number;
  /** Root mean squared error, in the units of y. */
  readonly error: number;
}

/** With what it was for each pixel, so that two can be compared. */
export interface DetailedPrediction extends Prediction {
  /** The negative log density of each pixel scored. */
  readonly losses: Float32Array;
  /** Which block of BLOCK x BLOCK LR pixels each of them lies in. */
  readonly blocks: Uint32Array;
}

/** How surely `a` foretold better than `b`, in standard errors of the mean difference of their losses. Both must have been scored by the same pixels. */
export function surely(
  { losses: a }: Pick<DetailedPrediction, 'losses'>,
  { losses: b }: Pick<DetailedPrediction, 'losses'>,
): number {
  const { mean: lead, error } = meanOf(Array.from(a.map((v, i) => b[i] - v)));
  return lead === 0 ? 0 : lead / error;
}

/** Side of the blocks that are asked one by one, LR pixels. */
const BLOCK = 16;
/** Fewer scored pixels than this say too little of a block. */
const LEAST_IN_BLOCK = 20;
/** Share of the blocks that are the worst served. */
const WORST = 0.05;

/**
 * By how many nats a pixel `a` foretold better than `b` where it did worst, given the benefit of the doubt: the mean over the worst twentieth
 * of the blocks, at least one, of the lead there and its standard error. One blur explains all of a layer. What explains most of it at the
 * cost of a small part is the lens's blur of most of it, and that part is in focus. Both must have been scored by the same pixels.
 */
export function leastLead(
  { losses: a, blocks }: Pick<DetailedPrediction, 'losses' | 'blocks'>,
  { losses: b }: Pick<DetailedPrediction, 'losses'>,
): number {
  const leadsOf = new Map<number, number[]>();
  for (const [i, block] of blocks.entries()) {
    const leads = leadsOf.get(block);
    if (leads) leads.push(b[i] - a[i]);
    else leadsOf.set(block, [b[i] - a[i]]);
  }
  const most = [...leadsOf.values()]
    .filter((leads) => leads.length >= LEAST_IN_BLOCK)
    .map((leads) => {
      const { mean, error } = meanOf(leads);
      return mean + error;
    })
    .sort((p, q) => p - q);
  if (most.length === 0) return 0;
  return meanOf(most.slice(0, Math.max(1, Math.round(WORST * most.length)))).mean;
}

/** The mean, and its standard error. */
function meanOf(values: readonly number[]): { readonly mean: number; readonly error: number } {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  return { mean, error: Math.sqrt(variance / values.length) };
}

/** Hides a view's pixels in turn, and foretells them from the others, under sparse gradients. Pixels whose `usable` is 0 are not scored. */
export async function foretellInTurns(
  view: Omit<View, 'shown'>,
  usable: Uint8Array,
  kernel: Kernel,
  hiding: Hiding,
  random: Random,
  signal?: AbortSignal,
): Promise<DetailedPrediction> {
  const predictions: DetailedPrediction[] = [];
  for (const shown of hideInTurn(view, hiding, random)) {
    predictions.push(await foretell({ ...view, shown }, usable, kernel, random, signal));
  }
  return inAll(predictions);
}

/** What was foretold of several sets of pixels, as of one. */
function inAll(predictions: readonly DetailedPrediction[]): DetailedPrediction {
  const count = predictions.reduce((sum, { losses }) => sum + losses.length, 0);
  const losses = new Float32Array(count);
  const blocks = new Uint32Array(count);
  let at = 0;
  let squares = 0;
  for (const prediction of predictions) {
    losses.set(prediction.losses, at);
    blocks.set(prediction.blocks, at);
    at += prediction.losses.length;
    squares += prediction.losses.length * prediction.error ** 2;
  }
  return predictionOf(losses, blocks, squares);
}

/** Foretells the hidden pixels of a view, under sparse gradients. Pixels whose `usable` is 0 are not scored. */
export async function foretell(
  view: View,
  usable: Uint8Array,
  kernel: Kernel,
  random: Random,
  signal?: AbortSignal,
): Promise<DetailedPrediction> {
  let scene = blankScene(view, kernel);
  for (let round = 0; round < ROUNDS; round++) {
    scene = await inferScene(view, kernel, scene, random, ITERATIONS, signal);
  }
  const { apply } = makeDegradation(kernel, view.width, view.height);
  const mean = apply(scene.mean);
  const deviation = apply(scene.draw).map((v, i) => v - mean[i]);
  return scoreForetold(view, usable, mean, deviation, DOUBT);
}

/**
 * How well the hidden pixels of a view were foretold. `mean`: of each LR pixel; `deviation`: one draw of how far off it may be, whose
 * variance counts `doubt` times. Pixels whose `usable` is 0 are not scored.
 */
export function scoreForetold(
  { y, width, height, shown, variance }: View,
  usable: Uint8Array,
  mean: Float32Array,
  deviation: Float32Array,
  doubt: number,
): DetailedPrediction {
  const scored = shown.map((v, i) => (v === 0 && usable[i] === 1 ? 1 : 0));
  const share = boxMean(scored, width, height, RADIUS);
  const spread = boxMean(
    scored.map((v, i) => v * deviation[i] ** 2),
    width,
    height,
    RADIUS,
  );
  const losses = new Float32Array(scored.reduce((sum, v) => sum + v, 0));
  const blocks = new Uint32Array(losses.length);
  let squares = 0;
  let count = 0;
  for (let i = 0; i < y.length; i++) {
    if (scored[i] === 0) continue;
    const v = (doubt * spread[i]) / share[i] + variance;
    const square = (y[i] - mean[i]) ** 2;
    blocks[count] =
      Math.floor(Math.floor(i / width) / BLOCK) * Math.ceil(width / BLOCK) + Math.floor((i % width) / BLOCK);
    losses[count++] = 0.5 * Math.log(v) + ((FREEDOM + 1) / 2) * Math.log(1 + square / (FREEDOM * v));
    squares += square;
  }
  return predictionOf(losses, blocks, squares);
}

/** `squares`: the sum of the squared errors. */
function predictionOf(losses: Float32Array, blocks: Uint32Array, squares: number): DetailedPrediction {
  const count = Math.max(losses.length, 1);
  const score = losses.reduce((sum, loss) => sum + loss, 0) / count;
  return { score, error: Math.sqrt(squares / count), losses, blocks };
}

/** The scene that is assumed before anything is inferred. */
export function blankScene({ y, width, height, shown }: View, kernel: Kernel): Scene {
  const { data } = blankCanvas(makePlanes(width, height, 1, y), shown, kernel);
  return { mean: data, draw: data };
}

/** The shown pixels enlarged onto the kernel's canvas. */
export function blankCanvas(y: Planes, shown: Float32Array, kernel: Kernel): Planes {
  const blank = makePlanes(y.width, y.height, y.channels);
  for (let c = 0; c < y.channels; c++) planeOf(blank, c).set(withoutHidden(planeOf(y, c), y.width, y.height, shown));
  return bicubicCanvas(blank, kernel);
}

/** The hidden pixels replaced by the mean of the shown ones around them. */
function withoutHidden(y: Float32Array, width: number, height: number, shown: Float32Array): Float32Array {
  const around = (row: number, column: number, reach: number): number => {
    let sum = 0;
    let count = 0;
    for (let r = Math.max(0, row - reach); r <= Math.min(height - 1, row + reach); r++) {
      for (let c = Math.max(0, column - reach); c <= Math.min(width - 1, column + reach); c++) {
        sum += shown[r * width + c] * y[r * width + c];
        count += shown[r * width + c];
      }
    }
    if (count > 0) return sum / count;
    return reach < Math.max(width, height) ? around(row, column, reach + 1) : 0;
  };
  return y.map((v, i) => (shown[i] === 1 ? v : around(Math.floor(i / width), i % width, REACH)));
}
