import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { type BenchPageRequest, benchPage } from '../../../helper/commands/bench-page.ts';
import { benchQuality, type Upscale } from '../../../helper/commands/bench-quality.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { makePair, plain } from '../../support/pairs.ts';
import { assertFails, run as runCli } from '../cli-process.ts';

/** Bicubic enlargement, made white in 2 x 2 pixels at row 20, column 30. */
const marked: Upscale = async (...args) => {
  const { result, timings } = await plain(...args);
  const { width, height, channels, data } = result.layer.colour;
  for (let c = 0; c < channels; c++) {
    for (const y of [20, 21]) data.fill(1, (c * height + y) * width + 30, (c * height + y) * width + 32);
  }
  return { result: { ...result, kernelSource: 'estimated', confidence: 0.25 }, timings };
};

/** A run of two pairs as `bench quality` leaves it. */
async function setUp(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'kernelfusion-page-'));
  t.after(() => rm(folder, { recursive: true }));
  const [pairsDir, runDir, outDir] = ['pairs', 'run', 'page'].map((name) => path.join(folder, name));
  await makePair(path.join(pairsDir, 'a'));
  await makePair(path.join(pairsDir, 'b_alpha'), true);
  const meta = { scale: 2, source: 'A collection', licence: 'CC0-1.0', kernel: 'ramp', noise: 0 };
  await writeFile(path.join(pairsDir, 'a', 'meta.json'), JSON.stringify(meta));
  const quality = { preset: 'fast', seed: 1, knownKernel: false, print: () => {} };
  await benchQuality({ ...quality, pairsDir, outDir: runDir, upscale: marked });
  const lines: string[] = [];
  const run = (changes: Partial<BenchPageRequest> = {}) =>
    benchPage({ pairsDir, runDir, outDir, print: (line) => lines.push(line), ...changes });
  return { pairsDir, runDir, outDir, lines, run };
}

const refused = (code: string, sentence: RegExp) => (e: unknown) =>
  e instanceof KernelFusionError && e.code === code && sentence.test(e.message);

test('a run becomes a page with a picture a pair, of the place where result and bicubic differ', async (t) => {
  const { run, outDir, lines } = await setUp(t);
  const { markdown, pictures, bytes } = await run();
  assert.deepEqual((await readdir(outDir)).sort(), ['README.md', 'a.png', 'b_alpha.png']);
  assert.deepEqual(pictures, [path.join(outDir, 'a.png'), path.join(outDir, 'b_alpha.png')]);
  const files = await Promise.all([markdown, ...pictures].map((file) => readFile(file)));
  assert.equal(
    bytes,
    files.reduce((sum, file) => sum + file.length, 0),
  );
  // Inside the border of 8 there are 24 x 32 pixels, and the mark comes into the window of 24 a side at once.
  assert.match(lines[0], /^a +24 x 24 at row 8, column 8 /);
  const { data, info } = await sharp(pictures[0]).raw().toBuffer({ resolveWithObject: true });
  const panel = 192 + 4;
  const at = (p: number, row: number, column: number) =>
    data[3 * ((row - 8) * 8 * info.width + p * panel + (column - 8) * 8)];
  assert.equal(at(1, 20, 30), 255);
  assert.ok(at(0, 20, 30) < 255 && at(2, 20, 30) < 255);

  const page = files[0].toString();
  assert.match(page, /^Preset fast, seed 1, kernel estimated, all threads\./m);
  assert.match(page, /^\| a \| x2 \| .* \| estimated \| 6\.0 \|$/m);
  assert.match(page, /\(estimated, confidence 0\.25\)\./);
  assert.match(page, /^True kernel: ramp\. Photograph: A collection, \[CC0-1\.0\]/m);
  assert.match(page, /^!\[b_alpha: .*\]\(b_alpha\.png\)$/m);
  // The mark is in no truth: both pairs are harmed, and the page says so.
  assert.match(page, /^2 of 2:\n\n- a: the result is worse than bicubic/m);
});

test('the same run gives the same page, byte for byte', async (t) => {
  const { run, outDir } = await setUp(t);
  const read = async () => Promise.all((await readdir(outDir)).map((name) => readFile(path.join(outDir, name))));
  await run();
  const first = await read();
  await run();
  assert.deepEqual(await read(), first);
});

