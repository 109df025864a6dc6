/**
 * One plane of a picture from what the layer shows of it, a proposal, and how rough it may be: the quadratic problem that all restorations
 * here come down to,
 *   x = argmin |M (A x - y)|^2 + rho |x - z|^2 + sum_d w_d . |D_d x|^2,
 * by conjugate gradients. Planes do not wait for each other (tasks.ts).
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makePlanes, type Planes, planeOf } from '../image/planes.ts';
import { conjugateGradients } from './conjugate-gradient.ts';
import { makeDegradation } from './degradation.ts';
import { makeRoughness } from './differences.ts';
import { together } from './together.ts';

/** How a layer sees a picture. */
export interface Sight {
  readonly kernel: Kernel;
  /** M: 1 for LR pixels that are looked at, 0 for others; all are where it is missing. */
  readonly shown?: Float32Array;
}

export interface PlaneProblem {
  readonly sight: Sight;
  /** An LR plane. */
  readonly y: Float32Array;
  readonly width: number;
  readonly height: number;
  /** z, a canvas plane, and rho. */
  readonly proposal?: { readonly z: Float32Array; readonly rho: number };
  /** w_d for the directions of differences.ts, canvas planes; null: none. */
  readonly roughness: readonly Float32Array[] | null;
  /** The canvas plane to begin with. */
  readonly start: Float32Array;
  /** Of conjugate gradients; see `CgLimits`. */
  readonly iterations: number;
  readonly tolerance: number;
}

/** Returns a canvas plane. Throws `CANCELLED`. */
export type PlaneSolver = (problem: PlaneProblem, signal?: AbortSignal) => Promise<Float32Array>;

export const solvePlane: PlaneSolver = (
  { sight: { kernel, shown }, y, width, height, proposal, roughness, start, iterations, tolerance },
  signal,
) => {
  const { apply, adjoint, canvasWidth, canvasHeight } = makeDegradation(kernel, width, height);
  const addRoughness = roughness && makeRoughness(roughness, canvasWidth, canvasHeight);
  const addProposal = (sum: Float32Array, v: Float32Array) => {
    if (!proposal) return;
    for (let i = 0; i < sum.length; i++) sum[i] += proposal.rho * v[i];
  };
  const look = (lr: Float32Array) => {
    if (shown) for (let i = 0; i < lr.length; i++) lr[i] *= shown[i];
    return lr;
  };
  const lr = new Float32Array(width * height);
  const product = new Float32Array(canvasWidth * canvasHeight);
  const multiply = (x: Float32Array) => {
    adjoint(look(apply(x, lr)), product);
    addProposal(product, x);
    addRoughness?.(product, x);
    return product;
  };
  const b = adjoint(look(y.slice()));
  if (proposal) addProposal(b, proposal.z);
  return conjugateGradients(multiply, b, start, { iterations, tolerance }, signal);
};

/** Planes of what becomes of each one of `x`, by `work` on all of them at once; c: which one it is. */
export async function eachPlane(
  x: Planes,
  work: (plane: Float32Array, c: number, signal: AbortSignal) => Promise<Float32Array>,
  signal?: AbortSignal,
): Promise<Planes> {
  const { width, height, channels } = x;
  const works = Array.from({ length: channels }, (_, c) => (stop: AbortSignal) => work(planeOf(x, c), c, stop));
  const out = makePlanes(width, height, channels);
  for (const [c, plane] of (await together<Float32Array[]>(works, signal)).entries()) planeOf(out, c).set(plane);
  return out;
}
