import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bicubicKernel,
  centreOfMass,
  flip,
  type Kernel,
  makeKernel,
  meanKernel,
  resizeSide,
  type Scale,
  shift,
  toScale,
} from '../../shared/kernel.ts';
import { assertClose, correlation } from '../support/close.ts';

const SCALES: readonly Scale[] = [1, 2, 3, 4];
const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

/** Random positive taps at a scale, side fitting it. */
const kernels = (scale: Scale) =>
  fc.integer({ min: 1, max: 4 }).chain((half) => {
    const size = 2 * half + 2 - (scale % 2);
    const taps = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), {
      minLength: size * size,
      maxLength: size * size,
    });
    return taps.map((values) => makeKernel(size, scale, values));
  });

/** A Gaussian of `sigma` pixels, its centre at [dy, dx] from the kernel's. */
function gaussian(size: number, scale: Scale, sigma: number, dy = 0, dx = 0): Kernel {
  const at = (i: number, d: number) => Math.exp(-((i - (size - 1) / 2 - d) ** 2) / (2 * sigma * sigma));
  return makeKernel(
    size,
    scale,
    Array.from({ length: size * size }, (_, i) => at(Math.floor(i / size), dy) * at(i % size, dx)),
  );
}

test('a kernel is divided by its sum, and the values handed in are left alone', () => {
  const values = Float64Array.of(1, 2, 3, 2);
  assertClose(makeKernel(2, 2, values).data, [1 / 8, 2 / 8, 3 / 8, 2 / 8], 1e-15);
  assert.deepEqual(values, Float64Array.of(1, 2, 3, 2));
});

test('negative taps are allowed as long as the sum is positive', () => {
  assertClose(makeKernel(2, 2, [-1, 2, 2, -1]).data, [-0.5, 1, 1, -0.5], 1e-15);
});

test('what is no kernel is refused: not square, no numbers, no sum', () => {
  const bad: [number, number[]][] = [
    [2, [1, 1, 1]],
    [0, []],
    [1.5, [1, 1]],
    [-1, [1]],
    [1, [0]],
    [1, [-3]],
    [2, [1, -1, 1, -1]],
    [1, [Number.NaN]],
    [2, [1, 1, 1, Number.POSITIVE_INFINITY]],
  ];
  for (const [size, values] of bad) assert.throws(() => makeKernel(size, 2, values), { code: 'BAD_KERNEL' });
});

test('the centre of mass, rows first, worked out by hand', () => {
  // Half the mass at row 0 column 2, a quarter each at rows 1 and 2 of column 0, on a 3 x 3 square with centre (1, 1).
  const kernel = makeKernel(3, 1, [0, 0, 2, 1, 0, 0, 1, 0, 0]);
  assertClose(centreOfMass(kernel), [0.75 - 1, 1 - 1], 1e-15);
  assertClose(centreOfMass(makeKernel(2, 2, [1, 0, 0, 0])), [-0.5, -0.5], 1e-15);
});

test('flipping rotates by 180 degrees, and twice is nothing', () => {
  const kernel = makeKernel(2, 2, [1, 2, 3, 4]);
  assertClose(flip(kernel).data, [0.4, 0.3, 0.2, 0.1], 1e-15);
  assert.deepEqual(flip(flip(kernel)), kernel);
  assertClose(kernel.data, [0.1, 0.2, 0.3, 0.4], 1e-15);
});

test('the mean of two kernels in their shares, on the longer side', () => {
  const mean = meanKernel(makeKernel(1, 1, [1]), makeKernel(3, 1, [0, 1, 0, 1, 0, 1, 0, 1, 0]), 0.2);
  assertClose(mean.data, [0, 0.05, 0, 0.05, 0.8, 0.05, 0, 0.05, 0], 1e-15);
  assert.equal(mean.size, 3);
});

