/**
 * The memory of a job, predicted before it starts, and the tiles that fit into what may be used.
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

/** Bytes at the peak of a job. */
export function predictMemory(
  { width, height, channels, hasAlpha, scale, paper = 0 }: JobSize,
  side = TILE_SIDE,
  device = 'onnx-cpu',
): number {
  const { training, restoring } = engineOf(device);
  const layer = width * height;
  const result = layer * scale ** 2;
  const planes = channels + (hasAlpha ? 1 : 0);
  // Floats of the layer (twice the colours) and of the result; the result again as bytes, plain and in the file's format.
  const held = 4 * layer * (planes + channels) + 4 * result * planes + 2 * result * planes;
  const tile = TILE * Math.min(side, scale * width) * Math.min(side, scale * height);
  return Math.max(training + TRAINING * layer + paper, restoring + held + tile);
}

/**
 * Side of the tiles with which a job keeps within `budget` bytes. Throws `NOT_ENOUGH_MEMORY` where it cannot.
 */
export function tileSideWithin(budget: number, size: JobSize, device?: string): number {
  for (const side of [TILE_SIDE, TILE_SIDE / 2, LEAST_TILE_SIDE]) {
    if (predictMemory(size, side, device) <= budget) return side;
  }
  const [need, have] = [predictMemory(size, LEAST_TILE_SIDE, device), budget].map(bytesInWords);
  throw new KernelFusionError(
    'NOT_ENOUGH_MEMORY',
    `This job may need ${need} of memory, and ${have} may be used: close other programs, take a smaller layer or scale.`,
  );
}
