import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { layerOf } from '../../../helper/image/pixels.ts';
import { makePlanes } from '../../../helper/image/planes.ts';
import { type Picture, type PictureInfo, readPicture } from '../../../helper/image/read.ts';
import { checkOutput, encodePicture, type OutputFormat, writePicture } from '../../../helper/image/write.ts';
import type { Layer } from '../../../helper/kernelfusion/method.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { greyProfile, makePng, profileChunk } from './make-png.ts';

const [WIDTH, HEIGHT] = [21, 18];
const PLAIN: PictureInfo = { bits: 8, icc: null, density: 72 };
const noise = (bits: 8 | 16, channels: number) => {
  const values = { length: WIDTH * HEIGHT * channels };
  const value = (_: unknown, i: number) => (Math.imul(i + 1, 2654435761) >>> 9) % 2 ** bits;
  return bits === 8 ? Uint8Array.from(values, value) : Uint16Array.from(values, value);
};
const p3 = async () => {
  const black = sharp({ create: { width: 16, height: 16, channels: 3, background: 'black' } });
  return (await sharp(await black.withIccProfile('p3').png().toBuffer()).metadata()).icc as Buffer;
};
const iccOf = async (channels: number) => (channels < 3 ? greyProfile() : await p3());

test('every lossless format gives back every bit, the profile and the density, for each depth and kind of picture', async () => {
  const formats: [OutputFormat, readonly (8 | 16)[]][] = [
    ['png', [8, 16]],
    ['tiff', [8, 16]],
    ['webp', [8]],
  ];
  for (const [format, depths] of formats) {
    for (const bits of depths) {
      for (const channels of [1, 2, 3, 4] as const) {
        for (const withProfile of [false, true]) {
          if (format === 'webp' && channels < 3 && withProfile) continue; // refused, see below
          const name = `${format}, ${bits} bits, ${channels} channels, profile ${withProfile}`;
          // No alpha of 0 here: reading would fill in the colour under it.
          const pixels = noise(bits, channels).map((v) => v | 1);
          const layer = layerOf(pixels, WIDTH, HEIGHT, channels);
          const info: PictureInfo = { bits, icc: withProfile ? await iccOf(channels) : null, density: 240 };
          const back = await readPicture(await encodePicture(layer, info, format));
          assert.equal(back.format, format, name);
          assert.equal(back.bits, bits, name);
          assert.equal(back.density, 240, name);
          assert.deepEqual(back.icc && Buffer.from(back.icc), info.icc, name);
          if (format === 'webp' && channels < 3) {
            // WebP knows no grey: three planes, each the grey one.
            const plane = WIDTH * HEIGHT;
            for (let c = 0; c < 3; c++) {
              assert.deepEqual(back.layer.colour.data.slice(c * plane, (c + 1) * plane), layer.colour.data, name);
            }
            assert.deepEqual(back.layer.alpha, layer.alpha, name);
          } else {
            assert.deepEqual(back.layer, layer, name);
          }
        }
      }
    }
  }
});

test('colour under fully transparent pixels is written too', async () => {
  const pixels = noise(8, 4).map((v, i) => (i % 4 === 3 ? v & 1 && 255 : v));
  const layer = layerOf(pixels, WIDTH, HEIGHT, 4);
  for (const format of ['png', 'tiff', 'webp'] as const) {
    const decoded = await sharp(await encodePicture(layer, PLAIN, format))
      .raw()
      .toBuffer();
    assert.deepEqual(new Uint8Array(decoded), pixels, format);
  }
});

test('JPEG stays close, in full colour resolution, with profile and density, grey as grey', async () => {
  // A smooth picture, for what JPEG is made for; red and blue move in opposite ways.
  const ramp = (channels: 1 | 3) =>
    layerOf(
      Uint8Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) => {
        const x = Math.floor(i / channels) % WIDTH;
        return i % channels === 2 ? 220 - 8 * x : 40 + 8 * x;
      }),
      WIDTH,
      HEIGHT,
      channels,
    );
  for (const channels of [1, 3] as const) {
    const info: PictureInfo = { bits: 16, icc: await iccOf(channels), density: 150 };
    const file = await encodePicture(ramp(channels), info, 'jpeg');
    const back = await readPicture(file);
    assert.deepEqual([back.format, back.bits, back.density, back.grey], ['jpeg', 8, 150, channels === 1]);
    assert.deepEqual(back.icc && Buffer.from(back.icc), info.icc);
    const wanted = ramp(channels).colour.data;
    assert.ok(back.layer.colour.data.every((v, i) => Math.abs(v - wanted[i]) <= 4 / 255));
    if (channels === 3) assert.equal((await sharp(file).metadata()).chromaSubsampling, '4:4:4');
  }
});

