import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { planeOf } from '../../../helper/image/planes.ts';
import { readPicture } from '../../../helper/image/read.ts';
import type { Layer } from '../../../helper/kernelfusion/method.ts';
import { type ErrorCode, KernelFusionError } from '../../../shared/errors.ts';
import { greyProfile, makePng, profileChunk } from './make-png.ts';

const onPosix = { skip: process.platform === 'win32' && 'no pipes among files' };

const bytes = (n: number, seed = 1) => Uint8Array.from({ length: n }, (_, i) => (i * 2654435761 * seed) >>> 13);
/** What a layer holds, back in whole numbers. */
const values = ({ colour }: Layer, top = 255) => Array.from(colour.data, (v) => v * top).map(Math.round);
const refused = (source: string | Uint8Array, code: ErrorCode, limits = {}) =>
  assert.rejects(readPicture(source, limits), (error: Error) => {
    assert.ok(error instanceof KernelFusionError, `${error}`);
    assert.equal(error.code, code);
    assert.match(error.message, /^[A-Z].*\.$/);
    return true;
  });

test('8-bit grey, RGB and both with alpha come in as stored', async () => {
  for (const [colourType, channels] of [
    [0, 1],
    [2, 3],
    [4, 2],
    [6, 4],
  ] as const) {
    const rows = bytes(20 * 17 * channels).map((v) => Math.max(v, 1)); // no alpha of 0: nothing is filled in
    const { layer, ...info } = await readPicture(makePng({ width: 20, height: 17, colourType, bits: 8, rows }));
    const colours = channels < 3 ? 1 : 3;
    assert.deepEqual(
      { ...info, size: [layer.colour.width, layer.colour.height, layer.colour.channels] },
      { format: 'png', bits: 8, grey: colours === 1, icc: null, density: 72, notes: [], size: [20, 17, colours] },
    );
    for (let c = 0; c < channels; c++) {
      const plane = c < colours ? planeOf(layer.colour, c) : layer.alpha?.data;
      assert.deepEqual(
        plane,
        Float32Array.from({ length: 340 }, (_, i) => rows[i * channels + c] / 255),
      );
    }
    assert.equal(layer.alpha !== null, channels !== colours);
  }
});

test('16-bit values come in whole', async () => {
  for (const [colourType, channels] of [
    [0, 1],
    [2, 3],
    [4, 2],
    [6, 4],
  ] as const) {
    const rows = Buffer.from(bytes(16 * 16 * channels * 2, 3).map((v) => v | 1));
    const { layer, bits } = await readPicture(makePng({ width: 16, height: 16, colourType, bits: 16, rows }));
    assert.equal(bits, 16);
    for (let c = 0; c < channels; c++) {
      const plane = c < layer.colour.channels ? planeOf(layer.colour, c) : (layer.alpha?.data as Float32Array);
      plane.forEach((v, i) => {
        assert.equal(Math.round(v * 65535), rows.readUInt16BE((i * channels + c) * 2));
      });
    }
  }
});

test('an indexed PNG keeps its palette colours and its transparency', async () => {
  const chunks = { PLTE: Uint8Array.of(200, 100, 50, 10, 20, 30), tRNS: Uint8Array.of(255, 7) };
  const rows = Uint8Array.from({ length: 256 }, (_, i) => i % 2);
  const { layer, grey } = await readPicture(makePng({ width: 16, height: 16, colourType: 3, bits: 8, rows, chunks }));
  assert.equal(grey, false);
  assert.deepEqual(
    [0, 1].map((i) => [0, 1, 2].map((c) => Math.round(planeOf(layer.colour, c)[i] * 255))),
    [
      [200, 100, 50],
      [10, 20, 30],
    ],
  );
  assert.deepEqual(
    Array.from(layer.alpha?.data.subarray(0, 2) ?? [], (a) => Math.round(a * 255)),
    [255, 7],
  );
});

test('1-bit grey is read as 8-bit black and white', async () => {
  const { layer, grey, bits } = await readPicture(
    makePng({ width: 16, height: 16, colourType: 0, bits: 1, rows: new Uint8Array(32).fill(0b10110000) }),
  );
  assert.deepEqual([grey, bits, values(layer).slice(0, 4)], [true, 8, [255, 0, 255, 255]]);
});