test('a result that moved is shown where the truth is', async (t) => {
  const { run, pairsDir, runDir, outDir } = await setUp(t);
  const moved: Upscale = async (layer, options, context) => {
    const { result, timings } = await plain(layer, options, context);
    const { data, info } = await sharp(path.join(pairsDir, 'a', 'hr.png'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { colour } = result.layer;
    const { width, height } = info;
    for (let i = 0; i < colour.data.length; i++) {
      const [c, y, x] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
      colour.data[i] = data[3 * (y * width + Math.min(width - 1, x + 1)) + c] / 255;
    }
    return { result, timings };
  };
  const quality = { preset: 'fast', seed: 1, knownKernel: false, print: () => {} };
  await benchQuality({ ...quality, pairsDir, outDir: runDir, only: ['a'], upscale: moved });
  await run();
  const { data, info } = await sharp(path.join(outDir, 'a.png')).raw().toBuffer({ resolveWithObject: true });
  const panel = (p: number) =>
    Array.from({ length: 192 }, (_, y) =>
      data.subarray(3 * (y * info.width + p * 196), 3 * (y * info.width + p * 196 + 192)),
    );
  assert.deepEqual(panel(1), panel(2));
  assert.notDeepEqual(panel(0), panel(2));
});

test('pairs that are not those of the run are refused, by name', async (t) => {
  const { run, pairsDir } = await setUp(t);
  await sharp(path.join(pairsDir, 'b_alpha', 'hr.png'))
    .negate({ alpha: false })
    .toFile(path.join(pairsDir, 'other.png'));
  await writeFile(path.join(pairsDir, 'b_alpha', 'hr.png'), await readFile(path.join(pairsDir, 'other.png')));
  await assert.rejects(run(), refused('INPUT_UNREADABLE', /^b_alpha: The table says .* use the pairs of that run\.$/));
});

test('a folder without a run, and what a run lacks, are named', async (t) => {
  const { run, pairsDir, runDir } = await setUp(t);
  await assert.rejects(run({ runDir: pairsDir }), refused('INPUT_NOT_FOUND', /no quality\.csv/));
  await rm(path.join(runDir, 'a.npy'));
  await assert.rejects(run(), refused('INPUT_UNREADABLE', /^a: The run's kernel/));
  await rm(path.join(runDir, 'a.png'));
  await assert.rejects(run(), refused('INPUT_NOT_FOUND', /^a: /));
  await rm(path.join(pairsDir, 'a'), { recursive: true });
  await assert.rejects(run(), refused('INPUT_UNREADABLE', /^a: The pair's meta\.json/));
  await rm(path.join(runDir, 'quality.md'));
  await assert.rejects(run(), refused('INPUT_NOT_FOUND', /no quality\.md/));
});

test('a pair that leads out of its folder is refused, and nothing is written', async (t) => {
  const { run, runDir, outDir } = await setUp(t);
  const csv = path.join(runDir, 'quality.csv');
  await writeFile(csv, (await readFile(csv, 'utf8')).replace(/^a,/m, '../run/a,'));
  await assert.rejects(run(), refused('INPUT_UNREADABLE', /not the name of a folder/));
  assert.deepEqual(await readdir(outDir), []);
});

test("the page does not replace the run's own pictures", async (t) => {
  const { run, runDir } = await setUp(t);
  const before = await readFile(path.join(runDir, 'a.png'));
  await assert.rejects(run({ outDir: path.join(runDir, '..', 'run') }), refused('BAD_OPTION', /folder of its own/));
  assert.deepEqual(await readFile(path.join(runDir, 'a.png')), before);
});

test('on request to stop no page is written, and the next pair is not looked at', async (t) => {
  const { run, pairsDir, outDir } = await setUp(t);
  const controller = new AbortController();
  const print = () => {
    controller.abort();
    rmSync(path.join(pairsDir, 'b_alpha'), { recursive: true });
  };
  await assert.rejects(run({ signal: controller.signal, print }), refused('CANCELLED', /./));
  assert.deepEqual(await readdir(outDir), ['a.png']);
});

test('the command writes into the folder of the run unless told otherwise, and asks for what it needs', async (t) => {
  const { pairsDir, runDir } = await setUp(t);
  assertFails(await runCli('bench', 'page', '--pairs', pairsDir), 'BAD_OPTION', /--run/);
  const { code, stdout, stderr } = await runCli('bench', 'page', '--pairs', pairsDir, '--run', runDir);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^Wrote .*README\.md and its pictures \(2\), \d\.\d\d MB together$/m);
  assert.deepEqual((await readdir(path.join(runDir, 'page'))).sort(), ['README.md', 'a.png', 'b_alpha.png']);
});
