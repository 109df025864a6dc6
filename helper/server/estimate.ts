/**
 * What a job will take, told before it starts: seconds, memory at its peak, room on the disk. And which layers are none for us.
 *
 * Seconds are the predicted arithmetic (work.ts) over the speed of this computer, which the last finished job of the kind has told;
 * before the first one that of a slow one is assumed.
 */
import os from 'node:os';
import { KernelFusionError } from '../../shared/errors.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import { LEAST_SIDE, MOST_PIXELS, MOST_RESULT_PIXELS } from '../../shared/protocol/limits.ts';
import { bytesInWords, pixelsInWords } from '../amounts.ts';
import { freeMemory } from '../free-memory.ts';
import { predictMemory as predictJobMemory } from '../kernelfusion/memory.ts';
import { CLOSED_FORM_PLANS, predictWork } from '../kernelfusion/methods/closed-form.ts';
import {
  PAPER_PLANS,
  type PaperBytes,
  paperPlanOf,
  predictPaperBytes,
  predictPaperWork,
} from '../kernelfusion/methods/paper.ts';
import { LEAST_TILE_SIDE } from '../kernelfusion/restore.ts';
import { bytesOf, type Failure, type LayerShape } from './jobs.ts';

/** Throws `INPUT_TOO_SMALL` or `INPUT_TOO_LARGE` where no job can be made of such a layer. */
export function checkShape({ width, height }: LayerShape, { scale }: UpscaleOptions): void {
  const pixels = width * height;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < LEAST_SIDE || height < LEAST_SIDE) {
    const sentence = `This layer is ${width} x ${height}; it must be at least ${LEAST_SIDE} pixels wide and high.`;
    throw new KernelFusionError('INPUT_TOO_SMALL', sentence);
  }
  if (pixels > MOST_PIXELS) {
    const sentence = `This layer has ${pixelsInWords(pixels)}; the limit is ${pixelsInWords(MOST_PIXELS)}.`;
    throw new KernelFusionError('INPUT_TOO_LARGE', sentence);
  }
  if (pixels * scale ** 2 > MOST_RESULT_PIXELS) {
    const result = pixelsInWords(pixels * scale ** 2);
    const sentence = `At scale ${scale} the result would have ${result}; the limit is ${pixelsInWords(MOST_RESULT_PIXELS)}.`;
    throw new KernelFusionError('INPUT_TOO_LARGE', sentence);
  }
}

/** Multiply-adds of a job; `givenSide`: of its kernel, where it is known. Whether colours and alpha are all there shows in the pixels only: they are assumed to be. */
export function workOf({ width, height }: LayerShape, options: UpscaleOptions, givenSide?: number): number {
  const size = { width, height, channels: 3 };
  const { preset } = options;
  const { prior, kernel, image, alpha } =
    preset === 'paper' || preset === 'paper-small'
      ? predictPaperWork(size, true, options, PAPER_PLANS[preset], givenSide)
      : predictWork(size, true, options, CLOSED_FORM_PLANS[preset], givenSide);
  return prior + kernel + image + alpha;
}

/** What a job spends its time with: nets use every thread, the solvers of a job without one do not. */
export type WorkKind = 'nets' | 'solvers';
export const kindOf = ({ preset }: UpscaleOptions): WorkKind => (preset === 'fast' ? 'solvers' : 'nets');

/** Multiply-adds a second that a slow laptop does. */
export const assumedSpeeds = (): Record<WorkKind, number> => ({
  nets: 4e10 * os.availableParallelism(),
  solvers: 1.2e10,
});

const resultPixels = ({ width, height }: LayerShape, { scale }: UpscaleOptions) => width * height * scale ** 2;

/** Bytes of the worker process at its peak, in the least tiles and without threads for tasks, which it makes do with where it must. Whether there is alpha shows in the pixels only: it is assumed to be there. */
export function predictMemory(layer: LayerShape, options: UpscaleOptions, device?: string): number {
  const { width, height } = layer;
  const size = { width, height, channels: 3, hasAlpha: true, scale: options.scale };
  return predictJobMemory({ ...size, paper: paperBytes(layer, options).memory }, { side: LEAST_TILE_SIDE, device });
}

function paperBytes(layer: LayerShape, options: UpscaleOptions): PaperBytes {
  const plan = paperPlanOf(options.preset);
  return plan ? predictPaperBytes({ ...layer, channels: 3 }, options, plan) : { memory: 0, checkpoint: 0 };
}

/** Bytes of the result's pixels. */
export const resultBytes = (layer: LayerShape, options: UpscaleOptions): number => 4 * resultPixels(layer, options);

/** Bytes on the disk at the most: the layer, the result, and a checkpoint with the trained nets and the restored colours. */
export function diskNeeded(layer: LayerShape, options: UpscaleOptions): number {
  const pixels = resultPixels(layer, options);
  return bytesOf(layer) + 4 * pixels + 12 * pixels + 4 * 2 ** 20 + paperBytes(layer, options).checkpoint;
}

/** Why there is not enough memory for a job, if that is so. `soon`: bytes that will be free when it starts. */
export function memoryRefusal(
  layer: LayerShape,
  options: UpscaleOptions,
  soon: number,
  device?: string,
): Failure | null {
  const needed = predictMemory(layer, options, device);
  const free = Math.min(freeMemory() + soon, os.totalmem());
  if (needed <= free) return null;
  const sentence = `This job may need ${bytesInWords(needed)} of memory, and ${bytesInWords(free)} are free: close other programs, take a smaller layer or scale.`;
  return { code: 'NOT_ENOUGH_MEMORY', sentence };
}
