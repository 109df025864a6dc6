import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlanes } from '../../../helper/image/planes.ts';
import { createPreviewPainter } from '../../../helper/image/preview.ts';

const flat = (width: number, height: number, value: number) =>
  makePlanes(width, height, 1, new Float32Array(width * height).fill(value));
const reds = (rgba: Uint8Array) => [...rgba].filter((_, i) => i % 4 === 0);

test('a piece shows as the means of its blocks, everything else as the layer', () => {
  // A result of 8 x 4 pixels in blocks of 2 x 2.
  const painter = createPreviewPainter({ colour: flat(4, 2, 0.2), alpha: null }, 2, 4);
  const right = makePlanes(4, 4, 1, Float32Array.of(0, 0.4, 1, 1, 0.4, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  const { width, height, rgba } = painter.paint({ colour: right, top: 0, left: 4 });
  assert.deepEqual([width, height], [4, 2]);
  assert.deepEqual(reds(rgba), [51, 51, 51, 255, 51, 51, 0, 0]);
});

test('a piece that begins within a block leaves that block to its neighbour', () => {
  const painter = createPreviewPainter({ colour: flat(4, 2, 0), alpha: null }, 2, 4);
  const { rgba } = painter.paint({ colour: flat(5, 4, 1), top: 0, left: 3 });
  assert.deepEqual(reds(rgba), [0, 0, 255, 255, 0, 0, 255, 255]);
  assert.deepEqual(reds(painter.paint({ colour: flat(1, 1, 0.6), top: 1, left: 3 }).rgba), reds(rgba));
});

test('it remembers pieces, keeps its longer side in bounds, and has the alpha of the layer', () => {
  const alpha = makePlanes(
    100,
    10,
    1,
    Float32Array.from({ length: 1000 }, (_, i) => (i % 100 < 50 ? 1 : 0)),
  );
  const painter = createPreviewPainter({ colour: makePlanes(100, 10, 3), alpha }, 4, 256);
  painter.paint({ colour: makePlanes(200, 40, 3, new Float32Array(3 * 8000).fill(1)), top: 0, left: 0 });
  const { width, height, rgba } = painter.paint({ colour: makePlanes(200, 40, 3), top: 0, left: 200 });
  assert.deepEqual([width, height, rgba.length], [200, 20, 16000]);
  assert.deepEqual(
    [...rgba.subarray(4 * 98, 4 * 102)],
    [255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0],
  );
});
