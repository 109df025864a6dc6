import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlanes, mapPlanes, type Planes, planeOf } from '../../../helper/image/planes.ts';
import { bicubicCanvas, makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { type HyperLaplacianOptions, restoreHyperLaplacian } from '../../../helper/kernelfusion/hyper-laplacian.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { bicubicKernel, type Kernel, makeKernel } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';

const OPTIONS: HyperLaplacianOptions = { quadratic: 1e-3, sparse: 1e-3, rounds: 4, iterations: 30 };

/** Two bars and a disc, in [-1, 1], on the canvas of a kernel; the colours differ in strength. */
function scene(width: number, height: number, channels: number): Planes {
  const value = (row: number, column: number) => {
    if (Math.hypot(row - height / 2, column - width / 3) < height / 5) return 0.8;
    return column > width / 2 && (column + row) % 16 < 7 ? 0.5 : -0.6;
  };
  const data = Float32Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = i % (width * height);
    return value(Math.floor(pixel / width), pixel % width) * (1 - 0.3 * Math.floor(i / (width * height)));
  });
  return makePlanes(width, height, channels, data);
}

function degraded(kernel: Kernel, side: number, channels: number) {
  const degradation = makeDegradation(kernel, side, side);
  const truth = scene(degradation.canvasWidth, degradation.canvasHeight, channels);
  const y = makePlanes(side, side, channels);
  for (let c = 0; c < channels; c++) planeOf(y, c).set(degradation.apply(planeOf(truth, c)));
  return { degradation, sight: { kernel }, truth, y, start: bicubicCanvas(y, kernel) };
}

const NO_BLUR = { kernel: makeKernel(1, 1, [1]) };

/** A Gaussian blur of 2 pixels, 10 taps wide. */
const SOFT = makeKernel(
  10,
  2,
  Array.from({ length: 100 }, (_, i) => Math.exp(-((Math.floor(i / 10) - 4.5) ** 2 + ((i % 10) - 4.5) ** 2) / 8)),
);

/** |A x - y|^2 + w C sum_d c_d (mean over C colours of |D_d x|^2 + 0.02^2)^0.4, written out. */
function objective(x: Planes, y: Planes, apply: (plane: Float32Array) => Float32Array, w: number): number {
  let sum = 0;
  for (let c = 0; c < y.channels; c++) {
    const [again, plane] = [apply(planeOf(x, c)), planeOf(y, c)];
    for (let i = 0; i < plane.length; i++) sum += (again[i] - plane[i]) ** 2;
  }
  const at = (c: number, row: number, column: number) => x.data[(c * x.height + row) * x.width + column];
  for (const [rows, columns, share] of [
    [0, 1, 1],
    [1, 0, 1],
    [1, 1, 0.5],
    [1, -1, 0.5],
  ]) {
    for (let row = 0; row + rows < x.height; row++) {
      for (let column = Math.max(0, -columns); column < x.width - Math.max(0, columns); column++) {
        let energy = 0;
        for (let c = 0; c < x.channels; c++) energy += (at(c, row + rows, column + columns) - at(c, row, column)) ** 2;
        sum += w * x.channels * share * (energy / x.channels + 0.02 ** 2) ** 0.4;
      }
    }
  }
  return sum;
}

const meanSquare = (a: Planes, b: Planes) =>
  a.data.reduce((sum, v, i) => sum + (v - b.data[i]) ** 2, 0) / a.data.length;

for (const channels of [1, 3]) {
  test(`every round lowers the objective, far below that of the bicubic start, ${channels} colour(s)`, async () => {
    const { degradation, sight, truth, y, start } = degraded(SOFT, 24, channels);
    const value = (x: Planes) => objective(x, y, degradation.apply, OPTIONS.sparse);
    const values: number[] = [];
    for (const rounds of [1, 2, 3, 4]) {
      values.push(value(await restoreHyperLaplacian(y, sight, start, { ...OPTIONS, rounds })));
    }
    assert.ok(values[0] < 0.9 * value(start), `${values[0]} after one round, ${value(start)} at the start`);
    for (const i of [1, 2, 3]) assert.ok(values[i] <= values[i - 1] * (1 + 1e-6), `${values}`);
    const restored = await restoreHyperLaplacian(y, sight, start, OPTIONS);
    assert.ok(meanSquare(restored, truth) < 0.5 * meanSquare(start, truth), 'nearer to the truth than bicubic');
  });
}

