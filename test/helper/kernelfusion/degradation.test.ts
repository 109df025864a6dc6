import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makePlanes } from '../../../helper/image/planes.ts';
import {
  bicubicCanvas,
  canvasMargin,
  cutMargin,
  extend,
  makeDegradation,
} from '../../../helper/kernelfusion/degradation.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { bicubicKernel, type Kernel, makeKernel, type Scale } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';

const SCALES: readonly Scale[] = [1, 2, 3, 4];

/** The row of taps (divided by its sum) in every row of a square kernel: on a picture that is constant down its columns, a blur along rows. */
const rowKernel = (scale: Scale, taps: readonly number[]) =>
  makeKernel(
    taps.length,
    scale,
    taps.flatMap(() => taps),
  );

const byHand: readonly { scale: Scale; taps: number[]; canvas: number[]; lr: number[] }[] = [
  // (1*6) / 6, (3*12) / 6, (2*12) / 6
  { scale: 1, taps: [1, 2, 3], canvas: [6, 0, 0, 12, 0], lr: [1, 6, 4] },
  // (1*10 + 4*20) / 10 from place 0, (2*20 + 4*5) / 10 from place 2
  { scale: 2, taps: [1, 2, 3, 4], canvas: [10, 0, 0, 20, 0, 5], lr: [9, 6] },
  // (1*6 + 1*12) / 6 from place 0, (4*3) / 6 from place 3
  { scale: 3, taps: [1, 4, 1], canvas: [6, 0, 12, 0, 3, 0], lr: [3, 2] },
  // (1*8 + 5*8) / 8 from place 0, (1*16) / 8 from place 4
  { scale: 4, taps: [1, 1, 1, 5], canvas: [8, 0, 0, 8, 0, 0, 16, 0], lr: [6, 2] },
];

for (const { scale, taps, canvas, lr } of byHand) {
  test(`blur along rows and subsampling, worked out by hand at scale ${scale}`, () => {
    const degradation = makeDegradation(rowKernel(scale, taps), lr.length, 1);
    assert.equal(degradation.canvasWidth, canvas.length);
    assert.equal(degradation.canvasHeight, taps.length);
    assertClose(degradation.apply(Float32Array.from(taps.flatMap(() => canvas))), lr, 1e-6);
  });
}

/** A scale, half a kernel side, whether the kernel is thin, and an LR size. */
const cases = fc.record({
  scale: fc.constantFrom(...SCALES),
  half: fc.integer({ min: 0, max: 4 }),
  thin: fc.boolean(),
  width: fc.integer({ min: 1, max: 6 }),
  height: fc.integer({ min: 1, max: 6 }),
  seed: fc.integer({ min: 0, max: 1e6 }),
});

/** Random taps, some zero, some negative, on a side of the scale's parity; a thin kernel has a diagonal only. */
function randomKernel({
  scale,
  half,
  thin,
  seed,
}: {
  scale: Scale;
  half: number;
  thin: boolean;
  seed: number;
}): Kernel {
  const side = 2 * half + 1 + ((scale + 1) % 2);
  const random = makeRandom(seed);
  const tap = (_: unknown, i: number) => {
    if (i % 3 === 2 || (thin && i % (side + 1) !== 0)) return 0;
    return i % 7 === 6 ? -0.2 : 0.1 + random.uniform();
  };
  return makeKernel(side, scale, Array.from({ length: side * side }, tap));
}

test('A x is the literal formula y[i] = sum_u k[u] x[s i + (s-1)/2 + u - (n-1)/2] for any kernel', () => {
  fc.assert(
    fc.property(cases, (shape) => {
      const { scale, width, height, seed } = shape;
      const kernel = randomKernel(shape);
      const n = kernel.size;
      const { canvasWidth, canvasHeight, apply } = makeDegradation(kernel, width, height);
      const canvas = makeRandom(seed + 1).normals(canvasWidth * canvasHeight);
      const margin = canvasMargin(n, scale);
      /** The picture at pixel [row, column] of the layer itself. */
      const x = (row: number, column: number) => canvas[(row + margin) * canvasWidth + column + margin];
      const place = (i: number, u: number) => scale * i + (scale - 1) / 2 + u - (n - 1) / 2;
      const y = new Float64Array(width * height);
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          for (let u = 0; u < n; u++) {
            for (let v = 0; v < n; v++) y[i * width + j] += kernel.data[u * n + v] * x(place(i, u), place(j, v));
          }
        }
      }
      assertClose(apply(canvas), y, 2e-5);
    }),
    { numRuns: 60 },
  );
});

