/**
 * Kernels from elsewhere: files as other programs write them are read, whatever is no kernel is refused in words.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { zlibSync } from 'fflate';
import sharp, { type Sharp } from 'sharp';
import { KernelFusionError } from '../../../shared/errors.ts';
import { flip, makeKernel } from '../../../shared/kernel.ts';
import { exportKernel, FORMATS, IMPORTABLE, importKernel } from '../../../shared/kernel-formats/index.ts';
import { jsonFormat } from '../../../shared/kernel-formats/json.ts';
import { matFormat } from '../../../shared/kernel-formats/mat.ts';
import { pngFormat } from '../../../shared/kernel-formats/png.ts';
import { asymmetric } from '../../support/asymmetric.ts';
import { assertClose } from '../../support/close.ts';
import { needsPython, runPython } from '../../support/python.ts';
import { needsOctave, runIn } from '../../support/tools.ts';

const kernel = asymmetric(6, 2);
const badKernel = (sentence: RegExp) => (error: unknown) =>
  error instanceof KernelFusionError && error.code === 'BAD_KERNEL' && sentence.test(error.message);
const text = (characters: string) => Buffer.from(characters, 'latin1');
const read = (bytes: Uint8Array) => importKernel(bytes, { scale: 2 });

test('JSON, npy, mat, PNG and CSV come in; each recognises its own files only', () => {
  assert.deepEqual(
    IMPORTABLE.map(({ id }) => id),
    ['json', 'npy', 'mat', 'csv', 'png'],
  );
  for (const format of FORMATS) {
    const { bytes } = exportKernel(kernel, format, format.sides ? {} : { centring: 'found' });
    const recognising = IMPORTABLE.filter(({ reader }) => reader?.recognises(bytes)).map(({ id }) => id);
    if (format.reader) assert.deepEqual(recognising, [format.id]);
    if (!format.reader) assert.throws(() => read(bytes), badKernel(/./));
  }
});

test('what was exported comes back, in the same sense', () => {
  for (const format of IMPORTABLE) {
    const { kernel: back, format: known, notes } = read(exportKernel(kernel, format, { centring: 'found' }).bytes);
    assert.deepEqual([known.id, back.size, back.scale, notes], [format.id, 6, 2, []]);
    assertClose(back.data, kernel.data, format.id === 'png' ? 3e-5 : 1e-7);
  }
});

test('a file that does not tell its sense may be said to have the other one', () => {
  const csv = text('1,2\n3,4\n');
  assert.deepEqual(importKernel(csv, { scale: 2 }).kernel, makeKernel(2, 2, [4, 3, 2, 1]));
  assert.deepEqual(importKernel(csv, { scale: 2, sense: 'correlation' }).kernel, makeKernel(2, 2, [1, 2, 3, 4]));
});

test('without a scale only JSON is enough', () => {
  assert.throws(() => importKernel(text('1')), badKernel(/which scale/));
});

test('tables of every country are read', () => {
  const tables = [
    '0.1,0.2\n0.3,0.4',
    '\xef\xbb\xbf0.1,0.2\r\n0.3,0.4\r\n',
    '0,1;0,2\n0,3;0,4\n',
    ' 1.0e-1\t2E-1\n\n3e-1 .4 \n',
    '# a kernel\n0.1, 0.2,\n0.3, 0.4,\n',
    '+0.1 0.2\r0.3 0.4',
  ];
  for (const table of tables) assertClose(read(text(table)).kernel.data, [0.4, 0.3, 0.2, 0.1], 1e-12);
});

test('what is no table of a kernel is refused', () => {
  const cases: [string, RegExp][] = [
    ['1,2,3\n4,5,6', /square: it has 2 rows, but row 1 has 3/],
    ['1,2\n3', /row 2 has 1/],
    ['1,2\n3,x', /Row 2 .* other than numbers/],
    ['1,,2\n1,2,3\n1,2,3', /Row 1 .* other than numbers/],
    ['1e999', /finite/],
    ['0', /positive sum/],
    ['-1', /positive sum/],
    ['# only a comment', /1 to 65 rows, not 0/],
    ['0,-1,0\n-1,5,-1\n0,-1,0', /sharpens/],
    ['1\n'.repeat(66), /1 to 65 rows, not 66/],
    ['hello', /not a kernel file of a known kind: \.json, \.npy, \.mat, \.csv, \.png/],
  ];
  for (const [table, sentence] of cases)
    assert.throws(() => read(text(table)), badKernel(sentence), table.slice(0, 20));
  assert.throws(() => read(Buffer.alloc(2 ** 20 + 1, '1 ')), badKernel(/too long/));
  assert.throws(() => read(Buffer.alloc(2 ** 24 + 1)), badKernel(/16 MiB/));
});

test('the sense that is asked for is taken, and a note tells where the file says another', () => {
  const turned = [makeKernel(2, 2, [4, 3, 2, 1]).data, makeKernel(2, 2, [1, 2, 3, 4]).data];
  for (const format of [jsonFormat, matFormat]) {
    const { bytes } = exportKernel(makeKernel(2, 2, [4, 3, 2, 1]), format, { centring: 'found' });
    for (const [i, sense] of [undefined, 'convolution' as const, 'correlation' as const].entries()) {
      const { kernel: found, notes } = importKernel(bytes, { scale: 2, ...(sense && { sense }) });
      assertClose(found.data, turned[i < 2 ? 0 : 1], 1e-12);
      const said = [
        'By the file its values are in convolution sense; they were taken in correlation sense, as asked for.',
      ];
      assert.deepEqual(notes, i < 2 ? [] : said);
    }
  }
});

// PNG

const picture = (values: ArrayLike<number>, channels: 1 | 2 | 3 | 4, side = 2) =>
  sharp(Uint8Array.from(values), { raw: { width: side, height: side, channels } });

test('pictures of 8 and 16 bits, grey and colour, with transparency, are read', async () => {
  const expected = [0.4, 0.3, 0.2, 0.1];
  const grey = [10, 20, 30, 40];
  const deep = (values: number[], channels: 1 | 3) =>
    sharp(
      Uint16Array.from(values, (v) => 1000 * v),
      { raw: { width: 2, height: 2, channels } },
    );
  const files = [
    picture(grey, 1).toColourspace('b-w'),
    deep(grey, 1).toColourspace('grey16'),
    picture(
      grey.flatMap((v) => [v, v, v]),
      3,
    ),
    deep(
      grey.flatMap((v) => [v - 6, v, v + 6]),
      3,
    ).toColourspace('rgb16'),
    // Twice as bright and half transparent counts as much; alpha has only whole numbers.
    picture(
      [20, 20, 40, 60].flatMap((v, i) => [v, v, v, [127.5, 255, 191.25, 170][i]]),
      4,
    ),
  ];
  for (const [i, file] of files.entries())
    assertClose(read(await file.png().toBuffer()).kernel.data, expected, i === 4 ? 0.003 : 1e-12);
});

test('every filter of PNG is undone', async () => {
  const side = 32;
  const values = Array.from({ length: side * side }, (_, i) => (i * i + 7 * (i % side)) % 251);
  for (const adaptiveFiltering of [false, true]) {
    const file = await picture(values, 1, side).png({ adaptiveFiltering, palette: false }).toBuffer();
    assertClose(read(file).kernel.data, flip(makeKernel(side, 2, values)).data, 1e-12);
  }
});

test('a picture that is no kernel is refused', async () => {
  const make = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: 'white' } }).png();
  assert.throws(await reading(make(3, 2)), badKernel(/square: this picture has 3 x 2/));
  assert.throws(
    await reading(make(384, 384)),
    badKernel(/at most 65 x 65 pixels, one a value; .* 384 x 384\. .* give that/),
  );
  assert.throws(await reading(make(4, 4).png({ palette: true })), badKernel(/without palette/));
  assert.throws(await reading(make(16, 16).png({ progressive: true })), badKernel(/interlacing/));
  assert.throws(
    await reading(sharp({ create: { width: 3, height: 3, channels: 3, background: 'black' } }).png()),
    badKernel(/sum/),
  );
  async function reading(image: Sharp) {
    const file = await image.toBuffer();
    return () => read(file);
  }
});

test('a small file that unpacks to much more is not unpacked', () => {
  const bomb = zlibSync(new Uint8Array(2 ** 26), { level: 9 });
  const { bytes } = exportKernel(kernel, matFormat);
  const header = bytes.subarray(0, 128);
  const tag = new Uint8Array(new Uint32Array([15, bomb.length]).buffer);
  const before = process.memoryUsage().arrayBuffers;
  assert.throws(() => read(Buffer.concat([header, tag, bomb])), badKernel(/no square array/));
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 24);
});

// MATLAB

test('MATLAB: version 7.3, and files without a kernel, are refused in words', () => {
  assert.throws(() => read(text('MATLAB 7.3 MAT-file'.padEnd(200))), badKernel(/'-v7'/));
  assert.throws(() => read(text('MATLAB 5.0'.padEnd(200))), badKernel(/level 5/));
  const { bytes } = exportKernel(kernel, matFormat);
  assert.throws(() => read(bytes.subarray(0, 128)), badKernel(/no square array/));
  assert.throws(() => read(bytes.subarray(0, 300)), badKernel(/damaged or cut off/));
});

const scipy = needsPython('numpy', 'scipy');

test('SciPy: every type of number, compressed or not; kernel before Kernel before the only one', scipy, () => {
  const program = `
import base64, io, json, numpy, scipy.io
k = numpy.arange(1, 10).reshape(3, 3)
files = []
def add(sense, compressed, **variables):
  f = io.BytesIO()
  scipy.io.savemat(f, variables, do_compression=compressed)
  files.append([sense, base64.b64encode(f.getvalue()).decode()])
for compressed in [False, True]:
  for t in ['f8', 'f4', 'u1', 'i1', 'i2', 'u2', 'i4', 'u4', 'i8', 'u8', '>f8']:
    add('convolution', compressed, psf=k.astype(t))
  add('convolution', compressed, Kernel=k[::-1, ::-1] * 1., kernel=k * 1., photo=numpy.ones((3, 4)))
  add('correlation', compressed, Kernel=k * 1., text='hello', cells=numpy.array([k, 'x'], dtype=object))
  add('convolution', compressed, h=k * 1., sigma=2.0 + 1j, big=numpy.random.default_rng(1).random((200, 200)))
print(json.dumps(files))`;
  const files: [string, string][] = JSON.parse(runPython(program, new Uint8Array(0)));
  const turned = makeKernel(3, 2, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.equal(files.length, 28);
  for (const [sense, base64] of files) {
    const { kernel: found } = read(Buffer.from(base64, 'base64'));
    assertClose(found.data, (sense === 'convolution' ? turned : flip(turned)).data, 1e-12);
  }
});

test('SciPy: several square arrays of other names are too many', scipy, () => {
  const program = `
import base64, io, numpy, scipy.io
f = io.BytesIO()
scipy.io.savemat(f, {'a': numpy.ones((3, 3)), 'b': numpy.ones((3, 3))})
print(base64.b64encode(f.getvalue()).decode())`;
  const file = Buffer.from(runPython(program, new Uint8Array(0)), 'base64');
  assert.throws(() => read(file), badKernel(/several square arrays/));
});

test('Octave: what it saves by -v6 and by -v7 (compressed) is read', needsOctave(), () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kf-octave-'));
  try {
    for (const version of ['-v6', '-v7']) {
      const program = `psf = reshape(1:9, 3, 3)'; save('${version}', 'psf.mat', 'psf')`;
      runIn(folder, 'octave-cli', ['--no-gui', '--norc', '--eval', program]);
      const { kernel: found } = read(readFileSync(path.join(folder, 'psf.mat')));
      assertClose(found.data, makeKernel(3, 2, [9, 8, 7, 6, 5, 4, 3, 2, 1]).data, 1e-12);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// Damage

test('no bytes make a reader fail without a code', () => {
  const files = IMPORTABLE.map((format) => exportKernel(asymmetric(4, 2), format, { centring: 'found' }).bytes);
  const damaged = fc
    .tuple(
      fc.constantFrom(...files),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
    )
    .map(([good, share, edits]) => {
      const bytes = good.slice();
      for (const [at, value] of edits) bytes[at % good.length] = value;
      return share < 0.3 ? bytes.subarray(0, Math.ceil(share * 3.3 * good.length)) : bytes;
    });
  const anything = fc
    .tuple(fc.constantFrom(...files), fc.nat(150), fc.uint8Array({ maxLength: 300 }))
    .map(([good, kept, tail]) => Uint8Array.from([...good.subarray(0, kept), ...tail]));
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(damaged, anything), (bytes) => {
      try {
        const { kernel: found } = read(bytes);
        assert.equal(found.data.length, found.size ** 2);
        assert.ok(found.size <= 64 && found.data.every(Number.isFinite));
      } catch (error) {
        assert.ok(error instanceof KernelFusionError && error.code === 'BAD_KERNEL', String(error));
        refused++;
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(refused > 500, 'hardly anything was damaged');
});

test('PNG: damage that hides behind a right checksum is refused', () => {
  // The packed pixels exchanged, checksum made right again by writing the chunk anew: too few, too many, an unknown filter.
  const { bytes } = exportKernel(makeKernel(2, 2, [1, 2, 3, 4]), pngFormat, { centring: 'found' });
  for (const pixels of [new Uint8Array(9), new Uint8Array(11), Uint8Array.from([5, 0, 1, 0, 2, 0, 0, 3, 0, 4])]) {
    assert.throws(() => read(withPixels(Buffer.from(bytes), zlibSync(pixels))), badKernel(/damaged/));
  }
  assert.throws(() => read(withPixels(Buffer.from(bytes), Uint8Array.of(1, 2, 3))), badKernel(/damaged|cut off/));
});

/** A PNG's only IDAT chunk exchanged. */
function withPixels(png: Buffer, packed: Uint8Array): Buffer {
  const at = png.indexOf('IDAT') - 4;
  const body = Buffer.concat([Buffer.from('IDAT'), packed]);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(packed.length, 0);
  numbers.writeUInt32BE(crc(body), 4);
  const end = at + 12 + png.readUInt32BE(at);
  return Buffer.concat([png.subarray(0, at), numbers.subarray(0, 4), body, numbers.subarray(4), png.subarray(end)]);
}

function crc(bytes: Uint8Array): number {
  let register = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const carry = (register ^ (byte >> bit)) & 1;
      register = (register >>> 1) ^ (carry ? 0xedb88320 : 0);
    }
  }
  return ~register >>> 0;
}
