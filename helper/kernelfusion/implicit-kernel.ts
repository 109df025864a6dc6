/**
 * The kernel as a function of place (KernelFusion, arXiv 2503.21907, section 4.3 and appendix): a sinusoidal net (SIREN,
 * Sitzmann et al. 2020, arXiv 2006.09661) from coordinates to taps. That it is smooth is all that it assumes.
 *
 * Five layers of 256 sines, h' = sin(omega (W h + b)), omega = 5, and a linear one to a number z for each tap. A leaky sigmoid,
 * (1 + 1e-4) sigmoid(z) - 1e-4, lets taps become exactly zero; then they are divided by their sum.
 */
import { throwIfCancelled } from '../../shared/errors.ts';
import { adamScalars, adamStep } from '../tensor/adam.ts';
import type { Executor } from '../tensor/executor.ts';
import { gradient } from '../tensor/gradient.ts';
import { GraphBuilder, type Tensor } from '../tensor/graph.ts';
import { flatten, layOut, type ParameterLayout, unflatten } from '../tensor/parameters.ts';
import type { Shape } from '../tensor/shape.ts';

const LAYERS = 5;
const WIDTH = 256;
const OMEGA = 5;
const LEAK = 1e-4;

/** Names, shapes and places of the parameters in the flat vector. */
export const KERNEL_LAYOUT: ParameterLayout = layOut(
  Array.from({ length: LAYERS + 1 }, (_, layer): [string, Shape][] => {
    const out = layer === LAYERS ? 1 : WIDTH;
    return [
      [`sine${layer}.weight`, [out, layer === 0 ? 2 : WIDTH]],
      [`sine${layer}.bias`, [out]],
    ];
  }).flat(),
);

/**
 * Start values of the SIREN paper (its section 3.2): weights uniform within 1 / fan-in in the first layer and within
 * sqrt(6 / fan-in) / omega in the others, which keeps every layer's distribution; biases within 1 / sqrt(fan-in).
 */
export function initialKernelNet(random: () => number): Float32Array {
  const values = new Float32Array(KERNEL_LAYOUT.size);
  let fanIn = 0;
  for (const { shape, offset } of KERNEL_LAYOUT.entries) {
    const isWeight = shape.length === 2;
    if (isWeight) fanIn = shape[1];
    const bound = !isWeight ? 1 / Math.sqrt(fanIn) : fanIn === 2 ? 1 / fanIn : Math.sqrt(6 / fanIn) / OMEGA;
    for (let i = 0; i < shape.reduce((a, b) => a * b); i++) values[offset + i] = (2 * random() - 1) * bound;
  }
  return values;
}

/** Steps and rate that bring a fresh net to a Gaussian within 5 % of its taps' norm. */
const FIT_STEPS = 300;
const FIT_RATE = 5e-4;

/** The parameters after some steps towards a kernel of size^2 taps. */
export async function fitKernelNet(
  parameters: Float32Array,
  target: Float32Array,
  executor: Executor,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const size = Math.sqrt(target.length);
  const g = new GraphBuilder();
  const flat = (name: string) => g.input(name, [KERNEL_LAYOUT.size]);
  const state = { parameters: flat('parameters'), m: flat('m'), v: flat('v') };
  const p = unflatten(g, state.parameters, KERNEL_LAYOUT);
  const loss = g.mse(implicitKernel(g, p, size), g.constant(target, [size, size]));
  // Adam does not mind the loss's scale, but for its epsilon: taps and their squares are small.
  const slopes = flatten(g, gradient(g, g.mul(loss, size ** 4), Object.values(p)));
  const next = adamStep(g, state, slopes, g.input('adam', [2]));
  const program = await executor.compile(g.build({ nextParameters: next.parameters, nextM: next.m, nextV: next.v }), {
    state: { parameters: 'nextParameters', m: 'nextM', v: 'nextV' },
  });
  try {
    const zeros = new Float32Array(parameters.length);
    await program.writeState({ parameters, m: zeros, v: zeros });
    for (let k = 1; k <= FIT_STEPS; k++) {
      throwIfCancelled(signal);
      await program.run({ adam: adamScalars(k, FIT_RATE) });
    }
    return (await program.readState()).parameters;
  } finally {
    await program.release();
  }
}

/** [size^2, 2]: (row, column) of every tap, rows first, from -1 to 1. */
export function tapCoordinates(size: number): Float32Array {
  const at = (i: number) => (size === 1 ? 0 : (2 * i) / (size - 1) - 1);
  return Float32Array.from({ length: 2 * size * size }, (_, i) => {
    const tap = i >> 1;
    return at(i % 2 === 0 ? Math.floor(tap / size) : tap % size);
  });
}

/** The kernel [size, size], sum 1, as the parameters `p` (of KERNEL_LAYOUT, by name) have it. */
export function implicitKernel(g: GraphBuilder, p: Readonly<Record<string, Tensor>>, size: number): Tensor {
  let h = g.constant(tapCoordinates(size), [size * size, 2]);
  for (let layer = 0; layer < LAYERS; layer++) {
    h = g.sin(g.mul(g.linear(h, p[`sine${layer}.weight`], p[`sine${layer}.bias`]), OMEGA));
  }
  const z = g.linear(h, p[`sine${LAYERS}.weight`], p[`sine${LAYERS}.bias`]);
  const taps = g.sub(g.mul(g.sigmoid(z), 1 + LEAK), LEAK);
  return g.reshape(g.div(taps, g.sum(taps, [0, 1])), [size, size]);
}
