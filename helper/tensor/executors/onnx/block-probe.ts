/**
 * Asks ONNX Runtime for the block size of its NCHWc layout on this CPU (8 with AVX, 16 with AVX-512, none elsewhere): there
 * is no function that tells, but reordering the numbers 0, 1, 2, ... shows it.
 *
 * 64 channels of 1x2 places hold c * 2 + x at (c, x). Blocked, place 0 of channels 0..b-1 comes first, then place 1 of the
 * same: the 1, which is place 1 of channel 0, ends up at index b.
 */
import type { Values } from '../../executor.ts';
import { NCHWC_DOMAIN, type OnnxModel } from './model.ts';

const SHAPE = [1, 64, 1, 2];

export const BLOCK_PROBE: { readonly model: OnnxModel; readonly input: Float32Array } = {
  model: {
    inputs: new Map([['in:x', SHAPE]]),
    outputs: new Map([['out:y', SHAPE]]),
    initializers: [],
    nodes: [{ op: 'ReorderInput', domain: NCHWC_DOMAIN, inputs: ['in:x'], outputs: ['out:y'] }],
  },
  input: Float32Array.from({ length: 128 }, (_, i) => i),
};

/** The block size shown by the probe's result. */
export function readBlockProbe({ y }: Values): number {
  return y.indexOf(1);
}