test('colour under fully transparent pixels is filled in from the visible ones', async () => {
  const rows = new Uint8Array(16 * 16 * 4);
  rows.set([10, 20, 30, 255]);
  const { layer } = await readPicture(makePng({ width: 16, height: 16, colourType: 6, bits: 8, rows }));
  assert.deepEqual(new Set(values(layer)), new Set([10, 20, 30]));
});

test('an embedded profile is kept and converts nothing', async () => {
  const p3 = await sharp(bytes(768), { raw: { width: 16, height: 16, channels: 3 } })
    .withIccProfile('p3')
    .png()
    .toBuffer();
  const icc = (await sharp(p3).metadata()).icc as Buffer;
  for (const bits of [8, 16] as const) {
    const rows = bytes((768 * bits) / 8, 5);
    const file = makePng({ width: 16, height: 16, colourType: 2, bits, rows, chunks: { iCCP: profileChunk(icc) } });
    const picture = await readPicture(file);
    assert.deepEqual(picture.icc && Buffer.from(picture.icc), icc);
    const stored = bits === 8 ? rows[0] : Buffer.from(rows).readUInt16BE(0);
    assert.equal(Math.round(picture.layer.colour.data[0] * (2 ** bits - 1)), stored);
  }
  const grey = await readPicture(
    makePng({
      width: 16,
      height: 16,
      colourType: 0,
      bits: 8,
      rows: bytes(256),
      chunks: { iCCP: profileChunk(greyProfile()) },
    }),
  );
  assert.deepEqual(grey.icc && Buffer.from(grey.icc), greyProfile());
  assert.deepEqual(values(grey.layer), Array.from(bytes(256)));
});

test('a profile made for another kind of picture is left out, and that is said', async () => {
  const jpeg = await sharp(bytes(256), { raw: { width: 16, height: 16, channels: 1 } })
    .toColourspace('b-w')
    .jpeg()
    .toBuffer();
  const { length } = greyProfile();
  const segment = Buffer.concat([
    Buffer.from([0xff, 0xe2, (16 + length) >> 8, (16 + length) & 255]),
    Buffer.from('ICC_PROFILE\0\x01\x01', 'latin1'),
    greyProfile(),
  ]);
  const withProfile = (icc: Buffer) => Buffer.concat([jpeg.subarray(0, 2), icc, jpeg.subarray(2)]);
  const fitting = await readPicture(withProfile(segment));
  assert.deepEqual([fitting.grey, fitting.icc?.length, fitting.notes.length], [true, length, 0]);

  const wrong = Buffer.from(segment);
  wrong.write('RGB ', segment.length - length + 16);
  const { icc, notes } = await readPicture(withProfile(wrong));
  assert.equal(icc, null);
  assert.match(notes.join(), /profile .* left out/);
});

test('the density is read from every format that states it', async () => {
  const image = () => sharp(bytes(768), { raw: { width: 16, height: 16, channels: 3 } }).withDensity(240);
  for (const file of [image().png(), image().jpeg(), image().webp(), image().tiff({ compression: 'lzw' })]) {
    assert.equal((await readPicture(await file.toBuffer())).density, 240);
  }
});

test('the picture comes in upright for each of the eight EXIF orientations', async () => {
  const [W, H] = [20, 16];
  const stored = bytes(W * H);
  // Where pixel (x, y) of the upright picture lies in the stored one (EXIF 2.32, Orientation).
  const from: Record<number, (x: number, y: number) => [number, number]> = {
    1: (x, y) => [x, y],
    2: (x, y) => [W - 1 - x, y],
    3: (x, y) => [W - 1 - x, H - 1 - y],
    4: (x, y) => [x, H - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, H - 1 - x],
    7: (x, y) => [W - 1 - y, H - 1 - x],
    8: (x, y) => [W - 1 - y, x],
  };
  for (const [orientation, source] of Object.entries(from)) {
    const image = sharp(stored, { raw: { width: W, height: H, channels: 1 } }).toColourspace('b-w');
    const tagged = image.withMetadata({ orientation: Number(orientation) });
    for (const file of [tagged.clone().png(), tagged.clone().tiff({ compression: 'lzw' })]) {
      const { colour } = (await readPicture(await file.toBuffer())).layer; // sharp makes it RGB: every plane is the same
      const [width, height] = Number(orientation) < 5 ? [W, H] : [H, W];
      assert.deepEqual([colour.width, colour.height], [width, height]);
      planeOf(colour, 0).forEach((v, i) => {
        const [x, y] = source(i % width, Math.floor(i / width));
        assert.equal(Math.round(v * 255), stored[y * W + x], `orientation ${orientation}, pixel ${i}`);
      });
    }
  }
});

