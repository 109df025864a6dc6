/**
 * Conjugate gradients (Hestenes & Stiefel 1952) for Q x = b, Q symmetric and positive definite, given as a function.
 *
 * Between iterations the event loop gets its turn, so that a cancel is heard.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { throwIfCancelled } from '../../shared/errors.ts';

export interface CgLimits {
  readonly iterations: number;
  /** Stops when the residual's norm has fallen to this share of that of b. */
  readonly tolerance: number;
  /** The diagonal of Q, roughly: where it varies much, dividing by it saves iterations (Jacobi's preconditioner). */
  readonly diagonal?: Float32Array;
}

export async function conjugateGradients(
  multiply: (x: Float32Array) => Float32Array,
  b: Float32Array,
  start: Float32Array,
  { iterations, tolerance, diagonal }: CgLimits,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const x = start.slice();
  const q0 = multiply(x);
  const r = b.map((v, i) => v - q0[i]);
  const z = diagonal ? r.map((v, i) => v / diagonal[i]) : r;
  const p = z.slice();
  let rr = dot(r, r);
  let rz = diagonal ? dot(r, z) : rr;
  const enough = tolerance * tolerance * dot(b, b);
  for (let k = 0; k < iterations && rr > enough; k++) {
    const q = multiply(p);
    const alpha = rz / dot(p, q);
    rr = 0;
    for (let i = 0; i < x.length; i++) {
      x[i] += alpha * p[i];
      r[i] -= alpha * q[i];
      rr += r[i] * r[i];
    }
    if (diagonal) for (let i = 0; i < r.length; i++) z[i] = r[i] / diagonal[i];
    const next = diagonal ? dot(r, z) : rr;
    const beta = next / rz;
    for (let i = 0; i < p.length; i++) p[i] = z[i] + beta * p[i];
    rz = next;
    await turn();
    throwIfCancelled(signal);
  }
  return x;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
