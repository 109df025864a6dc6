import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_SHAPES, startKernel } from '../../../helper/kernelfusion/kernel-starts.ts';
import { centreOfMass, type Kernel } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';

const SIZE = 14;
const start = (name: string) => startKernel(name, SIZE, 2);

/** Mean of f over the kernel, at coordinates from its centre. */
const mean = ({ size, data }: Kernel, f: (y: number, x: number) => number) =>
  data.reduce((sum, v, i) => sum + v * f(Math.floor(i / size) - (size - 1) / 2, (i % size) - (size - 1) / 2), 0);

/** Variances along the main axes. */
function axes(kernel: Kernel) {
  const [yy, xx, xy] = [mean(kernel, (y) => y * y), mean(kernel, (_, x) => x * x), mean(kernel, (y, x) => x * y)];
  const [middle, half] = [(xx + yy) / 2, Math.hypot((xx - yy) / 2, xy)];
  return { long: middle + half, short: middle - half };
}

test('every shape is a kernel of the side and scale asked for: no tap below 0, the sum 1, in the middle', () => {
  assert.equal(new Set(ALL_SHAPES).size, ALL_SHAPES.length);
  for (const name of ALL_SHAPES) {
    for (const [size, scale] of [
      [4, 2],
      [14, 2],
      [24, 2],
      [9, 1],
    ] as const) {
      const kernel = startKernel(name, size, scale);
      assert.deepEqual([kernel.size, kernel.scale, kernel.data.length], [size, scale, size * size]);
      assert.ok(
        kernel.data.every((v) => v >= 0),
        name,
      );
      assertClose([kernel.data.reduce((a, b) => a + b)], [1], 1e-12);
      assertClose(centreOfMass(kernel), [0, 0], 1e-9);
    }
  }
});

test('spot and ring are round and as wide as they are meant to be, and the ring alone is hollow', () => {
  const [spot, ring] = ['spot', 'ring'].map(start);
  for (const kernel of [spot, ring]) {
    const { long, short } = axes(kernel);
    assert.ok(long / short < 1.01, `${long} along, ${short} across`);
  }
  const radius = (kernel: Kernel) => Math.sqrt(mean(kernel, (y, x) => y * y + x * x));
  // A Gaussian's is sqrt(2) sigma, a Gaussian ring's sqrt(R^2 + 3 sigma^2).
  assertClose([radius(spot)], [Math.SQRT2 * 1.5], 0.05);
  assertClose([radius(ring)], [Math.sqrt(9 + 3 * 0.3)], 0.05);
  const hollow = ({ data, size }: Kernel) => data[(size / 2) * size + size / 2] / Math.max(...data);
  assert.ok(hollow(ring) < 0.01, `${hollow(ring)}`);
  assert.ok(hollow(spot) > 0.99);
});