test('a file and its bytes are read alike, and a missing or unfit file is refused without naming it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kernelfusion-test-'));
  try {
    const path = join(folder, 'picture.dat');
    const file = makePng({ width: 16, height: 16, colourType: 0, bits: 8, rows: bytes(256) });
    await writeFile(path, file);
    assert.deepEqual(await readPicture(path), await readPicture(file));
    await writeFile(path, 'just words');
    for (const [name, code] of [
      ['none.png', 'INPUT_NOT_FOUND'],
      ['picture.dat/none.png', 'INPUT_NOT_FOUND'],
      ['.', 'INPUT_UNREADABLE'],
      ['picture.dat', 'INPUT_UNREADABLE'],
    ] as const) {
      const error = await readPicture(join(folder, name)).catch((e) => e);
      assert.equal(error.code, code);
      assert.ok(!error.message.includes(folder) && !error.message.includes('picture.dat'), error.message);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a pipe is refused at once, whether or not somebody will ever write to it', onPosix, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kernelfusion-test-'));
  const pipe = join(folder, 'pipe.png');
  execFileSync('mkfifo', [pipe]);
  // Where it waits for a writer it gets one that writes nothing, or the test would never end.
  const late = setTimeout(() => writeFile(pipe, ''), 2000);
  const began = performance.now();
  try {
    await refused(pipe, 'INPUT_UNREADABLE');
    assert.ok(performance.now() - began < 1500);
  } finally {
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
  }
});

const still = (width: number, height: number) => ({ raw: { width, height, channels: 3 as const } });

test('several frames or pages are refused in every format', async () => {
  const frames = [1, 2].map((seed) => bytes(768, seed));
  const encoded = await Promise.all(frames.map((f) => sharp(f, still(16, 16)).png().toBuffer()));
  const animation = () => sharp(encoded, { join: { animated: true } });
  for (const file of [animation().gif(), animation().webp(), animation().tiff()]) {
    await refused(await file.toBuffer(), 'INPUT_ANIMATED');
  }
  const acTL = Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 0);
  await refused(
    makePng({ width: 16, height: 16, colourType: 0, bits: 8, rows: bytes(256), chunks: { acTL } }),
    'INPUT_ANIMATED',
  );
});

test('colour spaces, depths and formats that would need a conversion are refused', async () => {
  const image = sharp(bytes(768), still(16, 16));
  await refused(await image.clone().toColourspace('cmyk').jpeg().toBuffer(), 'INPUT_UNSUPPORTED');
  await refused(await image.clone().toColourspace('lab').tiff({ compression: 'lzw' }).toBuffer(), 'INPUT_UNSUPPORTED');
  await refused(
    await image.clone().toColourspace('scrgb').tiff({ compression: 'lzw' }).toBuffer(),
    'INPUT_UNSUPPORTED',
  );
  await refused(await image.clone().avif().toBuffer(), 'INPUT_UNSUPPORTED');
  await refused(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>'), 'INPUT_UNSUPPORTED');
});

test('sizes are limited from the header alone: a bomb costs nothing', async () => {
  const empty = (width: number, height: number) => makePng({ width, height, colourType: 2, bits: 8 });
  const before = process.memoryUsage().rss;
  await refused(empty(60000, 60000), 'INPUT_TOO_LARGE');
  await refused(empty(4097, 4096), 'INPUT_TOO_LARGE');
  assert.ok(process.memoryUsage().rss - before < 100e6);
  await refused(empty(15, 900), 'INPUT_TOO_SMALL');
  await refused(empty(900, 15), 'INPUT_TOO_SMALL');

  const file = makePng({ width: 20, height: 16, colourType: 0, bits: 8, rows: bytes(320) });
  await refused(file, 'INPUT_TOO_LARGE', { maxPixels: 319 });
  await assert.rejects(readPicture(file, { maxPixels: 319 }), { message: /has 320 pixels; the limit is 319 pixels\./ });
  await readPicture(file, { maxPixels: 320 });
  await refused(file, 'INPUT_TOO_LARGE', { scale: 4, maxOutputPixels: 5119 });
  await readPicture(file, { scale: 4, maxOutputPixels: 5120 });
  await refused(empty(4096, 4096), 'INPUT_TOO_LARGE', { scale: 3 });
});

test('files cut off anywhere are refused, not half read', async () => {
  const image = () => sharp(bytes(3 * 32 * 32), still(32, 32));
  for (const encoder of [
    image().png(),
    image().jpeg(),
    image().webp({ lossless: true }),
    image().tiff({ compression: 'lzw' }),
  ]) {
    const file = await encoder.toBuffer();
    const { format } = await readPicture(file);
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const code = await readPicture(file.subarray(0, file.length * share)).then(
        () => 'read',
        (e) => e.code,
      );
      assert.equal(code, 'INPUT_UNREADABLE', `${format} cut to ${share}`);
    }
  }
});