test('a longer side adds zeros around the same centre, and cutting them off gives the kernel back', () => {
  const kernel = makeKernel(2, 2, [1, 2, 3, 4]);
  const wide = resizeSide(kernel, 4);
  assertClose(wide.data, [0, 0, 0, 0, 0, 0.1, 0.2, 0, 0, 0.3, 0.4, 0, 0, 0, 0, 0], 1e-15);
  assertClose(resizeSide(wide, 2).data, kernel.data, 1e-15);
});

test('cutting the border off makes the sum 1 again', () => {
  const kernel = makeKernel(3, 1, [1, 1, 1, 1, 8, 1, 1, 1, 1]);
  assertClose(resizeSide(kernel, 1).data, [1], 1e-15);
  assert.throws(() => resizeSide(makeKernel(3, 1, [1, 0, 0, 0, 0, 0, 0, 0, 0]), 1), { code: 'BAD_KERNEL' });
});

test('to a side of the other parity the content moves half a pixel to the top left', () => {
  for (const [from, to] of [
    [3, 4],
    [4, 3],
    [4, 5],
    [5, 8],
  ]) {
    const kernel = gaussian(from, 2, 0.3);
    const [dy, dx] = centreOfMass(resizeSide(kernel, to));
    const [before] = centreOfMass(kernel);
    // Cutting a row off moves the centre of mass of what is left, too, so only its order is told there.
    if (to > from) assertClose([dy, dx], [before - 0.5, before - 0.5], 1e-12);
    else assert.ok(dy < 0 && dx < 0, `${from} to ${to}: ${dy}, ${dx}`);
  }
});

test('shifting moves down and right, loses what leaves and makes the sum 1 again', () => {
  const kernel = makeKernel(3, 1, [1, 2, 0, 3, 4, 0, 0, 0, 0]);
  assertClose(shift(kernel, 1, 1).data, [0, 0, 0, 0, 0.1, 0.2, 0, 0.3, 0.4], 1e-15);
  assertClose(shift(kernel, 0, -1).data, [2 / 6, 0, 0, 4 / 6, 0, 0, 0, 0, 0], 1e-15);
  assertClose(shift(kernel, 0, 0).data, kernel.data, 1e-15);
  assert.throws(() => shift(kernel, 3, 0), { code: 'BAD_KERNEL' });
});

test('to another scale: the side grows or shrinks with it, sum 1, no tap below 0, mirrored alike', () => {
  for (const from of SCALES) {
    fc.assert(
      fc.property(kernels(from), fc.constantFrom(...SCALES), (kernel, scale) => {
        fc.pre(Number.isInteger((kernel.size * scale) / from));
        const other = toScale(kernel, scale);
        assert.deepEqual([other.size, other.scale], [(kernel.size * scale) / from, scale]);
        assertClose([sum(other.data)], [1], 1e-12);
        assert.ok(other.data.every((v) => v >= 0));
        assertClose(toScale(flip(kernel), scale).data, flip(other).data, 1e-12);
      }),
      { numRuns: 40 },
    );
  }
});

test('to another scale the centre of mass keeps its place, in LR pixels', () => {
  for (const [from, to, size] of [
    [2, 4, 14],
    [2, 3, 14],
    [2, 1, 14],
    [4, 2, 28],
    [4, 1, 28],
    [3, 2, 12],
    [1, 4, 15],
  ] as const) {
    const kernel = gaussian(size, from, from / 2, 0.6 * from, -0.3 * from);
    const [dy, dx] = centreOfMass(kernel);
    const [y, x] = centreOfMass(toScale(kernel, to));
    assertClose([y / to, x / to], [dy / from, dx / from], 0.01);
  }
});

test('halving the scale averages areas, worked out by hand', () => {
  // biome-ignore format: a matrix
  const kernel = makeKernel(4, 2, [
    1, 2, 0, 0,
    3, 4, 0, 5,
    0, 0, 6, 0,
    0, 9, 0, 0,
  ]);
  assertClose(toScale(kernel, 1).data, [10 / 30, 5 / 30, 9 / 30, 6 / 30], 1e-12);
});

