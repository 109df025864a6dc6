import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conjugateGradients } from '../../../helper/kernelfusion/conjugate-gradient.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { assertClose } from '../../support/close.ts';

/** x -> Q x, and how often it was asked for. */
function counted(Q: ArrayLike<number>, n: number) {
  const calls = { count: 0 };
  const multiply = (x: Float32Array) => {
    calls.count++;
    return Float32Array.from({ length: n }, (_, i) => x.reduce((sum, v, j) => sum + Q[i * n + j] * v, 0));
  };
  return { multiply, calls };
}

const TWO = [4, 1, 1, 3];
const exact = { iterations: 2, tolerance: 0 };

test('two equations are solved in two steps: 4a + b = 1, a + 3b = 2 gives 1/11 and 7/11', async () => {
  const { multiply } = counted(TWO, 2);
  const x = await conjugateGradients(multiply, Float32Array.of(1, 2), Float32Array.of(2, 1), exact);
  assertClose(x, [1 / 11, 7 / 11], 1e-6);
});

test('the first step, worked out by hand: from (2, 1) along (-8, -3) by 73/331', async () => {
  const { multiply } = counted(TWO, 2);
  const once = { iterations: 1, tolerance: 0 };
  const x = await conjugateGradients(multiply, Float32Array.of(1, 2), Float32Array.of(2, 1), once);
  assertClose(x, [2 - (8 * 73) / 331, 1 - (3 * 73) / 331], 1e-6);
});

test('n equations are solved in n steps', async () => {
  const n = 8;
  const B = makeRandom(4).normals(n * n);
  // B B^T + 4 I: symmetric, positive definite.
  const Q = Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = i === j ? 4 : 0;
    for (let k = 0; k < n; k++) sum += B[i * n + k] * B[j * n + k];
    return sum;
  });
  const { multiply } = counted(Q, n);
  const expected = makeRandom(5).normals(n);
  const x = await conjugateGradients(multiply, multiply(expected), new Float32Array(n), {
    iterations: n,
    tolerance: 0,
  });
  assertClose(x, expected, 1e-4);
});

test('divided by the diagonal, badly scaled equations have the same solution after far fewer steps', async () => {
  const n = 60;
  // From 1 to 1000, and between neighbours a tenth of what they have at most: symmetric, dominated by its diagonal.
  const scaleOf = (i: number) => 1000 ** (i / (n - 1));
  const Q = Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    if (i === j) return scaleOf(i);
    return Math.abs(i - j) === 1 ? -0.1 * scaleOf(Math.min(i, j)) : 0;
  });
  const expected = makeRandom(6).normals(n);
  const b = counted(Q, n).multiply(expected);
  const limits = { iterations: 500, tolerance: 1e-6 };
  const solve = async (diagonal?: Float32Array) => {
    const { multiply, calls } = counted(Q, n);
    const x = await conjugateGradients(multiply, b, new Float32Array(n), { ...limits, ...(diagonal && { diagonal }) });
    return { x, steps: calls.count - 1 };
  };
  const [plain, divided] = [await solve(), await solve(Float32Array.from({ length: n }, (_, i) => scaleOf(i)))];
  assertClose(plain.x, expected, 2e-3);
  assertClose(divided.x, expected, 2e-3);
  assert.ok(divided.steps < plain.steps / 3, `${divided.steps} steps, ${plain.steps} without`);
});

test('by any diagonal above 0, n equations are solved in n steps', async () => {
  const { multiply } = counted(TWO, 2);
  const limits = { ...exact, diagonal: Float32Array.of(0.5, 7) };
  const x = await conjugateGradients(multiply, Float32Array.of(1, 2), Float32Array.of(2, 1), limits);
  assertClose(x, [1 / 11, 7 / 11], 1e-5);
});

test('it stops at the tolerance, at once where the start is the solution, and leaves b and the start alone', async () => {
  const { multiply, calls } = counted(TWO, 2);
  const b = Float32Array.of(5, 4);
  const start = Float32Array.of(1, 1);
  assertClose(await conjugateGradients(multiply, b, start, { iterations: 50, tolerance: 1e-6 }), [1, 1], 0);
  assert.equal(calls.count, 1);
  const loose = counted(TWO, 2);
  const far = Float32Array.of(9, -9);
  await conjugateGradients(loose.multiply, b, far, { iterations: 50, tolerance: 1e-3 });
  assert.ok(loose.calls.count <= 4, `${loose.calls.count} products`);
  assert.deepEqual([b, start, far], [Float32Array.of(5, 4), Float32Array.of(1, 1), Float32Array.of(9, -9)]);
});

test('b = 0 has the solution 0, from any start and without a division by zero', async () => {
  const { multiply } = counted(TWO, 2);
  for (const start of [Float32Array.of(0, 0), Float32Array.of(3, -2)]) {
    const x = await conjugateGradients(multiply, new Float32Array(2), start, { iterations: 100, tolerance: 1e-5 });
    assertClose(x, [0, 0], 1e-5);
  }
});

test('a cancel from outside is heard between two steps', async () => {
  const abort = new AbortController();
  setImmediate(() => abort.abort(new Error('enough')));
  // 300 different eigenvalues keep the residual from ever being exactly 0.
  let count = 0;
  const multiply = (x: Float32Array) => {
    count++;
    return x.map((v, i) => (i + 1) * v);
  };
  const endless = { iterations: 1e9, tolerance: 0 };
  const ones = new Float32Array(300).fill(1);
  await assert.rejects(conjugateGradients(multiply, ones, new Float32Array(300), endless, abort.signal), {
    code: 'CANCELLED',
  });
  assert.ok(count < 10, `${count} products after the cancel`);
});

test('a cancel inside a step stops after that step', async () => {
  const abort = new AbortController();
  const { multiply, calls } = counted(TWO, 2);
  const cancelAtThird = (x: Float32Array) => {
    if (calls.count === 2) abort.abort();
    return multiply(x);
  };
  const limits = { iterations: 50, tolerance: 0 };
  await assert.rejects(
    conjugateGradients(cancelAtThird, Float32Array.of(1, 2), new Float32Array(2), limits, abort.signal),
    {
      code: 'CANCELLED',
    },
  );
  assert.equal(calls.count, 3);
});
