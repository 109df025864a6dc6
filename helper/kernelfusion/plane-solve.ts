/**
 * A plane of a picture from what the layer shows of it, a proposal z, and how rough it may be: the quadratic problem that all restorations
 * here come down to,
 *   x = argmin |M (A x - y)|^2 + rho |x - z|^2 + sum_d w_d . |D_d x|^2,
 * by conjugate gradients.
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makePlanes, type Planes, planeOf } from '../image/planes.ts';
import { type CgLimits, conjugateGradients } from './conjugate-gradient.ts';
import { makeDegradation } from './degradation.ts';
import { makeRoughness } from './differences.ts';

/** How a layer sees a picture. */
export interface Sight {
  readonly kernel: Kernel;
  /** M: 1 for LR pixels that are looked at, 0 for others; all are where it is missing. */
  readonly shown?: Float32Array;
}

/** What the planes of a picture have in common. */
export interface PlaneProblem {
  readonly sight: Sight;
  /** Of the layer. */
  readonly width: number;
  readonly height: number;
  /** rho. */
  readonly trust: number;
  /** w_d for the directions of differences.ts, canvas planes; null: none. */
  readonly roughness: readonly Float32Array[] | null;
}

/**
 * Solves for a plane. `y`: an LR plane; `start`: a canvas plane, which is z, too, where there is any trust in it. Throws `CANCELLED`.
 */
export type PlaneSolver = (
  y: Float32Array,
  start: Float32Array,
  limits: Omit<CgLimits, 'diagonal'>,
  signal?: AbortSignal,
) => Promise<Float32Array>;

export function makePlaneSolver({
  sight: { kernel, shown },
  width,
  height,
  trust,
  roughness,
}: PlaneProblem): PlaneSolver {
  const { apply, adjoint, canvasWidth, canvasHeight } = makeDegradation(kernel, width, height);
  const addRoughness = roughness && makeRoughness(roughness, canvasWidth, canvasHeight);
  const addTrusted = (sum: Float32Array, v: Float32Array) => {
    for (let i = 0; i < sum.length; i++) sum[i] += trust * v[i];
  };
  const look = (lr: Float32Array) => {
    if (shown) for (let i = 0; i < lr.length; i++) lr[i] *= shown[i];
    return lr;
  };
  const lr = new Float32Array(width * height);
  const product = new Float32Array(canvasWidth * canvasHeight);
  const multiply = (x: Float32Array) => {
    adjoint(look(apply(x, lr)), product);
    if (trust > 0) addTrusted(product, x);
    addRoughness?.(product, x);
    return product;
  };
  return (y, start, limits, signal) => {
    const b = adjoint(look(y.slice()));
    if (trust > 0) addTrusted(b, start);
    return conjugateGradients(multiply, b, start, limits, signal);
  };
}

/** Planes of what becomes of each one of `x` by `solve`; c: which one it is. */
export async function eachPlane(
  x: Planes,
  solve: (plane: Float32Array, c: number) => Promise<Float32Array>,
): Promise<Planes> {
  const out = makePlanes(x.width, x.height, x.channels);
  for (let c = 0; c < x.channels; c++) planeOf(out, c).set(await solve(planeOf(x, c), c));
  return out;
}
