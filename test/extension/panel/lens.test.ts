/** Where the lens lies, on numbers worked out by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lensArea, moved, moveOf } from '../../../extension/panel/components/result/lens.ts';

const PICTURE = { width: 480, height: 240 };

test('the lens shows 48 pixels each way, in the middle of where it is put', () => {
  assert.deepEqual(lensArea({ x: 0.5, y: 0.5 }, PICTURE), { left: 0.45, top: 0.4, width: 0.1, height: 0.2 });
});

test('it never leaves the picture', () => {
  assert.deepEqual(lensArea({ x: -3, y: 0.05 }, PICTURE), { left: 0, top: 0, width: 0.1, height: 0.2 });
  assert.deepEqual(lensArea({ x: 0.99, y: 7 }, PICTURE), { left: 0.9, top: 0.8, width: 0.1, height: 0.2 });
});

test('a picture that is smaller is seen whole along its shorter side', () => {
  const area = lensArea({ x: 0.2, y: 0.9 }, { width: 64, height: 32 });
  assert.deepEqual(area, { left: 0, top: 0, width: 0.5, height: 1 });
  assert.deepEqual(lensArea({ x: 0.5, y: 0.5 }, { width: 16, height: 16 }), { left: 0, top: 0, width: 1, height: 1 });
});

test('a key moves it by a fiftieth of the picture, five times as far with the shift key, and never into nowhere', () => {
  const area = lensArea({ x: 0.5, y: 0.5 }, PICTURE);
  const after = (key: string, shiftKey = false) => moved(area, moveOf({ key, shiftKey }) ?? [9, 9]);
  const isNear = (spot: { x: number; y: number }, x: number, y: number) =>
    assert.ok(Math.hypot(spot.x - x, spot.y - y) < 1e-12, JSON.stringify(spot));
  isNear(after('ArrowLeft'), 0.48, 0.5);
  isNear(after('ArrowDown', true), 0.5, 0.6);
  // The middle of a lens at the right edge; and from there the next press to the left counts.
  isNear(after('End'), 0.95, 0.5);
  isNear(moved(lensArea(after('End'), PICTURE), [-0.02, 0]), 0.93, 0.5);
  isNear(after('PageUp'), 0.5, 0.1);
});

test('other keys are left to the page', () => {
  for (const key of ['Tab', 'a', 'toString']) assert.equal(moveOf({ key, shiftKey: false }), null);
});
