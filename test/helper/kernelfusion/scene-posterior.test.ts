import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { boxMean, inferScene, type Scene, type View } from '../../../helper/kernelfusion/scene-posterior.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';

/** Four taps a side, none like another, over 4 x 3 LR pixels: a canvas of 10 x 8. */
const KERNEL = makeKernel(4, 2, [1, 5, 2, 0, 3, 9, 4, 1, 2, 6, 8, 3, 0, 1, 4, 2]);
const [LR_WIDTH, LR_HEIGHT, WIDTH, HEIGHT] = [4, 3, 10, 8];
const PIXELS = WIDTH * HEIGHT;
const SHOWN = Float32Array.of(1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0);
const VIEW: View = {
  y: makeRandom(1).normals(LR_WIDTH * LR_HEIGHT),
  width: LR_WIDTH,
  height: LR_HEIGHT,
  shown: SHOWN,
  variance: 0.02,
};
/** More than the equations need. */
const ENOUGH = 400;

/** Mean over the square of five pixels a side around i, as far as it lies inside. */
function around(values: ArrayLike<number>, i: number, width: number, height: number, radius: number): number {
  const near = Array.from(values).filter((_, j) => {
    const [dy, dx] = [Math.floor(j / width) - Math.floor(i / width), (j % width) - (i % width)];
    return Math.abs(dy) <= radius && Math.abs(dx) <= radius;
  });
  assert.ok(near.length > 0 && height * width === values.length);
  return near.reduce((a, b) => a + b) / near.length;
}

/** The row of A for an LR pixel, or of D_d for a canvas pixel. */
const row = (entries: readonly (readonly [number, number])[]) => {
  const out = new Float64Array(PIXELS);
  for (const [at, value] of entries) out[at] += value;
  return out;
};

const blurRows = Array.from(VIEW.y, (_, i) => {
  const [top, left] = [2 * Math.floor(i / LR_WIDTH), 2 * (i % LR_WIDTH)];
  return row(Array.from(KERNEL.data, (k, u) => [(top + Math.floor(u / 4)) * WIDTH + left + (u % 4), k] as const));
});

const differenceRows = [
  { dy: 0, dx: 1, share: 1 },
  { dy: 1, dx: 0, share: 1 },
  { dy: 1, dx: 1, share: 0.5 },
  { dy: 1, dx: -1, share: 0.5 },
].map(({ dy, dx, share }) => ({
  share,
  rows: Array.from({ length: PIXELS }, (_, i) => {
    const [r, c] = [Math.floor(i / WIDTH) + dy, (i % WIDTH) + dx];
    const inside = r < HEIGHT && c >= 0 && c < WIDTH;
    return row(
      inside
        ? [
            [r * WIDTH + c, 1],
            [i, -1],
          ]
        : [],
    );
  }),
}));

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);

/** Q = A^T M A / v + sum_d D_d^T W_d D_d and A^T M y / v, from the formulas alone. */
function equations({ y, shown, variance }: View, { mean, draw }: Scene) {
  const Q = new Float64Array(PIXELS * PIXELS);
  const b = new Float64Array(PIXELS);
  const add = (a: Float64Array, weight: number) => {
    for (const [i, v] of a.entries()) {
      if (v !== 0) for (const [j, w] of a.entries()) Q[i * PIXELS + j] += weight * v * w;
    }
  };
  for (const [i, a] of blurRows.entries()) {
    add(a, shown[i] / variance);
    for (let j = 0; j < PIXELS; j++) b[j] += (a[j] * shown[i] * y[i]) / variance;
  }
  for (const { rows, share } of differenceRows) {
    const steep = rows.map((d) => dot(d, mean) ** 2);
    const unsure = rows.map((d) => (dot(d, draw) - dot(d, mean)) ** 2);
    const average = steep.reduce((a, b) => a + b) / PIXELS;
    for (const [i, d] of rows.entries()) {
      const expected = mean === draw ? average : steep[i] + around(unsure, i, WIDTH, HEIGHT, 2);
      add(d, share / (expected + 0.02 ** 2));
    }
  }
  return { Q, b };
}