test('a JPEG that is whole but odd is read; where the decoder complains, that is said', async () => {
  const jpeg = await sharp(bytes(3 * 64 * 64), still(64, 64))
    .jpeg()
    .toBuffer();
  const insert = (at: number, ...extra: number[]) =>
    Buffer.concat([jpeg.subarray(0, at), Buffer.from(extra), jpeg.subarray(at)]);
  const { layer, notes } = await readPicture(jpeg);
  assert.deepEqual(notes, []);
  const brokenExif = [0xff, 0xe1, 0, 12, 0x45, 0x78, 0x69, 0x66, 0, 0, 1, 2, 3, 4];
  for (const odd of [insert(jpeg.length, 1, 2, 3), insert(jpeg.length - 2, 0, 0), insert(2, ...brokenExif)]) {
    const picture = await readPicture(odd);
    assert.deepEqual([picture.layer, picture.notes], [layer, []]);
  }
  // Some phones state a wrong spectral end in the scan header (the second byte from its end): nothing is lost.
  const phone = Buffer.from(jpeg);
  const scan = jpeg.indexOf(Buffer.of(0xff, 0xda));
  phone[scan + 2 + jpeg.readUInt16BE(scan + 2) - 2] = 0;
  const warned = await readPicture(phone);
  assert.deepEqual(warned.layer, layer);
  assert.match(warned.notes.join(), /found faults/);
  // A restart marker where none belongs ends the coded data: half of the picture comes out grey.
  const holed = await readPicture(insert(jpeg.length / 2, 0xff, 0xd3));
  assert.notDeepEqual(holed.layer, layer);
  assert.match(holed.notes.join(), /found faults/);
});

test('a cancelled reading says so', async () => {
  const file = makePng({ width: 16, height: 16, colourType: 0, bits: 8, rows: bytes(256) });
  await assert.rejects(readPicture(file, {}, AbortSignal.abort()), { code: 'CANCELLED' });
});

test('whatever the bytes, the answer is a layer in [0, 1] or a coded refusal', async () => {
  const image = () => sharp(bytes(3 * 24 * 20), still(24, 20)).withDensity(99);
  const seeds = await Promise.all(
    [
      image().png(),
      image().toColourspace('rgb16').png(),
      image().png({ palette: true }),
      image().jpeg(),
      image().jpeg({ progressive: true }),
      image().webp(),
      image().ensureAlpha(0.5).webp({ lossless: true }),
      image().tiff({ compression: 'lzw' }),
      image().ensureAlpha(0.5).tiff({ compression: 'deflate' }),
      image().gif(),
    ].map((s) => s.toBuffer()),
  );
  const magics = seeds.map((s) => s.subarray(0, 12));
  const noise = fc.uint8Array({ maxLength: 300 });
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
      fc.option(fc.nat()),
    )
    .map(([seed, edits, cut]) => {
      const copy = Uint8Array.from(seed);
      for (const [at, value] of edits) copy[at % copy.length] = value;
      return cut === null ? copy : copy.subarray(0, cut % copy.length);
    });
  const prefixed = fc.tuple(fc.constantFrom(...magics), noise).map((parts) => Uint8Array.from(Buffer.concat(parts)));
  await fc.assert(
    fc.asyncProperty(fc.oneof(noise, prefixed, { arbitrary: mutated, weight: 6 }), async (file) => {
      try {
        const { layer } = await readPicture(file, { maxPixels: 10_000 });
        const planes = [layer.colour, ...(layer.alpha ? [layer.alpha] : [])];
        assert.ok(planes.every(({ data }) => data.every((v) => v >= 0 && v <= 1)));
      } catch (error) {
        assert.ok(error instanceof KernelFusionError && /^INPUT_/.test(error.code), `${error}`);
      }
    }),
    { numRuns: 400, seed: 3 },
  );
});
