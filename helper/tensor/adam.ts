/**
 * Adam (Kingma & Ba 2015, arXiv 1412.6980, Algorithm 1) as graph nodes over one flat parameter vector:
 *   m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2,
 *   p' = p - lr/(1 - b1^k) m' / (sqrt(v') / sqrt(1 - b2^k) + eps).
 * What changes from step to step (the rate and both bias corrections) is computed outside and fed as two numbers.
 */
import type { GraphBuilder, Tensor } from './graph.ts';

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/**
 * beta2 = 0.99 instead of Adam's usual 0.999: most of our trainings are a few hundred steps, too short for the longer memory. The 5000
 * of the preset `paper` are made with it, too (docs/paper.md).
 */
export const ADAM: AdamOptions = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };

/** What to feed as `scalars` at step k = 1, 2, ...: [lr / (1 - b1^k), 1 / sqrt(1 - b2^k)]. */
export function adamScalars(k: number, learningRate: number, { beta1, beta2 }: AdamOptions = ADAM): Float32Array {
  return Float32Array.of(learningRate / (1 - beta1 ** k), 1 / Math.sqrt(1 - beta2 ** k));
}

/** `parameters`, `m`, `v` and `gradient` are flat vectors of one length, `scalars` is [2]; returns the next state. */
export function adamStep(
  g: GraphBuilder,
  state: { readonly parameters: Tensor; readonly m: Tensor; readonly v: Tensor },
  gradient: Tensor,
  scalars: Tensor,
  { beta1, beta2, epsilon }: AdamOptions = ADAM,
): { parameters: Tensor; m: Tensor; v: Tensor } {
  const rate = g.sliceAxis(scalars, 0, 0, 1);
  const correction = g.sliceAxis(scalars, 0, 1, 1);
  const m = g.add(g.mul(state.m, beta1), g.mul(gradient, 1 - beta1));
  const v = g.add(g.mul(state.v, beta2), g.mul(g.mul(gradient, gradient), 1 - beta2));
  const step = g.div(g.mul(m, rate), g.add(g.mul(g.sqrt(v), correction), epsilon));
  return { parameters: g.sub(state.parameters, step), m, v };
}