test('values are clipped and rounded half up', async () => {
  const colour = makePlanes(16, 16, 1);
  colour.data.set([-0.5, 0.49 / 255, 0.51 / 255, 0.5, 254.6 / 255, 1, 1.7]); // 0.5 is 127.5 steps, exactly
  const read = await readPicture(await encodePicture({ colour, alpha: null }, PLAIN, 'png'));
  assert.deepEqual(
    Array.from(read.layer.colour.data.subarray(0, 7), (v) => Math.round(v * 255)),
    [0, 0, 1, 128, 255, 255, 255],
  );
});

const PILLOW = `
import sys, io, json
from PIL import Image
i = Image.open(io.BytesIO(sys.stdin.buffer.read()))
p = [v for px in i.getdata() for v in (px if isinstance(px, tuple) else (px,))]
print(json.dumps([i.mode, p, len(i.info.get('icc_profile') or b''), [round(d) for d in i.info.get('dpi', [])], i.getexif().get(274, 1)]))`;
const hasPillow = spawnSync('/usr/bin/python3', ['-c', 'import PIL']).status === 0;

test('Pillow sees the same pixels, profile, density and an upright orientation', {
  skip: hasPillow ? false : 'needs python3 with Pillow',
}, async () => {
  const modes: [8 | 16, 1 | 2 | 3 | 4, string][] = [
    [8, 1, 'L'],
    [8, 2, 'LA'],
    [8, 3, 'RGB'],
    [8, 4, 'RGBA'],
    [16, 1, 'I;16'],
  ];
  for (const [bits, channels, mode] of modes) {
    for (const format of ['png', 'tiff'] as const) {
      const pixels = noise(bits, channels);
      const info: PictureInfo = { bits, icc: await iccOf(channels), density: 300 };
      const input = await encodePicture(layerOf(pixels, WIDTH, HEIGHT, channels), info, format);
      const { stdout } = spawnSync('/usr/bin/python3', ['-c', PILLOW], { input, encoding: 'utf8' });
      const [seen, values, ...rest] = JSON.parse(stdout);
      assert.ok(seen === mode || (mode === 'I;16' && seen === 'I'), `${format}: ${seen}, not ${mode}`);
      assert.deepEqual(values, Array.from(pixels), `${format} ${mode}`);
      assert.deepEqual(rest, [info.icc?.length, [300, 300], 1], `${format} ${mode}`);
    }
  }
});

test('a turned picture is written upright and read back the same', async () => {
  // An EXIF block of one entry: Orientation (274), one SHORT, 6: a quarter turn to the right.
  const eXIf = Buffer.from('49492a0008000000010012010300010000000600000000000000', 'hex');
  const rows = noise(8, 3) as Uint8Array;
  const file = makePng({ width: WIDTH, height: HEIGHT, colourType: 2, bits: 8, rows, chunks: { eXIf } });
  const picture = await readPicture(file);
  assert.deepEqual([picture.layer.colour.width, picture.layer.colour.height], [HEIGHT, WIDTH]);
  for (const format of ['png', 'tiff', 'webp'] as const) {
    const written = await encodePicture(picture.layer, picture, format);
    assert.equal((await sharp(written).metadata()).orientation ?? 1, 1);
    assert.deepEqual((await readPicture(written)).layer, picture.layer);
  }
});

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kernelfusion-test-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const pictureOf = (layer: Layer, info: Partial<PictureInfo> = {}): Picture => ({
  ...PLAIN,
  ...info,
  layer,
  format: 'png',
  grey: layer.colour.channels === 1,
  notes: [],
});
const rgba = () => layerOf(noise(8, 4), WIDTH, HEIGHT, 4);
const rgb = () => layerOf(noise(8, 3), WIDTH, HEIGHT, 3);

