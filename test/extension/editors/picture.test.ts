import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crop, opaqueBox, shrink } from '../../../extension/editors/picture.ts';
import { plain } from '../../doubles/photopea/scene.ts';

/** 6 × 4, opaque but for the margins: columns 1..3 and rows 2..2 have something. */
function patch() {
  const picture = plain(6, 4, [9, 9, 9, 0]);
  picture.rgba.set([10, 20, 30, 1, 40, 50, 60, 255, 70, 80, 90, 128], 4 * (2 * 6 + 1));
  return picture;
}

test('the opaque box holds whatever has any alpha at all; nothing has none', () => {
  assert.deepEqual(opaqueBox(patch()), [1, 2, 4, 3]);
  assert.deepEqual(opaqueBox(plain(5, 3, [0, 0, 0, 255])), [0, 0, 5, 3]);
  assert.equal(opaqueBox(plain(5, 3, [255, 255, 255, 0])), null);
});

test('a crop is the part within the box', () => {
  assert.deepEqual(crop(patch(), [1, 2, 3, 3]), {
    ...{ width: 2, height: 1 },
    rgba: new Uint8ClampedArray([10, 20, 30, 1, 40, 50, 60, 255]),
  });
});

test('shrinking averages, colours by their alpha, and never enlarges', () => {
  const [red, green] = [
    [200, 0, 0, 255],
    [0, 100, 0, 51],
  ];
  const picture = {
    width: 4,
    height: 2,
    rgba: new Uint8ClampedArray([red, red, green, green, green, green, red, red].flat()),
  };
  // Each half has 2 of both: red 200 * 510 / 612 = 166.7, green 100 * 102 / 612 = 16.7, alpha 612 / 4 = 153.
  assert.deepEqual([...shrink(picture, 2).rgba], [167, 17, 0, 153, 167, 17, 0, 153]);
  assert.equal(shrink(picture, 4), picture);
  assert.deepEqual(shrink(plain(1000, 10, [1, 2, 3, 4]), 64), plain(64, 1, [1, 2, 3, 4]));
});
