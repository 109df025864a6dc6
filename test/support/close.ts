/**
 * Numbers compared within a tolerance, and how alike two lists of numbers are.
 */
import assert from 'node:assert/strict';

/** Every value within `tolerance` of the one expected; names the first that is not. */
export function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) {
    assert.ok(Math.abs(found[i] - expected[i]) <= tolerance, `value ${i}: ${found[i]}, not ${expected[i]}`);
  }
}

/** <a, b> / (|a| |b|): 1 when one is a multiple of the other. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / Math.sqrt(aa * bb);
}