test('areas are shared out where places overlap in part: three taps to two, worked out by hand', () => {
  // Each of two places covers one and a half of three taps in a row; only the middle row is filled, half of it for each.
  const kernel = makeKernel(3, 3, [0, 0, 0, 4, 2, 6, 0, 0, 0]);
  const row = [(4 + 1) / 24, (1 + 6) / 24];
  assertClose(toScale(kernel, 2).data, [...row, ...row], 1e-12);
});

test('doubling and halving again is nearly nothing: within 2 % of the largest tap where the blur is 2 pixels wide', () => {
  const smooth = gaussian(14, 2, 2);
  const round = toScale(toScale(smooth, 4), 2);
  assertClose(round.data, smooth.data, 0.02 * Math.max(...smooth.data));
  assert.ok(correlation(round.data, smooth.data) > 0.9999);
});

test('doubling and halving leaves 0.867 of a tap in place and gives the rest to its neighbours, worked out by hand', () => {
  // The means of the Keys weights at distances d - 1/4 and d + 1/4: 0.8671875, 0.078125 and -0.01171875 for d = 0, 1, 2.
  // One row stands out of an even kernel, so that nothing is cut off at 0 and only the sum is made 1.
  const kernel = makeKernel(
    12,
    2,
    Array.from({ length: 144 }, (_, i) => (Math.floor(i / 12) === 6 ? 1.01 : 1)),
  );
  const round = toScale(toScale(kernel, 4), 2).data;
  const above = (row: number) => round[row * 12 + 5] - round[3 * 12 + 5];
  const shares = [above(4), above(5), above(7), above(8)].map((v) => v / above(6));
  const [near, far] = [0.078125 / 0.8671875, -0.01171875 / 0.8671875];
  assertClose(shares, [far, near, near, far], 1e-9);
});

test('a scale whose side would not be whole is a mistake of the program', () => {
  assert.throws(() => toScale(gaussian(5, 1, 1), 1.5 as Scale), RangeError);
  assert.throws(() => toScale(gaussian(7, 3, 1), 2), RangeError);
});

test('to its own scale a kernel is itself', () => {
  const kernel = gaussian(8, 2, 1);
  assert.equal(toScale(kernel, 2), kernel);
});

test("the bicubic kernel has the scale's parity, covers two LR pixels to each side, and is symmetric", () => {
  assert.deepEqual(
    SCALES.map((scale) => bicubicKernel(scale).size),
    [5, 8, 13, 16],
  );
  for (const scale of SCALES) {
    const kernel = bicubicKernel(scale);
    assert.equal((kernel.size - scale) % 2, 0);
    assertClose([sum(kernel.data)], [1], 1e-12);
    assertClose(flip(kernel).data, kernel.data, 1e-15);
    assertClose(centreOfMass(kernel), [0, 0], 1e-12);
  }
});

test('the bicubic kernel holds the Keys weights: at scale 1 one tap, at scale 2 those of quarter pixels', () => {
  assertClose(
    bicubicKernel(1).data,
    Array.from({ length: 25 }, (_, i) => (i === 12 ? 1 : 0)),
    1e-15,
  );
  // keys(1.75, 1.25, 0.75, 0.25) sum to 1, so both sides to 2.
  const half = [-0.0234375, -0.0703125, 0.2265625, 0.8671875];
  const taps = [...half, ...[...half].reverse()].map((v) => v / 2);
  assertClose(
    bicubicKernel(2).data,
    taps.flatMap((p) => taps.map((q) => p * q)),
    1e-15,
  );
  // At scale 3 the whole multiples of 3 from the centre are 0.
  assertClose(
    [0, 3, 9, 12].map((i) => bicubicKernel(3).data[6 * 13 + i]),
    [0, 0, 0, 0],
    1e-15,
  );
});
