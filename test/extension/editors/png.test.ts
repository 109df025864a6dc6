/** PNG without a canvas, with sharp (libspng, libpng's rules) as the judge of both ways. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { decodePng, encodePng, pngAddress, pngSize } from '../../../extension/editors/png.ts';
import { colourful } from '../../doubles/photopea/scene.ts';

/** Colours under alpha 0 and 1 included: those are what a canvas loses. */
const picture = () => {
  const { width, height, rgba } = colourful(13, 7);
  rgba[3] = 0;
  rgba[7] = 1;
  return { width, height, rgba };
};

test('what is written, another program reads bit for bit, colours under alpha 0 included', async () => {
  const { width, height, rgba } = picture();
  const file = await encodePng({ width, height, rgba });
  assert.deepEqual(pngSize(file), { width: 13, height: 7 });
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height, info.channels], [13, 7, 4]);
  assert.deepEqual(Uint8ClampedArray.from(data), rgba);
});

test('what is written is read back bit for bit', async () => {
  const { width, height, rgba } = picture();
  assert.deepEqual(await decodePng(await encodePng({ width, height, rgba })), { width, height, rgba });
});

const { width, height, rgba } = picture();
const raw = () => sharp(rgba, { raw: { width, height, channels: 4 } });

const files: [string, () => Promise<Buffer>][] = [
  ['every filter', () => raw().png({ adaptiveFiltering: true, compressionLevel: 9 }).toBuffer()],
  ['a palette with transparency', () => raw().png({ palette: true, colours: 200 }).toBuffer()],
  ['a palette of 16 colours, two in a byte', () => raw().png({ palette: true, colours: 16 }).toBuffer()],
  ['a palette of 2 colours, eight in a byte', () => raw().png({ palette: true, colours: 2 }).toBuffer()],
  ['RGB without alpha', () => raw().removeAlpha().png().toBuffer()],
  ['grey', () => raw().removeAlpha().toColourspace('b-w').png().toBuffer()],
  ['grey with alpha', () => raw().toColourspace('b-w').png().toBuffer()],
];
for (const [what, make] of files) {
  test(`${what} is read as another program reads it`, async () => {
    const file = await make();
    const oracle = await sharp(file).toColourspace('srgb').ensureAlpha().raw().toBuffer();
    assert.deepEqual((await decodePng(file)).rgba, Uint8ClampedArray.from(oracle));
  });
}

test('16 bits are cut to the upper eight', async () => {
  const values = Uint16Array.from([0x1234, 0xabcd, 0x00ff, 0xffff, 0x8000, 0x0100, 0xff00, 0x80ff]);
  const file = await sharp(values, { raw: { width: 2, height: 1, channels: 4 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  assert.deepEqual([...(await decodePng(file)).rgba], [0x12, 0xab, 0x00, 0xff, 0x80, 0x01, 0xff, 0x80]);
});

test('a file that breaks off, and what is no PNG at all, are refused with a sentence', async () => {
  const file = await encodePng(picture());
  const broken = { code: 'INPUT_UNREADABLE', message: /broken/ };
  for (const length of [0, 7, 20, 40, 60, file.length - 30]) {
    await assert.rejects(decodePng(file.subarray(0, length)), broken, `${length} bytes`);
  }
  await assert.rejects(decodePng(new TextEncoder().encode('GIF89a'.repeat(20))), broken);
  const interlaced = await raw().png({ progressive: true }).toBuffer();
  await assert.rejects(decodePng(interlaced), { code: 'INPUT_UNSUPPORTED' });
});

test('an address carries the whole file', async () => {
  const file = await encodePng(colourful(150, 100));
  const fetched = new Uint8Array(await (await fetch(pngAddress(file))).arrayBuffer());
  assert.deepEqual(fetched, file);
});
