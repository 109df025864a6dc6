import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { cutPlanes, makePlanes, mapPlanes, type Planes, planeOf } from '../../../helper/image/planes.ts';
import { jpegTraces, quantisationNoise } from '../../../helper/kernelfusion/jpeg-traces.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { assertClose } from '../../support/close.ts';
import { everywhere } from '../../support/everywhere.ts';
import { loadLayer } from '../../support/pixels.ts';
import { sample } from '../cli-process.ts';

/** The pixels of an encoded picture, values in [-1, 1]; `corner`: how many rows and columns are cut off. */
async function pixelsOf(encoded: Buffer, [top, left]: readonly [number, number] = [0, 0]): Promise<Planes> {
  const { colour } = await loadLayer(encoded);
  const rest = cutPlanes(colour, top, left, colour.width - left, colour.height - top);
  return mapPlanes(rest, (v) => 2 * v - 1);
}

const traces = (planes: Planes) => jpegTraces(planes, everywhere(planes));

/** Row-major place of the i-th value of a quantiser table in a file (ITU-T T.81, figure A.6). */
const ZIGZAG = [...Array(64).keys()].sort((a, b) => {
  const diagonal = (i: number) => Math.floor(i / 8) + (i % 8);
  const along = (i: number) => (diagonal(i) % 2 === 0 ? i % 8 : Math.floor(i / 8));
  return diagonal(a) - diagonal(b) || along(a) - along(b);
});

/** The steps of luma that a JPEG file says it was quantised by: its table 0. */
function stepsIn(file: Buffer): number[] {
  const at = file.indexOf(Buffer.from([0xff, 0xdb]));
  assert.equal(file[at + 4], 0, 'table 0, 8 bits');
  const steps = Array<number>(64).fill(0);
  for (const [i, place] of ZIGZAG.entries()) steps[place] = file[at + 5 + i];
  return steps;
}

for (const { colours, quality, corner } of [
  { colours: 'three', quality: 50, corner: [0, 0] },
  { colours: 'three', quality: 75, corner: [3, 6] },
  { colours: 'three', quality: 90, corner: [7, 1] },
  { colours: 'one', quality: 75, corner: [2, 0] },
] as const) {
  test(`a JPEG of quality ${quality}, ${colours} colour(s): the steps that its file names, on its grid`, async () => {
    const picture = colours === 'one' ? sharp(sample).greyscale() : sharp(sample);
    const file = await picture.jpeg({ quality }).toBuffer();
    const decoded = await pixelsOf(file, corner);
    const grey = makePlanes(decoded.width, decoded.height, 1, planeOf(decoded, 0));
    const found = traces(colours === 'one' ? grey : decoded);
    assert.ok(found);
    assert.deepEqual([found.top, found.left], [(8 - corner[0]) % 8, (8 - corner[1]) % 8]);
    const told = stepsIn(file);
    const steps = found.steps.flatMap((step, i) => (step === null ? [] : [{ step, told: told[i] }]));
    assert.ok(steps.length >= 15, `${steps.length} steps`);
    for (const { step, told } of steps) assert.equal(step, told);
  });
}

test('a quantiser as fine as 1 for some coefficients and 2 for others', async () => {
  const file = await sharp(sample).jpeg({ quality: 97 }).toBuffer();
  const found = traces(await pixelsOf(file));
  assert.ok(found);
  const told = stepsIn(file);
  for (const [i, step] of found.steps.entries()) if (step !== null) assert.equal(step, told[i]);
  assert.ok(found.steps.includes(1) && found.steps.includes(2));
});

/** A slope that the rounding to whole levels makes stairs of, with texture on the right. */
function slope(quality: number): Promise<Buffer> {
  const side = 192;
  const random = makeRandom(4);
  const pixels = Uint8Array.from({ length: 3 * side ** 2 }, (_, i) => {
    const [row, column] = [Math.floor(i / 3 / side), Math.floor(i / 3) % side];
    const texture = column < 120 ? 0 : 30 * Math.sin(row * column) + 12 * (random.uniform() - 0.5);
    return 60 + 0.35 * row + 0.2 * column + texture;
  });
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}

for (const quality of [50, 75]) {
  test(`where slopes are smooth their stairs are not taken for steps, quality ${quality}`, async () => {
    const file = await slope(quality);
    const found = traces(await pixelsOf(file));
    assert.ok(found);
    const told = stepsIn(file);
    for (const [i, step] of found.steps.entries()) if (step !== null) assert.equal(step, told[i], `${i}`);
  });
}

