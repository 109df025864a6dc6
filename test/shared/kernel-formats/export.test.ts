/**
 * Each writer's bytes against hand-worked ones, and what a person is told about what a format cannot hold. That other programs
 * read the files is shown in test/consumers/.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelFusionError } from '../../../shared/errors.ts';
import { type Kernel, makeKernel } from '../../../shared/kernel.ts';
import { exportKernel, FORMATS, formatOfName } from '../../../shared/kernel-formats/index.ts';
import { asymmetric } from '../../support/asymmetric.ts';

/** 1 to 9 over 45, in correlation sense. */
const kernel = makeKernel(3, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
const parts = (...ninths: number[]) => ninths.map((v) => v / 45);

function exported(extension: string, given: Kernel = kernel, options = {}) {
  const format = formatOfName(`kernel${extension}`);
  assert.ok(format);
  const { bytes, notes } = exportKernel(given, format, options);
  return {
    bytes,
    notes,
    text: Buffer.from(bytes).toString('latin1'),
    view: new DataView(bytes.buffer, bytes.byteOffset),
  };
}

const close = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-7, `${found}, not ${expected}`);

test('identifiers and extensions are unique, and a name is taken for its longest extension', () => {
  for (const key of ['id', 'extension'] as const) {
    assert.equal(new Set(FORMATS.map((format) => format[key])).size, FORMATS.length);
  }
  assert.equal(formatOfName('A.KERNEL.FFMPEG.TXT')?.id, 'ffmpeg');
  assert.equal(formatOfName('kernel.tif')?.id, 'tiff');
  assert.equal(formatOfName('kernel.txt'), undefined);
});

test('CSV: a line a row, turned', () => {
  const rows = [parts(9, 8, 7), parts(6, 5, 4), parts(3, 2, 1)];
  assert.equal(exported('.csv').text, rows.map((row) => `${row.join(',')}\n`).join(''));
});

test('ImageMagick: size and middle, then the rows, turned', () => {
  assert.match(exported('.imagemagick.txt').text, /^3x3\+1\+1:\n0\.2,0\.177[0-9]*,0\.15[0-9]*\n/);
});