/** Q^-1, by Gauss-Jordan elimination; Q is positive definite. */
function inverse(Q: Float64Array): Float64Array {
  const n = Math.sqrt(Q.length);
  const a = Q.slice();
  const out = Float64Array.from(Q, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  for (let p = 0; p < n; p++) {
    const pivot = a[p * n + p];
    for (let j = 0; j < n; j++) {
      a[p * n + j] /= pivot;
      out[p * n + j] /= pivot;
    }
    for (let i = 0; i < n; i++) {
      const factor = a[i * n + p];
      if (i === p || factor === 0) continue;
      for (let j = 0; j < n; j++) {
        a[i * n + j] -= factor * a[p * n + j];
        out[i * n + j] -= factor * out[p * n + j];
      }
    }
  }
  return out;
}

/** Q^-1 b. */
const solution = ({ Q, b }: { Q: Float64Array; b: Float64Array }) => {
  const covariance = inverse(Q);
  return Float64Array.from(b, (_, i) => dot(covariance.subarray(i * PIXELS, (i + 1) * PIXELS), b));
};

const canvas = (seed: number, strength: number) =>
  makeRandom(seed)
    .normals(PIXELS)
    .map((v) => strength * v);

const nothing = canvas(2, 0.5);
const UNKNOWN: Scene = { mean: nothing, draw: nothing };
const LAST: Scene = { mean: nothing, draw: nothing.map((v, i) => v + canvas(3, 0.2)[i]) };

for (const { name, last } of [
  { name: 'nothing is inferred yet', last: UNKNOWN },
  { name: 'a mean and a draw are there already', last: LAST },
]) {
  test(`the mean solves Q x = A^T M y / v where ${name}`, async () => {
    const { mean } = await inferScene(VIEW, KERNEL, last, makeRandom(4), ENOUGH);
    assertClose(mean, solution(equations(VIEW, last)), 2e-3);
  });
}

test('draws lie around the mean with covariance Q^-1', async () => {
  const count = 1200;
  const { Q, b } = equations(VIEW, LAST);
  const covariance = inverse(Q);
  const centre = solution({ Q, b });
  const random = makeRandom(5);
  const sums = new Float64Array(PIXELS);
  const products = new Float64Array(PIXELS * PIXELS);
  for (let n = 0; n < count; n++) {
    const { draw } = await inferScene(VIEW, KERNEL, LAST, random, 120);
    const off = Float64Array.from(draw, (v, i) => v - centre[i]);
    for (let i = 0; i < PIXELS; i++) {
      sums[i] += off[i];
      for (let j = 0; j <= i; j++) products[i * PIXELS + j] += off[i] * off[j];
    }
  }
  // In standard errors, of a mean and of a covariance (Isserlis).
  const variance = (i: number) => covariance[i * PIXELS + i];
  const means = Array.from(sums, (sum, i) => sum / count / Math.sqrt(variance(i) / count));
  const covariances: number[] = [];
  for (let i = 0; i < PIXELS; i++) {
    for (let j = 0; j <= i; j++) {
      const expected = covariance[i * PIXELS + j];
      const error = Math.sqrt((variance(i) * variance(j) + expected ** 2) / count);
      covariances.push((products[i * PIXELS + j] / count - expected) / error);
    }
  }
  for (const [name, errors] of Object.entries({ means, covariances })) {
    const largest = Math.max(...errors.map(Math.abs));
    const typical = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    assert.ok(largest < 5 && typical < 1.4, `${name}: ${largest} standard errors at most, ${typical} typically`);
  }
});

test('hidden pixels have no influence: whatever they hold, mean and draw are the same', async () => {
  const infer = (view: View) => inferScene(view, KERNEL, LAST, makeRandom(6), 30);
  const wild = VIEW.y.map((v, i) => (SHOWN[i] === 0 ? 1000 + i : v));
  const scene = await infer(VIEW);
  assert.deepEqual(await infer({ ...VIEW, y: wild }), scene);
  assert.notDeepEqual(await infer({ ...VIEW, y: wild, shown: SHOWN.map(() => 1) }), scene);
});

test('what is handed in stays as it was, and the seed alone decides the draw', async () => {
  const before = structuredClone({ VIEW, LAST });
  const infer = (seed: number) => inferScene(VIEW, KERNEL, LAST, makeRandom(seed), 30);
  const [first, again, other] = [await infer(7), await infer(7), await infer(8)];
  assert.deepEqual(again, first);
  assert.deepEqual(other.mean, first.mean);
  assert.notDeepEqual(other.draw, first.draw);
  assert.deepEqual({ VIEW, LAST }, before);
});

test('a cancel is heard', async () => {
  await assert.rejects(inferScene(VIEW, KERNEL, LAST, makeRandom(1), 30, AbortSignal.abort()), { code: 'CANCELLED' });
});

test('means over squares are of the part that lies inside, by hand', () => {
  // 8 at the left top, 12 in the middle.
  const plane = Float32Array.of(8, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0);
  assertClose(boxMean(plane, 4, 3, 1), [5, 20 / 6, 2, 0, 20 / 6, 20 / 9, 12 / 9, 0, 3, 2, 2, 0], 1e-6);
  assert.deepEqual([...boxMean(plane, 4, 3, 0)], [...plane]);
  assertClose(boxMean(plane, 4, 3, 9), new Array(12).fill(20 / 12), 1e-6);
});

test('means over squares, counted pixel by pixel', () => {
  for (const [width, height, radius] of [
    [9, 6, 2],
    [1, 7, 2],
    [7, 1, 3],
    [3, 8, 4],
  ]) {
    const plane = makeRandom(radius).normals(width * height);
    const expected = plane.map((_, i) => around(plane, i, width, height, radius));
    assertClose(boxMean(plane, width, height, radius), expected, 1e-5);
  }
});
