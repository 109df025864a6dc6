/**
 * Conjugate gradients (Hestenes & Stiefel 1952) for Q x = b, Q symmetric and positive definite, given as a function.
 *
 * What `multiply` returns is copied before it is called again, so it may be one array for all calls.
 * Between iterations the event loop gets its turn, so that a cancel is heard.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { throwIfCancelled } from '../../shared/errors.ts';
import { makeWorkspace } from './loops.ts';

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
  const { length } = b;
  const divided = diagonal ? length : 0;
  const { loops, arrays } = makeWorkspace({ x: length, r: length, p: length, q: length, z: divided, inverse: divided });
  const { x, r, p, q, inverse } = arrays;
  const z = diagonal ? arrays.z : r;
  const precondition = () => {
    if (diagonal) loops.multiply(z, r, inverse, length);
  };
  x.set(start);
  q.set(multiply(x));
  r.set(b);
  const enough = tolerance * tolerance * loops.dot(r, r, length);
  loops.add(r, q, -1, length);
  if (diagonal) for (let i = 0; i < length; i++) inverse[i] = 1 / diagonal[i];
  precondition();
  p.set(z);
  let rr = loops.dot(r, r, length);
  let rz = loops.dot(r, z, length);
  for (let k = 0; k < iterations && rr > enough; k++) {
    q.set(multiply(p));
    const alpha = rz / loops.dot(p, q, length);
    loops.add(x, p, alpha, length);
    loops.add(r, q, -alpha, length);
    rr = loops.dot(r, r, length);
    precondition();
    const next = diagonal ? loops.dot(r, z, length) : rr;
    loops.turn(p, z, next / rz, length);
    rz = next;
    await turn();
    throwIfCancelled(signal);
  }
  return x.slice();
}
