import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import sharp from 'sharp';
import { type BenchQualityRequest, benchQuality, type Upscale } from '../../../helper/commands/bench-quality.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { readNpy } from '../../../shared/kernel-formats/npy.ts';
import { makePair, plain, RAMP } from '../../support/pairs.ts';

async function setUp(t: TestContext, names: readonly string[]) {
  const folder = await mkdtemp(path.join(tmpdir(), 'kernelfusion-bench-'));
  t.after(() => rm(folder, { recursive: true }));
  const pairsDir = path.join(folder, 'pairs');
  const outDir = path.join(folder, 'out', 'tables');
  for (const name of names) await makePair(path.join(pairsDir, name), name.includes('alpha'));
  const lines: string[] = [];
  const run = (changes: Partial<BenchQualityRequest> = {}) =>
    benchQuality({
      pairsDir,
      outDir,
      preset: 'fast',
      seed: 1,
      knownKernel: false,
      upscale: plain,
      print: (line) => lines.push(line),
      ...changes,
    });
  const csv = async () => (await readFile(path.join(outDir, 'quality.csv'), 'utf8')).trimEnd().split('\n');
  return { pairsDir, outDir, lines, run, csv };
}

const code = (expected: string) => (e: unknown) => e instanceof KernelFusionError && e.code === expected;

test('every pair has a printed line and a row; a bicubic enlargement gains nothing over itself', async (t) => {
  const { run, outDir, lines, csv } = await setUp(t, ['b', 'a_alpha']);
  const { scores, failures, exitCode } = await run();
  assert.deepEqual(
    scores.map(({ name }) => name),
    ['a_alpha', 'b'],
  );
  assert.equal(failures.length, 0);
  assert.equal(exitCode, 0);
  assert.deepEqual(scores[1].ours, scores[1].bicubic);
  assert.ok(scores[0].ours.psnrAlpha! > 10 && scores[1].ours.psnrAlpha === undefined);
  assert.ok(scores[0].peakMemory > 1e7);

  const rows = (await csv()).map((line) => line.split(','));
  assert.deepEqual(
    rows.map(([name]) => name),
    ['pair', 'a_alpha', 'b', 'mean'],
  );
  const column = (key: string) => rows.map((row) => row[rows[0].indexOf(key)]);
  assert.deepEqual(column('gain'), ['gain', '0.0000', '0.0000', '0.0000']);
  assert.deepEqual(column('image_s').slice(1), ['3.000', '3.000', '3.000']);
  assert.equal(Number(column('psnr_y')[3]).toFixed(3), ((scores[0].ours.psnrY + scores[1].ours.psnrY) / 2).toFixed(3));
  assert.equal(column('psnr_alpha')[2], '');
  assert.deepEqual(column('confidence'), ['confidence', '', '', '']);
  assert.equal(column('psnr_alpha')[3], column('psnr_alpha')[1]);

  assert.match(lines[0], /^a_alpha .* x2 .*gain \+0\.00 dB.*kernel 0\.\d+ \(bicubic\)/);
  assert.match(lines[2], /^x2, 2 pairs: .*gain \+0\.00 dB/);
  const markdown = await readFile(path.join(outDir, 'quality.md'), 'utf8');
  assert.match(markdown, /Preset fast, seed 1, kernel estimated, all threads\./);
  assert.match(markdown, /\| \*\*mean of 2\*\* \| x2 \|/);
  assert.match(markdown, /- b: Taken as it is, "so to say"\./);
});

test('the true kernel is handed over on request, and results are kept beside the tables', async (t) => {
  const { run, outDir } = await setUp(t, ['a']);
  const { scores } = await run({ knownKernel: true });
  assert.equal(scores[0].kernelSource, 'given');
  assert.ok(Math.abs(scores[0].kernel.ncc - 1) < 1e-9);
  assert.deepEqual((await readdir(outDir)).sort(), ['a.npy', 'a.png', 'quality.csv', 'quality.md']);
  const { width, height } = await sharp(path.join(outDir, 'a.png')).metadata();
  assert.deepEqual([width, height], [48, 40]);
  const kernel = readNpy(await readFile(path.join(outDir, 'a.npy')), 2);
  assert.ok(kernel.data.every((v, i) => Math.abs(v - RAMP.data[i]) < 1e-7));
});

test('options and threads reach the method', async (t) => {
  const { run } = await setUp(t, ['a']);
  const seen: unknown[] = [];
  await run({
    seed: 9,
    threads: 3,
    upscale: (layer, options, context) => {
      seen.push(options.seed, options.scale, options.preset, context.threads, context.kernel);
      return plain(layer, options, context);
    },
  });
  assert.deepEqual(seen, [9, 2, 'fast', 3, undefined]);
});

test('pairs that fail are told with the reason, the others go on, and the run ends as failed', async (t) => {
  const { run, pairsDir, lines, csv } = await setUp(t, ['a', 'b', 'c', 'd']);
  await rm(path.join(pairsDir, 'a', 'meta.json'));
  await writeFile(path.join(pairsDir, 'b', 'kernel.npy'), 'no kernel');
  let calls = 0;
  const { scores, failures, exitCode } = await run({
    upscale: (...args) => {
      if (++calls === 1) throw new KernelFusionError('ENGINE_FAILED', 'Out, of "luck".');
      return plain(...args);
    },
  });
  assert.equal(exitCode, 1);
  assert.deepEqual(
    scores.map(({ name }) => name),
    ['d'],
  );
  assert.deepEqual(
    failures.map(({ name, reason }) => [name, reason.split(':')[0]]),
    [
      ['a', 'INPUT_UNREADABLE'],
      ['b', 'BAD_KERNEL'],
      ['c', 'ENGINE_FAILED'],
    ],
  );
  assert.match(lines.at(-1)!, /^Failed: a, b, c$/);
  assert.match((await csv())[3], /^c,+"failed: ENGINE_FAILED: Out, of ""luck""\."$/);
});

test('an interrupted run keeps the rows it has', async (t) => {
  const { run, csv } = await setUp(t, ['a', 'b', 'c']);
  const controller = new AbortController();
  let calls = 0;
  const upscale: Upscale = (...args) => {
    if (++calls === 2) controller.abort();
    return plain(...args);
  };
  await assert.rejects(run({ upscale, signal: controller.signal }), code('CANCELLED'));
  assert.equal(calls, 2);
  assert.deepEqual(
    (await csv()).map((line) => line.split(',')[0]),
    ['pair', 'a', 'mean'],
  );
});

test('pairs are chosen by name or its beginning; a name that fits none is a mistake', async (t) => {
  const { run } = await setUp(t, ['d01_x', 'd02_y', 'd03_z']);
  const { scores } = await run({ only: ['d03', 'd01_x'] });
  assert.deepEqual(
    scores.map(({ name }) => name),
    ['d01_x', 'd03_z'],
  );
  await assert.rejects(run({ only: ['d01', 'e'] }), code('BAD_OPTION'));
});

test('a folder without pairs, and no folder, are refused before anything is written', async (t) => {
  const { run, pairsDir, outDir } = await setUp(t, []);
  await assert.rejects(run(), code('INPUT_NOT_FOUND'));
  await mkdir(pairsDir);
  await assert.rejects(run(), code('INPUT_NOT_FOUND'));
  assert.equal(existsSync(outDir), false);
});
