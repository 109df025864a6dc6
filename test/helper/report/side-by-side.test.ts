import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { makePlanes } from '../../../helper/image/planes.ts';
import type { Plane } from '../../../helper/kernelfusion/metrics.ts';
import { heat } from '../../../helper/report/heat-map.ts';
import { mostDifferent, type SideBySideRequest, sideBySide } from '../../../helper/report/side-by-side.ts';
import { bicubicKernel, makeKernel } from '../../../shared/kernel.ts';
import { noise } from '../cli-process.ts';

/** A plane of zeros but for the places given as [row, column, value]. */
function plane(height: number, width: number, ...places: readonly [number, number, number][]): Plane {
  const data = new Float64Array(width * height);
  for (const [y, x, value] of places) data[y * width + x] = value;
  return { width, height, data };
}

test('the window is where the sum of squared differences is largest, whatever their sign', () => {
  const a = plane(300, 400, [40, 50, 30], [200, 300, -20]);
  const b = plane(300, 400, [210, 310, 25]);
  // 20^2 + 25^2 is more than 30^2; both places come into the window when its lower right corner reaches the further one.
  assert.deepEqual(mostDifferent(a, b, 8), { top: 210 - 95, left: 310 - 95, side: 96 });
  assert.deepEqual(mostDifferent(b, a, 8), mostDifferent(a, b, 8));
});

test('the window keeps away from the border, and what differs there does not count', () => {
  const a = plane(200, 220, [3, 3, 200], [199, 219, 200], [191, 211, 1]);
  assert.deepEqual(mostDifferent(a, plane(200, 220), 8), { top: 192 - 96, left: 212 - 96, side: 96 });
});

test('where nothing differs the window is the uppermost and leftmost, and a small picture has a small one', () => {
  assert.deepEqual(mostDifferent(plane(40, 48), plane(40, 48), 8), { top: 8, left: 8, side: 24 });
});

/** Grey values by place, 0 to 255. */
const layer = (height: number, width: number, level: (y: number, x: number) => number) => ({
  colour: makePlanes(
    width,
    height,
    1,
    Float32Array.from({ length: width * height }, (_, i) => level(Math.floor(i / width), i % width) / 255),
  ),
  alpha: null,
});

const point = (size: number, row: number, column: number) =>
  makeKernel(
    size,
    2,
    Array.from({ length: size * size }, (_, i) => (i === row * size + column ? 1 : 0)),
  );

/** Panels of 192 pixels a side, with 4 between them. */
async function draw(changes: Partial<SideBySideRequest> = {}) {
  const { png, window } = await sideBySide({
    bicubic: layer(64, 64, () => 10),
    result: layer(64, 64, (y, x) => (y + x) % 200),
    truth: layer(64, 64, (y, x) => 200 - y - x),
    trueKernel: point(8, 4, 4),
    foundKernel: point(8, 1, 6),
    border: 8,
    ...changes,
  });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (panel: number, y: number, x: number) => [
    ...data.subarray(3 * (y * info.width + 196 * panel + x), 3 * (y * info.width + 196 * panel + x) + 3),
  ];
  return { at, window, info };
}

test('the panels are bicubic, result and truth, every pixel a square, then the kernels', async () => {
  const { at, window, info } = await draw();
  assert.deepEqual(window, { top: 8, left: 8, side: 48 });
  assert.deepEqual([info.width, info.height, info.channels], [5 * 192 + 4 * 4, 192, 3]);
  for (const [y, x] of [
    [0, 0],
    [3, 3],
    [4, 3],
    [100, 191],
    [191, 191],
  ]) {
    const [row, column] = [8 + Math.floor(y / 4), 8 + Math.floor(x / 4)];
    assert.deepEqual(at(0, y, x), Array(3).fill(10));
    assert.deepEqual(at(1, y, x), Array(3).fill(row + column));
    assert.deepEqual(at(2, y, x), Array(3).fill(200 - row - column));
  }
  assert.deepEqual(at(0, 50, 192), [255, 255, 255]);
});

test('kernels have their centre of mass in the middle of their panel, and values of equal size', async () => {
  const { at } = await draw();
  // The found point is 3 beside the middle, so that 4 + 2.5 values have to fit into half a panel: 14 pixels each.
  for (const panel of [3, 4]) {
    for (const [place, value] of [
      [96 - 8, 0],
      [96 - 7, 1],
      [96 + 6, 1],
      [96 + 7, 0],
    ]) {
      assert.deepEqual(at(panel, place, 96), heat(value), `panel ${panel}, row ${place}`);
      assert.deepEqual(at(panel, 96, place), heat(value), `panel ${panel}, column ${place}`);
    }
  }
});

test('a centre between values is met without interpolation, and kernels of other sides are as much enlarged', async () => {
  // Rows and columns 0 and 1 weigh 18 : 7, so the centre of mass is 0.28 of a value right of and below that of the first.
  const { at } = await draw({
    trueKernel: makeKernel(2, 2, [324, 126, 126, 49]),
    foundKernel: bicubicKernel(2),
  });
  // 8 values of the bicubic kernel fill 192 pixels: 24 each. The first starts 0.78 of that before the middle, at 77.28, and pixels
  // count by their centres.
  assert.deepEqual(at(3, 76, 96), heat(0));
  assert.deepEqual(at(3, 77, 96), heat(1));
  assert.deepEqual(at(3, 100, 96), heat(1));
  assert.deepEqual(at(3, 101, 96), heat(126 / 324));
  assert.deepEqual(at(3, 124, 124), heat(49 / 324));
  assert.deepEqual(at(3, 125, 96), heat(0));
  const [r, , b] = at(4, 96, 191 - 30);
  assert.ok(b > r, 'a negative lobe is blue');
});

test('no colour is lost, however many there are', async () => {
  const bytes = noise(3 * 64 * 64);
  const colour = makePlanes(
    64,
    64,
    3,
    Float32Array.from(bytes, (v) => v / 255),
  );
  const { at } = await draw({ truth: { colour, alpha: null } });
  for (let row = 8; row < 56; row++) {
    for (let column = 8; column < 56; column++) {
      const expected = [0, 1, 2].map((c) => bytes[c * 64 * 64 + row * 64 + column]);
      assert.deepEqual(at(2, 4 * (row - 8), 4 * (column - 8)), expected);
    }
  }
});

test('transparent layers are shown over mid grey', async () => {
  const { colour } = layer(64, 64, () => 255);
  const truth = { colour, alpha: layer(64, 64, (_, x) => (x < 32 ? 0 : 255)).colour };
  const { at } = await draw({ truth });
  assert.deepEqual(at(2, 10, 10), [128, 128, 128]);
  assert.deepEqual(at(2, 10, 180), [255, 255, 255]);
});
