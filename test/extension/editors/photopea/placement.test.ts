import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agrees, goalOf, resizePercent, shift } from '../../../../extension/editors/photopea/placement.ts';

test('what fits the document is resized by the factor alone, what does not by what it was shrunk as well', () => {
  const small = { width: 64, height: 48, opaque: [0, 0, 64, 48] as [number, number, number, number] };
  const document = { width: 400, height: 300 };
  assert.equal(resizePercent(small, document, [168, 126, 232, 174], 1), 100);
  assert.equal(resizePercent(small, document, [168, 126, 232, 174], 1 / 4), 25);
  // 800 wide in 400: shrunk to a half, so 200 % for pixel by pixel, 50 % to cover a quarter of its own pixels.
  const large = { width: 800, height: 300, opaque: [0, 0, 800, 300] as [number, number, number, number] };
  assert.equal(resizePercent(large, document, [0, 75, 400, 225], 1), 200);
  assert.equal(resizePercent(large, document, [0, 75, 400, 225], 1 / 4), 50);
});

test('a version that does not shrink, or shrinks otherwise, is told by the box it gives', () => {
  const large = { width: 800, height: 300, opaque: [100, 0, 700, 300] as [number, number, number, number] };
  const document = { width: 400, height: 300 };
  // 600 opaque pixels came out 600 wide: not shrunk. Came out 150 wide: to a quarter.
  assert.equal(resizePercent(large, document, [-100, 0, 500, 300], 1), 100);
  assert.equal(resizePercent(large, document, [125, 112, 275, 187], 1), 400);
});

test('the goal is the opaque part at its place, and the way there goes from middle to middle', () => {
  assert.deepEqual(goalOf([1, 2, 4, 3], 12, 8, 1), [13, 10, 16, 11]);
  assert.deepEqual(goalOf([0, 0, 8, 4], 12, 8, 1 / 4), [3, 2, 5, 3]);
  assert.deepEqual(shift([100, 100, 110, 104], [13, 10, 23, 14]), [-87, -90]);
  assert.ok(agrees([0, 0, 10, 10], [2, -2, 11, 10]));
  assert.ok(!agrees([0, 0, 10, 10], [0, 0, 10, 13]));
});