test('OpenCV: a matrix of doubles, not turned', () => {
  const { text } = exported('.yml');
  assert.match(
    text,
    /^%YAML:1\.0\n---\nkernel: !!opencv-matrix\n {3}rows: 3\n {3}cols: 3\n {3}dt: d\n {3}data: \[ 0\.0222/,
  );
});

test('FITS: six cards in a block, then a block of big-endian floats, turned', () => {
  const { bytes, text, view } = exported('.fits');
  assert.equal(bytes.length, 2 * 2880);
  assert.equal(text.slice(0, 80), `SIMPLE  =                    T${' '.repeat(50)}`);
  assert.equal(text.slice(240, 320), `NAXIS1  =                    3${' '.repeat(50)}`);
  assert.equal(text.slice(400, 2880), 'END'.padEnd(2480));
  close(view.getFloat32(2880), 9 / 45);
  close(view.getFloat32(2880 + 32), 1 / 45);
});

test('TIFF: ten tags in rising order, then little-endian floats, turned', () => {
  const { bytes, view } = exported('.tif');
  assert.equal(view.getUint16(8, true), 10);
  const tags = Array.from({ length: 10 }, (_, i) => view.getUint16(10 + 12 * i, true));
  assert.deepEqual(tags, [256, 257, 258, 259, 262, 273, 277, 278, 279, 339]);
  assert.equal(view.getUint32(10 + 120, true), 0); // No further directory.
  const start = view.getUint32(10 + 12 * 5 + 8, true);
  assert.equal(bytes.length, start + 36);
  close(view.getFloat32(start, true), 9 / 45);
});

test('PFM: the bottom row first, turned', () => {
  const { bytes, text } = exported('.pfm');
  assert.equal(text.slice(0, 12), 'Pf\n3 3\n-1.0\n');
  const values = new DataView(bytes.buffer, 12);
  close(values.getFloat32(0, true), 3 / 45);
  close(values.getFloat32(24, true), 9 / 45);
});

test('MATLAB: two matrices column after column, kernel turned and Kernel not', () => {
  const { bytes, text, view } = exported('.mat');
  assert.equal(text.slice(0, 10), 'MATLAB 5.0');
  assert.equal(text.slice(124, 128), '\0\x01IM');
  // Tag, flags, sides, name (6 bytes, padded to 8), then the tag of 72 bytes of doubles.
  const [first, length] = [128, view.getUint32(132, true)];
  assert.deepEqual([view.getUint32(first, true), length], [14, 16 + 16 + 16 + 8 + 72]);
  assert.equal(text.slice(first + 8 + 16 + 16 + 8, first + 8 + 16 + 16 + 14), 'kernel');
  const values = first + 8 + 16 + 16 + 16 + 8;
  close(view.getFloat64(values, true), 9 / 45);
  close(view.getFloat64(values + 8, true), 6 / 45);
  close(view.getFloat64(values + 8 + length + 8, true), 4 / 45);
  assert.equal(bytes.length, 128 + 2 * (8 + length));
});

test('PNG: white is the largest value', () => {
  const { text, view } = exported('.png');
  assert.equal(text.slice(1, 4), 'PNG');
  assert.deepEqual([view.getUint32(16), view.getUint32(20), text.charCodeAt(24), text.charCodeAt(25)], [3, 3, 16, 0]);
});

test('ffmpeg: whole numbers for every plane, divided by their sum, not turned', () => {
  const { text } = exported('.ffmpeg.txt');
  // The largest sum is 32767, less half a step for each of nine values: 32762.5 / 45 = 728.06 for the smallest.
  const numbers = '728 1456 2184 2912 3640 4368 5096 5824 6553';
  const planes = [0, 1, 2, 3].map((plane) => `${plane}m='${numbers}':${plane}rdiv=1/32761`);
  assert.equal(text, `convolution=${planes.join(':')}\n`);
});

test('GEGL: letters are columns and digits rows, not turned, between two declarations of light', () => {
  const lines = exported('.gegl.txt').text.trim().split('\n');
  assert.equal(lines[0], 'gegl:cast-format');
  assert.ok(lines.includes(`b2=${1 / 45}`) && lines.includes(`d2=${3 / 45}`) && lines.includes('a1=0'));
  assert.equal(lines.filter((line) => /^[a-e][1-5]=/.test(line)).length, 25);
});

test('Photoshop: 25 weights, their sum, no offset, as int16, not turned', () => {
  const { bytes, view } = exported('.acf');
  assert.equal(bytes.length, 54);
  const numbers = Array.from({ length: 27 }, (_, i) => view.getInt16(2 * i));
  // The largest weight is 999, so the smallest is 111; a zero border makes five of three.
  assert.deepEqual(numbers.slice(5, 10), [0, 111, 222, 333, 0]);
  assert.deepEqual(numbers.slice(24), [0, 111 * 45, 0]);
});

test('no whole number leaves what its filter takes, whatever the kernel', () => {
  const flat = makeKernel(5, 1, Array(25).fill(1));
  const { view } = exported('.acf', flat);
  assert.deepEqual([view.getInt16(0), view.getInt16(50)], [399, 9975]);
  const sums = exported('.ffmpeg.txt', makeKernel(7, 1, Array(49).fill(1))).text.match(/rdiv=1\/(\d+)/);
  assert.ok(Number(sums?.[1]) <= 32767);
});

test('what of a kernel does not fit is told', () => {
  const { notes } = exported('.acf', makeKernel(7, 1, Array(49).fill(1)));
  assert.deepEqual(notes, [
    'Only the middle 5 x 5 of 7 x 7 values fit (1 are cut off on each side): they hold 51.0 % of the blur.',
  ]);
  assert.deepEqual(exported('.acf').notes, []);
});

test('negative values become black in a PNG, which is told; other formats keep them', () => {
  const lobes = makeKernel(3, 1, [0, -1, 0, -1, 14, -1, 0, -1, 0]);
  assert.deepEqual(exported('.png', lobes).notes, [
    'PNG (16 bits) holds no negative values: those of the kernel (40.0 % of its sum) became 0.',
  ]);
  assert.deepEqual(exported('.csv', lobes).notes, []);
});

test('a format that is always centred cannot be centred otherwise', () => {
  assert.throws(
    () => exported('.acf', asymmetric(4, 2), { centring: 'corner' }),
    (error) =>
      error instanceof KernelFusionError && error.code === 'BAD_OPTION' && /always centred/.test(error.message),
  );
});