test('A x is correlation with the window from n//2 before to n-1-n//2 after, then every s-th pixel from s//2', () => {
  // The formula super-resolution data are made with: extend by n//2 and n-1-n//2, correlate, take [s//2::s].
  fc.assert(
    fc.property(cases, (shape) => {
      const { scale, width, height, seed } = shape;
      const kernel = randomKernel(shape);
      const n = kernel.size;
      const before = Math.floor(n / 2);
      const first = Math.floor(scale / 2);
      const scene = (row: number, column: number) => Math.sin(3 * row + 5 * column * column + seed);
      const blurred = (row: number, column: number) => {
        let sum = 0;
        for (let u = 0; u < n; u++) {
          for (let v = 0; v < n; v++) sum += kernel.data[u * n + v] * scene(row + u - before, column + v - before);
        }
        return sum;
      };
      const expected = Array.from({ length: width * height }, (_, i) =>
        blurred(first + scale * Math.floor(i / width), first + scale * (i % width)),
      );
      const { canvasWidth, canvasHeight, apply } = makeDegradation(kernel, width, height);
      const margin = canvasMargin(n, scale);
      const canvas = Float32Array.from({ length: canvasWidth * canvasHeight }, (_, i) =>
        scene(Math.floor(i / canvasWidth) - margin, (i % canvasWidth) - margin),
      );
      assertClose(apply(canvas), expected, 1e-5);
    }),
    { numRuns: 60 },
  );
});

test('the adjoint is the adjoint: <A x, r> = <x, A^T r>', () => {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  fc.assert(
    fc.property(cases, (shape) => {
      const { width, height, seed } = shape;
      const degradation = makeDegradation(randomKernel(shape), width, height);
      const x = makeRandom(seed + 1).normals(degradation.canvasWidth * degradation.canvasHeight);
      const r = makeRandom(seed + 2).normals(width * height);
      const back = degradation.adjoint(r);
      assert.equal(back.length, x.length);
      const [left, right] = [dot(degradation.apply(x), r), dot(x, back)];
      assert.ok(Math.abs(left - right) < 1e-4 * (1 + Math.abs(left)), `${left} and ${right}`);
    }),
    { numRuns: 100 },
  );
});

test('A and its adjoint are those of plain loops for layers and kernels of usual size, thin ones too', () => {
  const usual = fc.record({
    scale: fc.constantFrom(...SCALES),
    half: fc.integer({ min: 3, max: 14 }),
    thin: fc.boolean(),
    width: fc.integer({ min: 20, max: 50 }),
    height: fc.integer({ min: 20, max: 50 }),
    seed: fc.integer({ min: 0, max: 1e6 }),
  });
  fc.assert(
    fc.property(usual, (shape) => {
      const { scale, width, height, seed } = shape;
      const kernel = randomKernel(shape);
      const { canvasWidth, canvasHeight, apply, adjoint } = makeDegradation(kernel, width, height);
      const canvas = makeRandom(seed + 1).normals(canvasWidth * canvasHeight);
      const lr = makeRandom(seed + 2).normals(width * height);
      const [y, x] = [new Float64Array(lr.length), new Float64Array(canvas.length)];
      for (const [tap, k] of kernel.data.entries()) {
        if (k === 0) continue;
        const [u, v] = [Math.floor(tap / kernel.size), tap % kernel.size];
        for (let i = 0; i < lr.length; i++) {
          const at = (scale * Math.floor(i / width) + u) * canvasWidth + scale * (i % width) + v;
          y[i] += k * canvas[at];
          x[at] += k * lr[i];
        }
      }
      assertClose(apply(canvas), y, 2e-6);
      assertClose(adjoint(lr), x, 2e-6);
    }),
    { numRuns: 30 },
  );
});

test('what was worked out stays as it was, and the same again is the same to the bit, whatever came in between', () => {
  const [one, other] = [2, 3].map((scale) =>
    makeDegradation(randomKernel({ scale: scale as Scale, half: 3, thin: false, seed: 5 }), 9, 7),
  );
  const canvas = makeRandom(1).normals(one.canvasWidth * one.canvasHeight);
  const lr = makeRandom(2).normals(63);
  const [y, x] = [one.apply(canvas), one.adjoint(lr)];
  const [yBefore, xBefore] = [y.slice(), x.slice()];
  one.adjoint(lr.map((v) => -3 * v));
  one.apply(canvas.map((v) => v + 1));
  other.adjoint(lr);
  assert.deepEqual([y, x], [yBefore, xBefore]);
  assert.deepEqual([one.apply(canvas), one.adjoint(lr)], [y, x]);
});