test('three equal colours come out as one alone does', async () => {
  const grey = degraded(SOFT, 12, 1);
  const triple = (planes: Planes) => ({
    ...planes,
    channels: 3,
    data: Float32Array.from([...planes.data, ...planes.data, ...planes.data]),
  });
  const alone = await restoreHyperLaplacian(grey.y, grey.sight, grey.start, OPTIONS);
  const together = await restoreHyperLaplacian(triple(grey.y), grey.sight, triple(grey.start), OPTIONS);
  assertClose(together.data, triple(alone).data, 1e-4);
});

test('a picture of edges comes out sharper than by least squares alone', async () => {
  const { sight, truth, y, start } = degraded(SOFT, 24, 1);
  const squares = await restoreHyperLaplacian(y, sight, start, { ...OPTIONS, rounds: 0 });
  const sparse = await restoreHyperLaplacian(y, sight, start, OPTIONS);
  assert.ok(meanSquare(sparse, truth) < 0.85 * meanSquare(squares, truth));
});

test('least squares alone, worked out by hand: two pixels, no blur', async () => {
  // (1 + w) a - w b = 0, (1 + w) b - w a = 1 with w = 1/2: a = 1/4, b = 3/4.
  const pair = makePlanes(2, 1, 1, Float32Array.of(0, 1));
  const options = { quadratic: 0.5, sparse: 0, rounds: 0, iterations: 10 };
  const x = await restoreHyperLaplacian(pair, NO_BLUR, pair, options);
  assertClose(x.data, [1 / 4, 3 / 4], 1e-5);
});

test('each of the four directions counts with its share, worked out by hand on one bright pixel', async () => {
  // 3 x 3 and no blur, w tiny: x = y - w (sum_d c_d D^T D) y to first order: the centre loses 2 + 2 + 1 + 1 = 6 w,
  // the four neighbours gain w, the four corners w / 2.
  const y = makePlanes(3, 3, 1, Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0));
  const w = 1e-3;
  const options = { quadratic: w, sparse: 0, rounds: 0, iterations: 20 };
  const x = await restoreHyperLaplacian(y, NO_BLUR, y, options);
  const change = x.data.map((v, i) => (v - y.data[i]) / w);
  assertClose(change, [0.5, 1, 0.5, 1, -6, 1, 0.5, 1, 0.5], 0.06);
});

test('without blur, at scale 1 and with little weight, the layer comes back', async () => {
  const y = makePlanes(
    12,
    10,
    3,
    makeRandom(1)
      .normals(360)
      .map((v) => 0.4 * v),
  );
  const weak = { ...OPTIONS, quadratic: 1e-5, sparse: 1e-5 };
  assertClose((await restoreHyperLaplacian(y, NO_BLUR, y, weak)).data, y.data, 1e-3);
});

test('a flat picture stays flat, at every scale', async () => {
  for (const scale of [1, 2, 3, 4] as const) {
    const kernel = bicubicKernel(scale);
    const y = mapPlanes(makePlanes(10, 9, 3), () => 0.3);
    const start = bicubicCanvas(y, kernel);
    const { data } = await restoreHyperLaplacian(y, { kernel }, start, OPTIONS);
    assertClose(data, new Array(data.length).fill(0.3), 1e-4);
  }
});

test('it stops on a cancel', async () => {
  const { sight, y, start } = degraded(bicubicKernel(2), 8, 1);
  await assert.rejects(restoreHyperLaplacian(y, sight, start, OPTIONS, AbortSignal.abort()), {
    code: 'CANCELLED',
  });
});