/** Blocks of multiples of `step`, the mean and one other coefficient arbitrary. */
function quantised(step: number, arbitrary: number): Planes {
  const random = makeRandom(5);
  const side = 96;
  const planes = makePlanes(side, side, 1);
  const wave = (u: number, x: number) => Math.sqrt((u === 0 ? 1 : 2) / 8) * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
  for (let block = 0; block < (side / 8) ** 2; block++) {
    const corner = Math.floor(block / (side / 8)) * 8 * side + (block % (side / 8)) * 8;
    const coefficients = Array.from({ length: 64 }, (_, f) => {
      if (f === 0 || f === arbitrary) return 200 * (random.uniform() - 0.5);
      return random.uniform() < 0.3 ? step * (random.below(9) - 4) : 0;
    });
    for (let i = 0; i < 64; i++) {
      const [row, column] = [Math.floor(i / 8), i % 8];
      const level = coefficients.reduce((sum, c, f) => sum + c * wave(Math.floor(f / 8), row) * wave(f % 8, column), 0);
      planes.data[corner + row * side + column] = Math.round(level + 128) / 127.5 - 1;
    }
  }
  return planes;
}

test('what fits no step is left out where the quantiser is coarse, and is a step of 1 where it is fine, but for the mean', () => {
  const arbitrary = 10;
  for (const [step, expected] of [
    [6, null],
    [2, 1],
  ] as const) {
    const found = traces(quantised(step, arbitrary));
    assert.ok(found);
    assert.deepEqual([found.steps[0], found.steps[arbitrary]], [null, expected]);
    assert.ok(found.steps.filter((q) => q === step).length >= 48);
  }
});

test('the noise is that of steps, as their precisions are on average; coarser quality, more noise', async () => {
  const steps = [4, 4, 8, null];
  const expected = Math.sqrt(3 / (12 / 16 + 12 / 16 + 12 / 64));
  assertClose([quantisationNoise({ top: 0, left: 0, steps })], [expected], 1e-12);
  const noises: number[] = [];
  for (const quality of [97, 90, 75, 50]) {
    const found = traces(await pixelsOf(await sharp(sample).jpeg({ quality }).toBuffer()));
    assert.ok(found);
    noises.push(quantisationNoise(found));
  }
  assert.ok(
    noises.every((noise, i) => i === 0 || noise > 1.3 * noises[i - 1]),
    `${noises}`,
  );
  assert.ok(noises[2] > 2 && noises[2] < 4, `${noises[2]} levels at quality 75`);
});

test('what was never a JPEG, or is no longer one on any grid, has no traces', async () => {
  assert.equal(traces(await pixelsOf(await sharp(sample).png().toBuffer())), null);
  const smaller = sharp(await sharp(sample).jpeg({ quality: 75 }).toBuffer()).resize(110, 110);
  assert.equal(traces(await pixelsOf(await smaller.png().toBuffer())), null);
  const random = makeRandom(1);
  assert.equal(
    traces(
      makePlanes(
        96,
        96,
        3,
        Float32Array.from(random.normals(3 * 96 ** 2), (v) => v / 8),
      ),
    ),
    null,
  );
  assert.equal(traces(makePlanes(64, 64, 1, new Float32Array(64 ** 2).fill(0.2))), null);
  assert.equal(traces(makePlanes(5, 40, 1, new Float32Array(200).fill(0.2))), null);
});

test('sprites of few colours have none, whatever their cells and the grid have in common', () => {
  const random = makeRandom(2);
  for (const cell of [1, 2, 4, 8]) {
    for (const colours of [2, 3, 5]) {
      const palette = Array.from({ length: 3 * colours }, () => (2 * Math.round(255 * random.uniform())) / 255 - 1);
      const side = 96;
      const cells = Array.from({ length: (side / cell) ** 2 }, () => random.below(colours));
      const sprite = makePlanes(
        side,
        side,
        3,
        Float32Array.from({ length: 3 * side ** 2 }, (_, i) => {
          const pixel = i % side ** 2;
          const [row, column] = [Math.floor(pixel / side / cell), Math.floor((pixel % side) / cell)];
          return palette[3 * cells[row * (side / cell) + column] + Math.floor(i / side ** 2)];
        }),
      );
      assert.equal(traces(sprite), null, `${colours} colours in cells of ${cell}`);
    }
  }
});

test('pixels that are not usable, and those that were cut off at black or white, spoil nothing', async () => {
  const planes = await pixelsOf(await sharp(sample).jpeg({ quality: 75 }).toBuffer());
  const { width, height } = planes;
  const expected = traces(planes);
  const random = makeRandom(3);
  const usable = everywhere(planes);
  const spoilt = { ...planes, data: planes.data.slice() };
  const white = { ...planes, data: planes.data.slice() };
  for (let i = 0; i < width * height; i++) {
    if (i % width < 100) continue;
    usable[i] = 0;
    for (let c = 0; c < 3; c++) {
      spoilt.data[c * width * height + i] = 2 * random.uniform() - 1;
      if (random.uniform() < 0.2) white.data[c * width * height + i] = 1;
    }
  }
  for (const found of [jpegTraces(spoilt, usable), traces(white)]) {
    assert.ok(found && expected);
    assert.deepEqual([found.top, found.left], [expected.top, expected.left]);
    for (const [i, step] of found.steps.entries()) if (step !== null) assert.equal(step, expected.steps[i] ?? step);
  }
});
