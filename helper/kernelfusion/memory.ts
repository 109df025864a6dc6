/**
 * The memory of a job, predicted before it starts, and the tiles and threads that fit into what may be used.
 *
 * A job holds most either while nets are trained, when there is the most of the layer besides the engine at its largest, or at
 * its end, when there is the whole result; what was freed meanwhile is used again. Constants are measured (MB, of the whole
 * process on the processor, docs/devices.md); the parts that grow follow from what is held.
 */

import { KernelFusionError } from '../../shared/errors.ts';
import type { Scale } from '../../shared/kernel.ts';
import { bytesInWords } from '../amounts.ts';
import { LEAST_TILE_SIDE, TILE_SIDE } from './restore.ts';

export interface JobSize {
  /** Of the layer. */
  readonly width: number;
  readonly height: number;
  /** Colour planes. */
  readonly channels: number;
  readonly hasAlpha: boolean;
  readonly scale: Scale;
  /** Bytes that training takes beyond `ENGINES` in the paper's method (methods/paper.ts). On cards, too: many share the memory. */
  readonly paper?: number;
}

/** Bytes of program, libraries and the engine in training and in restoring, by kind of device. */
const ENGINES = {
  /** ONNX Runtime on the processor. */
  processor: { training: 410e6, restoring: 270e6 },
  /** A card: its driver has a process of its own, and the values are on the card. Not measured: a driver's usual size. */
  card: { training: 600e6, restoring: 600e6 },
  /** TensorFlow, whose values are tensors of their own. Not measured. */
  tensorflow: { training: 1200e6, restoring: 900e6 },
};

const engineOf = (device: string) =>
  device === 'onnx-cpu' ? ENGINES.processor : device.startsWith('tfjs') ? ENGINES.tensorflow : ENGINES.card;

/** Bytes for an LR pixel while trained: layer, its copy in the net's range, the table crops are drawn by, what made them. */
const TRAINING = 100;
/** Bytes for a pixel of a tile: planes, weights, directions and residuals of the solvers. */
const TILE = 140;

/**
 * Bytes of a thread for tasks (threads/task-threads.ts), and for a pixel of the plane it works on: its memory is its own, also what it has freed.
 */
const THREAD = 75e6;
const THREAD_TILE = 175;

/** Bytes at the peak of a job, with so many threads for tasks; one: no thread of their own. */
export function predictMemory(
  { width, height, channels, hasAlpha, scale, paper = 0 }: JobSize,
  {
    side = TILE_SIDE,
    device = 'onnx-cpu',
    threads = 1,
  }: { side?: number; device?: string | undefined; threads?: number } = {},
): number {
  const { training, restoring } = engineOf(device);
  const layer = width * height;
  const result = layer * scale ** 2;
  const planes = channels + (hasAlpha ? 1 : 0);
  // Floats of the layer (twice the colours) and of the result; the result again as bytes, plain and in the file's format.
  const held = 4 * layer * (planes + channels) + 4 * result * planes + 2 * result * planes;
  const tile = Math.min(side, scale * width) * Math.min(side, scale * height);
  const apart = threads > 1 ? threads * (THREAD + THREAD_TILE * tile) : 0;
  return Math.max(training + TRAINING * layer + paper, restoring + held + TILE * tile) + apart;
}

/** What a job may do that takes memory. */
export interface MemoryPlan {
  /** Side of its tiles in HR pixels. */
  readonly tileSide: number;
  /** Threads for tasks. */
  readonly threads: number;
}

/**
 * The plan with which a job keeps within `budget` bytes: with `threads` threads for tasks, or with one where they do not fit, and the largest
 * tiles then. Throws `NOT_ENOUGH_MEMORY` where none does.
 */
export function planWithin(budget: number, size: JobSize, threads: number, device?: string): MemoryPlan {
  const plans = [threads, 1].flatMap((threads) =>
    [TILE_SIDE, TILE_SIDE / 2, LEAST_TILE_SIDE].map((tileSide) => ({ tileSide, threads })),
  );
  const needOf = ({ tileSide, threads }: MemoryPlan) => predictMemory(size, { side: tileSide, device, threads });
  const plan = plans.find((plan) => needOf(plan) <= budget);
  if (plan) return plan;
  const [need, have] = [needOf(plans.at(-1)!), budget].map(bytesInWords);
  throw new KernelFusionError(
    'NOT_ENOUGH_MEMORY',
    `This job may need ${need} of memory, and ${have} may be used: close other programs, take a smaller layer or scale.`,
  );
}