test('taps too small for floats are left out', () => {
  const { canvasWidth, canvasHeight, apply } = makeDegradation(rowKernel(1, [1e-13, 1, 2, 1, 1e-13]), 20, 1);
  const firstColumn = Float32Array.from({ length: canvasWidth * canvasHeight }, (_, i) =>
    i % canvasWidth === 0 ? 1 : 0,
  );
  assertClose(apply(firstColumn), new Float32Array(20), 0);
});

test('a sum of 1 keeps a flat picture, whatever the kernel', () => {
  for (const scale of SCALES) {
    const { canvasWidth, canvasHeight, apply } = makeDegradation(
      randomKernel({ scale, half: 3, thin: false, seed: 9 }),
      4,
      3,
    );
    assertClose(apply(new Float32Array(canvasWidth * canvasHeight).fill(0.7)), new Array(12).fill(0.7), 1e-5);
  }
});

test('the arrays handed in are left as they were', () => {
  const { canvasWidth, canvasHeight, apply, adjoint } = makeDegradation(bicubicKernel(2), 5, 4);
  const canvas = makeRandom(1).normals(canvasWidth * canvasHeight);
  const lr = makeRandom(2).normals(20);
  const [canvasBefore, lrBefore] = [canvas.slice(), lr.slice()];
  apply(canvas);
  adjoint(lr);
  assert.deepEqual([canvas, lr], [canvasBefore, lrBefore]);
});

test('a kernel narrower than the scale sees part of each block only: its canvas is smaller than the layer', () => {
  assert.equal(canvasMargin(1, 3), -1);
  const { canvasWidth, apply } = makeDegradation(makeKernel(1, 3, [1]), 2, 1);
  assert.equal(canvasWidth, 4);
  // The middle of each block of three: places 1 and 4 of the layer.
  assertClose(apply(Float32Array.of(10, 20, 30, 40)), [10, 40], 0);
});

for (const scale of SCALES) {
  test(`the bicubic canvas lies on the LR grid: a ramp stays the same ramp, scale ${scale}`, () => {
    const [width, height] = [9, 8];
    const kernel = bicubicKernel(scale);
    const margin = canvasMargin(kernel.size, scale);
    const ramp = (row: number, column: number) => 0.02 * row - 0.03 * column + 0.1;
    const lr = makePlanes(
      width,
      height,
      1,
      Float32Array.from({ length: width * height }, (_, i) => ramp(Math.floor(i / width), i % width)),
    );
    const canvas = bicubicCanvas(lr, kernel);
    assert.equal(canvas.width, scale * width + 2 * margin);
    assert.equal(canvas.height, scale * height + 2 * margin);
    const inLrPixels = (o: number) => (o - margin - (scale - 1) / 2) / scale;
    for (let row = 0; row < canvas.height; row++) {
      for (let column = 0; column < canvas.width; column++) {
        const [i, j] = [inLrPixels(row), inLrPixels(column)];
        // Nearer to the border the interpolation sees replicated pixels.
        if (i < 1 || j < 1 || i > height - 2 || j > width - 2) continue;
        assertClose([canvas.data[row * canvas.width + column]], [ramp(i, j)], 1e-6);
      }
    }
    // The bicubic kernel is symmetric about its centre, so degrading the ramp gives the LR ramp, not a shifted one.
    const again = makeDegradation(kernel, width, height).apply(canvas.data);
    for (let i = 3; i < height - 3; i++) {
      for (let j = 3; j < width - 3; j++) assertClose([again[i * width + j]], [ramp(i, j)], 1e-6);
    }
  });
}

test('extending replicates the border in every plane, worked out by hand', () => {
  const planes = makePlanes(2, 1, 2, Float32Array.of(1, 2, 5, 6));
  const wide = extend(planes, 1);
  assert.deepEqual([wide.width, wide.height, wide.channels], [4, 3, 2]);
  const [first, second] = [
    [1, 1, 2, 2],
    [5, 5, 6, 6],
  ];
  assertClose(wide.data, [...first, ...first, ...first, ...second, ...second, ...second], 0);
});

test('cutting the margin undoes extending, for any size and margin', () => {
  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 6 }),
    height: fc.integer({ min: 1, max: 6 }),
    channels: fc.constantFrom(1, 3),
    margin: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(sizes, ({ width, height, channels, margin }) => {
      const planes = makePlanes(
        width,
        height,
        channels,
        makeRandom(width + 7 * height).normals(width * height * channels),
      );
      assert.deepEqual(cutMargin(extend(planes, margin), margin), planes);
    }),
  );
});
