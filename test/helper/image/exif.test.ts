import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exifDensity } from '../../../helper/image/exif.ts';

/** An EXIF block that holds XResolution = `top` / `bottom` and ResolutionUnit = `unit`, in either byte order. */
function block({ little = true, prefix = '', top = 300, bottom = 1, unit = 2 } = {}): Buffer {
  const b = Buffer.alloc(50);
  const short = (v: number, at: number) => (little ? b.writeUInt16LE(v, at) : b.writeUInt16BE(v, at));
  const long = (v: number, at: number) => (little ? b.writeUInt32LE(v, at) : b.writeUInt32BE(v, at));
  b.write(little ? 'II' : 'MM', 0);
  short(42, 2);
  long(8, 4);
  short(2, 8);
  [282, 5].forEach((v, i) => {
    short(v, 10 + 2 * i);
  });
  long(1, 14);
  long(38, 18);
  [296, 3].forEach((v, i) => {
    short(v, 22 + 2 * i);
  });
  long(1, 26);
  short(unit, 30);
  long(top, 38);
  long(bottom, 42);
  return Buffer.concat([Buffer.from(prefix, 'latin1'), b]);
}

test('the density is read in inches and centimetres, in both byte orders, with and without the JPEG prefix', () => {
  assert.equal(exifDensity(block()), 300);
  assert.equal(exifDensity(block({ little: false, prefix: 'Exif\0\0' })), 300);
  assert.equal(exifDensity(block({ top: 11811, bottom: 100, unit: 3 })), 300);
});

test('a block without a usable density gives none', () => {
  assert.equal(exifDensity(block({ bottom: 0 })), null);
  assert.equal(exifDensity(block({ top: 0 })), null);
  const whole = block();
  for (let n = 0; n < 46; n++) assert.equal(exifDensity(whole.subarray(0, n)), null, `cut after ${n} bytes`);
});