test('the format follows the extension, whatever its case', () =>
  inFolder(async (folder) => {
    const names = {
      'a.png': 'png',
      'a.JPG': 'jpeg',
      'a.jpeg': 'jpeg',
      'a.webp': 'webp',
      'a.tif': 'tiff',
      'a.TIFF': 'tiff',
    };
    for (const [name, format] of Object.entries(names)) {
      const path = join(folder, name);
      assert.equal((await checkOutput(path, pictureOf(rgb()), 4)).format, format);
      await writePicture(path, rgb(), PLAIN);
      assert.equal((await readPicture(path)).format, format);
    }
    assert.deepEqual((await readdir(folder)).sort(), Object.keys(names).sort());
  }));

test('what a format cannot hold is refused before the job, and by the writer itself', () =>
  inFolder(async (folder) => {
    const refusedAs = (code: string, message: RegExp) => (error: Error) =>
      error instanceof KernelFusionError && error.code === code && message.test(error.message);
    const grey = layerOf(noise(8, 1), WIDTH, HEIGHT, 1);
    const cases: [string, Layer, PictureInfo, RegExp][] = [
      ['a.jpg', rgba(), PLAIN, /JPEG holds no transparency/],
      ['a.webp', grey, { ...PLAIN, icc: greyProfile() }, /WebP holds no grey/],
      ['a.webp', { colour: makePlanes(16384, 16, 1), alpha: null }, PLAIN, /at most 16383 pixels/],
      ['a.gif', rgb(), PLAIN, /must end in \.png/],
      ['png', rgb(), PLAIN, /must end in \.png/],
    ];
    for (const [name, layer, info, message] of cases) {
      const path = join(folder, name);
      await assert.rejects(checkOutput(path, pictureOf(layer, info), 1), refusedAs('BAD_OPTION', message));
      await assert.rejects(writePicture(path, layer, info), refusedAs('BAD_OPTION', message));
    }
    const strip: Layer = { colour: makePlanes(8192, 16, 1), alpha: null };
    await assert.rejects(checkOutput(join(folder, 'a.webp'), pictureOf(strip), 2), { code: 'BAD_OPTION' });
    await checkOutput(join(folder, 'a.webp'), pictureOf(strip), 1);
    await assert.rejects(checkOutput(join(folder, 'no/a.png'), pictureOf(rgb()), 1), { code: 'OUTPUT_UNWRITABLE' });
    assert.deepEqual(await readdir(folder), []);
  }));

test('rounding 16 bits to 8 is announced where the format forces it', () =>
  inFolder(async (folder) => {
    const deep = pictureOf(rgb(), { bits: 16 });
    for (const [name, bits] of [
      ['a.png', 16],
      ['a.tif', 16],
      ['a.webp', 8],
      ['a.jpg', 8],
    ] as const) {
      const plan = await checkOutput(join(folder, name), deep, 2);
      assert.equal(plan.bits, bits);
      assert.equal(plan.notes.length, bits === 8 ? 1 : 0);
    }
  }));

test('a writing that fails or is cancelled leaves the older file and nothing else', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.png');
    await writeFile(path, 'older');
    await assert.rejects(writePicture(path, rgb(), PLAIN, AbortSignal.abort()), { code: 'CANCELLED' });
    const later = new AbortController();
    setImmediate(() => later.abort());
    await assert.rejects(writePicture(path, rgb(), PLAIN, later.signal), { code: 'CANCELLED' });
    await assert.rejects(writePicture(join(folder, 'no', 'a.png'), rgb(), PLAIN), { code: 'OUTPUT_UNWRITABLE' });
    assert.deepEqual(await readdir(folder), ['a.png']);
    assert.equal(await readFile(path, 'utf8'), 'older');
  }));

test('a profile goes from file to file untouched, and so do the values it belongs to', async () => {
  const icc = await p3();
  const rows = noise(8, 3) as Uint8Array;
  const chunks = { iCCP: profileChunk(icc) };
  const picture = await readPicture(makePng({ width: WIDTH, height: HEIGHT, colourType: 2, bits: 8, rows, chunks }));
  const written = await encodePicture(picture.layer, picture, 'tiff');
  assert.deepEqual((await sharp(written).metadata()).icc, icc);
  assert.deepEqual(new Uint8Array(await sharp(written, { ignoreIcc: true }).raw().toBuffer()), rows);
});
