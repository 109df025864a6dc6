import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  closeUp,
  extentOf,
  mostTaps,
  moveSupport,
  spread,
  supportAround,
} from '../../../helper/kernelfusion/support.ts';
import { makeKernel } from '../../../shared/kernel.ts';

/** A kernel with these [row, column, weight]. */
function dots(size: number, ...of: [number, number, number][]) {
  const values = new Float64Array(size * size);
  for (const [r, c, v] of of) values[r * size + c] = v;
  return makeKernel(size, 2, values);
}

test('small squares are all support, large ones have as many places as a square of 14', () => {
  assert.deepEqual([mostTaps(4), mostTaps(14), mostTaps(28)], [16, 196, 196]);
  assert.deepEqual([...supportAround(dots(4, [0, 0, 1])).places], [...Array(16).keys()]);
  assert.equal(supportAround(dots(28, [20, 3, 1])).places.length, 196);
});

test('a support is what lies nearest to the taps that are clearly there', () => {
  const size = 40;
  const { places } = supportAround(dots(size, [10, 10, 1], [30, 25, 0.5], [5, 35, 0.01]));
  const near = (r: number, c: number) => (i: number) => Math.hypot(Math.floor(i / size) - r, (i % size) - c);
  const [first, second, faint] = [near(10, 10), near(30, 25), near(5, 35)];
  // Two discs of 98 pixels: radius 5.6.
  assert.ok([...places].every((i) => Math.min(first(i), second(i)) < 6));
  for (let i = 0; i < size * size; i++) {
    if (Math.min(first(i), second(i)) < 5) assert.ok(places.includes(i), `${i}`);
  }
  assert.ok([...places].every((i) => faint(i) > 2));
  assert.deepEqual(
    [...places],
    [...places].sort((a, b) => a - b),
  );
});

test('what is moved out of the square is lost, the rest stays in order', () => {
  const moved = moveSupport({ size: 3, places: Int32Array.of(0, 2, 4, 7) }, 1, -1);
  assert.deepEqual(moved, { size: 3, places: Int32Array.of(4, 6) });
});

test('values are spread over their places, and closed up they stand alike', () => {
  const support = { size: 5, places: Int32Array.of(7, 8, 12, 18) };
  assert.deepEqual(
    [...spread(support, [1, 2, 3, 4])].flatMap((v, i) => (v ? [i, v] : [])),
    [7, 1, 8, 2, 12, 3, 18, 4],
  );
  assert.equal(extentOf(support), 3);
  assert.deepEqual(closeUp(support, 3), { size: 3, places: Int32Array.of(0, 1, 3, 7) });
  assert.deepEqual(closeUp(support, 4), { size: 4, places: Int32Array.of(0, 1, 4, 9) });
});
