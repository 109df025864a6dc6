import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mirrorTile } from '../../../helper/image/mirror-tile.ts';
import { makePlanes } from '../../../helper/image/planes.ts';

const layer = {
  colour: makePlanes(3, 2, 1, Float32Array.of(1, 2, 3, 4, 5, 6)),
  alpha: makePlanes(3, 2, 1, Float32Array.of(0, 0, 1, 0, 0, 1)),
};

test('a larger layer has the picture in its middle, mirrored on and on around it', () => {
  const { colour, alpha } = mirrorTile(layer, 5);
  // Rows 1 0 | 0 1 | 1 (two before, for (2 - 5) / 2 is rounded down), columns 0 | 0 1 2 | 2.
  const [first, second] = [
    [1, 1, 2, 3, 3],
    [4, 4, 5, 6, 6],
  ];
  assert.deepEqual(Array.from(colour.data), [second, first, first, second, second].flat());
  assert.deepEqual(
    Array.from(alpha!.data),
    Array.from(colour.data, (v) => Number(v % 3 === 0)),
  );
});

test('a smaller layer is the middle of the picture', () => {
  const { colour } = mirrorTile({ ...layer, alpha: null }, 1);
  assert.deepEqual([colour.width, colour.height, ...colour.data], [1, 1, 2]);
});
