import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { makePlanes } from '../../../helper/image/planes.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { readNpy } from '../../../shared/kernel-formats/npy.ts';
import { FAMILY_NAMES } from './kernel-families.ts';
import { makePair } from './make-pair.ts';
import { makePairs } from './make-pairs.ts';

const WIDTH = 350;
const HEIGHT = 330;
const SIDE = 32;
/** Pairs of each scale: every family once. */
const COUNT = 2 * FAMILY_NAMES.length;

let work: string;
let pictures: string;
const quiet = () => {};
const request = { scales: [4, 2] as const, count: COUNT, side: SIDE, seed: 7, print: quiet };

/**
 * Four levels far enough from black and white that neither noise nor a negative tap is cut off, and multiples of 36, so that the
 * means of 4 and of 9 are whole levels.
 */
const pixelsOf = (seed: number) => {
  const { below } = makeRandom(seed);
  return Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, () => 36 * (2 + below(4)));
};
const PHOTOGRAPHS: Readonly<Record<string, Uint8Array>> = { 'a.png': pixelsOf(1), 'b.png': pixelsOf(2) };

before(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'kernelfusion-pairs-'));
  pictures = path.join(work, 'pictures');
  await mkdir(pictures);
  for (const [file, pixels] of Object.entries(PHOTOGRAPHS)) {
    await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).toFile(path.join(pictures, file));
  }
  await writeFile(path.join(pictures, 'README.md'), 'No picture.');
  await makePairs({ ...request, pictures, out: path.join(work, 'set') });
});
after(() => rm(work, { recursive: true, force: true }));

const rawOf = (file: string) => sharp(file).raw().toBuffer({ resolveWithObject: true });

test('every layer is what the kernel makes of the reduced photograph, border and all, to the rounding of 8 bits', async () => {
  const names = (await readdir(path.join(work, 'set'))).sort();
  assert.equal(names.length, COUNT);
  for (const name of names) {
    const folder = path.join(work, 'set', name);
    const meta = JSON.parse(await readFile(path.join(folder, 'meta.json'), 'utf8'));
    const { scale, reduce } = meta;
    const [left, top] = meta.crop_xy;
    const photograph = PHOTOGRAPHS[meta.source_file];
    /** The photograph's block means, at a pixel of the truth. */
    const scene = (row: number, column: number, channel: number) => {
      let sum = 0;
      for (let v = 0; v < reduce; v++) {
        for (let u = 0; u < reduce; u++) {
          const at = ((top + row) * reduce + v) * WIDTH + (left + column) * reduce + u;
          sum += photograph[3 * at + channel];
        }
      }
      return sum / reduce ** 2;
    };
    const hr = await rawOf(path.join(folder, 'hr.png'));
    assert.deepEqual([hr.info.width, hr.info.height, hr.info.channels], [SIDE * scale, SIDE * scale, 3]);
    for (let i = 0; i < hr.data.length; i++) {
      const at = Math.floor(i / 3);
      assert.equal(hr.data[i], scene(Math.floor(at / hr.info.width), at % hr.info.width, i % 3));
    }

    const { size, data: taps } = readNpy(await readFile(path.join(folder, 'kernel.npy')), scale);
    const lr = await rawOf(path.join(folder, 'lr.png'));
    assert.deepEqual([lr.info.width, lr.info.height, lr.info.channels], [SIDE, SIDE, 3]);
    const first = Math.floor(scale / 2) - Math.floor(size / 2);
    const errors = Array.from({ length: SIDE * SIDE }, (_, at) => {
      const [row, column] = [Math.floor(at / SIDE), at % SIDE];
      const blurred = taps.reduce((sum, tap, k) => {
        if (tap === 0) return sum;
        const [u, v] = [Math.floor(k / size), k % size];
        return sum + tap * scene(scale * row + first + u, scale * column + first + v, 1);
      }, 0);
      return lr.data[3 * at + 1] - blurred;
    });
    if (meta.noise === 0) {
      assert.ok(Math.max(...errors.map(Math.abs)) < 0.51, `${name}: ${Math.max(...errors.map(Math.abs))}`);
    } else {
      const deviation = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
      assert.ok(Math.abs(deviation - 255 * meta.noise) < 0.3, `${name}: ${deviation}`);
    }
  }
});

test('each scale gets every family once before any comes again, and every fifth pair is noisy', async () => {
  const metas = await Promise.all(
    (await readdir(path.join(work, 'set'))).sort().map(async (name) => {
      return JSON.parse(await readFile(path.join(work, 'set', name, 'meta.json'), 'utf8'));
    }),
  );
  for (const scale of request.scales) {
    const families = metas.filter((meta) => meta.scale === scale).map((meta) => meta.kernel);
    assert.deepEqual(families.sort(), [...FAMILY_NAMES].sort());
  }
  assert.deepEqual(
    metas.flatMap(({ noise }, i) => (noise > 0 ? [i + 1] : [])),
    [5, 10, 15],
  );
});

test('the same seed makes the same bytes, of which a smaller set is the beginning; another seed makes others', async () => {
  const [again, other] = [path.join(work, 'again'), path.join(work, 'other')];
  await makePairs({ ...request, count: 5, pictures, out: again });
  await makePairs({ ...request, count: 5, pictures, out: other, seed: 8 });
  const bytes = (folder: string, name: string) =>
    Promise.all(['lr.png', 'hr.png', 'kernel.npy', 'meta.json'].map((file) => readFile(path.join(folder, name, file))));
  const names = (await readdir(again)).sort();
  assert.equal(names.length, 5);
  for (const name of names) assert.deepEqual(await bytes(again, name), await bytes(path.join(work, 'set'), name));
  assert.notDeepEqual((await readdir(other)).sort(), names);
});

test('a folder that holds something, one without pictures and pictures that are too small are refused', async () => {
  const out = (name: string) => path.join(work, name);
  await assert.rejects(makePairs({ ...request, pictures, out: out('set') }), /not empty/);
  await assert.rejects(makePairs({ ...request, pictures: out('set'), out: out('none') }), /no pictures/);
  await assert.rejects(makePairs({ ...request, side: 64, pictures, out: out('large') }), /large enough/);
});

test('crops are taken where the photograph has detail', () => {
  const [width, height] = [400, 80];
  const noise = makeRandom(1).normals(width * height);
  // Detail in the last fifth only.
  const photograph = makePlanes(
    width,
    height,
    1,
    noise.map((v, i) => (i % width < 320 ? 0.5 : 0.5 + 0.1 * v)),
  );
  const point = makeKernel(2, 2, [1, 1, 1, 1]);
  for (let seed = 0; seed < 10; seed++) {
    const { hr } = makePair(photograph, point, 16, 0, makeRandom(seed));
    assert.ok(new Set(hr.data).size > 2, `seed ${seed}`);
  }
});
