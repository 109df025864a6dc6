import assert from 'node:assert/strict';
import { test } from 'node:test';
import { centreOfMass, makeKernel, type Scale } from '../../../shared/kernel.ts';
import { exportKernel, importKernel } from '../../../shared/kernel-formats/index.ts';
import { jsonFormat, readJson } from '../../../shared/kernel-formats/json.ts';
import { centre, fromCorner, toGrid } from '../../../shared/kernel-formats/placing.ts';
import { largestKernel } from '../../../shared/protocol/limits.ts';
import { asymmetric } from '../../support/asymmetric.ts';
import { assertClose } from '../../support/close.ts';
import { gaussian } from '../../support/scene.ts';

/** The kernel that leaves a picture as it is, at an odd side. */
const delta = (size: number, scale: Scale) =>
  makeKernel(
    size,
    scale,
    Array.from({ length: size * size }, (_, i) => (i === (size * size - 1) / 2 ? 1 : 0)),
  );

test('an odd side is centred in the middle as it is', () => {
  const kernel = asymmetric(9, 3);
  assert.equal(centre(kernel, 'middle'), kernel);
  assert.equal(centre(kernel, 'found'), kernel);
});

test('an even side is centred by half a pixel of cubic interpolation, each axis -1/16, 9/16, 9/16, -1/16', () => {
  const taps = [-1, 9, 9, -1].map((v) => v / 16);
  const one = makeKernel(4, 2, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1e-9]);
  const { size, data } = centre(one, 'middle');
  assert.equal(size, 5);
  // The one at row and column 1 of four lies half a pixel from rows and columns 1 and 2 of five.
  const expected = Array.from({ length: 25 }, (_, i) => {
    const [r, c] = [Math.floor(i / 5), i % 5];
    return r < 4 && c < 4 ? taps[r] * taps[c] : 0;
  });
  assertClose(data, expected, 1e-8);
});

test('centring keeps the centre of mass where it was, from the centre', () => {
  const kernel = asymmetric(12, 2);
  assertClose(centreOfMass(centre(kernel, 'middle')), centreOfMass(kernel), 0.01);
});

test('for programs that keep corner pixels the kernel moves by (s-1)/2, exactly, at every scale', () => {
  for (const scale of [1, 2, 3, 4] as const) {
    const kernel = asymmetric(8 + (scale % 2), scale);
    const placed = centre(kernel, 'corner');
    assert.equal(placed.size % 2, 1);
    const half = (scale - 1) / 2;
    assertClose(
      centreOfMass(placed),
      centreOfMass(kernel).map((v) => v + half),
      1e-12,
    );
    const back = fromCorner(placed);
    assert.equal((back.size - scale) % 2, 0);
    assertClose(centreOfMass(back), centreOfMass(kernel), 1e-12);
  }
});

test('on the grid of the picture a kernel has an odd side, its centre of mass near 1/s of the distance', () => {
  for (const [size, scale, side] of [
    [16, 2, 9],
    [6, 2, 3],
    [10, 4, 3],
    [16, 4, 5],
    [9, 3, 3],
    [11, 3, 5],
  ] as const) {
    const kernel = asymmetric(size, scale);
    const small = toGrid(kernel, 'lr');
    assert.deepEqual([small.size, small.scale], [side, 1]);
    // A value counts where its pixel's centre is, so averaging moves the centre of mass a little.
    const expected = centreOfMass(kernel).map((v) => v / scale);
    assertClose(centreOfMass(small), expected, 0.15);
  }
});

test('on the grid of the picture a value is the sum of a block: 4 x 4 at scale 2 lies in the middle of 6 x 6', () => {
  const small = toGrid(makeKernel(4, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]), 'lr');
  const blocks = [1, 2 + 3, 4, 5 + 9, 6 + 7 + 10 + 11, 8 + 12, 13, 14 + 15, 16];
  assertClose(
    small.data,
    blocks.map((v) => v / 136),
    1e-12,
  );
});

test('on the grid of the picture the kernel that changes nothing stays one', () => {
  assertClose(toGrid(delta(9, 3), 'lr').data, delta(3, 1).data, 1e-12);
});

test('a kernel whose side has not the parity of its scale keeps its centre on either grid and for corner pixels, with a note', () => {
  for (const scale of [1, 2, 3, 4] as const) {
    // Far from the border, so that nothing is cut off.
    const bell = gaussian(18 + (scale % 2 === 0 ? 1 : 0), scale, 2, 2, 0);
    for (const [options, expected] of [
      [{ grid: 'lr' }, 0],
      [{ centring: 'corner' }, (scale - 1) / 2],
    ] as const) {
      const { bytes, notes } = exportKernel(bell, jsonFormat, options);
      const { size, values } = readJson(bytes);
      assert.equal(size % 2, 1);
      // A file in convolution sense: turned.
      const found = centreOfMass(makeKernel(size, 1, values)).map((v) => -v + 0);
      assertClose(found, [expected, expected], 1e-3);
      assert.match(notes.join(), new RegExp(`side \\(${bell.size}\\) and the scale \\(${scale}\\) differ in parity`));
    }
    assert.deepEqual(exportKernel(bell, jsonFormat).notes, []);
  }
});

test('the largest kernel of a scale comes back as it was, one larger is refused', () => {
  for (const scale of [1, 2, 3, 4] as const) {
    const side = largestKernel(scale);
    const kernel = gaussian(side, scale, 4, 2, 0.5);
    for (const options of [{}, { centring: 'corner' }] as const) {
      const { bytes, notes } = exportKernel(kernel, jsonFormat, options);
      const { kernel: back } = importKernel(bytes);
      assert.deepEqual([back.size, notes], [side, []]);
      assertClose(back.data, kernel.data, 1e-12);
    }
    const { bytes, notes } = exportKernel(gaussian(side + 1, scale, 4, 2, 0.5), jsonFormat);
    assert.match(notes.join(), new RegExp(`With ${side + 1} x ${side + 1} .* reads up to ${side} x ${side}`));
    const sentence = new RegExp(`At scale ${scale} .* 1 to ${side}, not ${side + 1}`);
    assert.throws(() => importKernel(bytes), { code: 'BAD_KERNEL', message: sentence });
  }
});

test('whatever its centring, a kernel comes back by JSON where it was', () => {
  const kernel = asymmetric(16, 2);
  for (const centring of ['found', 'corner', 'middle'] as const) {
    const { kernel: back } = importKernel(exportKernel(kernel, jsonFormat, { centring }).bytes);
    assertClose(centreOfMass(back), centreOfMass(kernel), 0.03);
  }
  const { kernel: small } = importKernel(exportKernel(kernel, jsonFormat, { grid: 'lr' }).bytes);
  assert.deepEqual(small.scale, 1);
});
