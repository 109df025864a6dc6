import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type BenchAblationRequest, benchAblation } from '../../../helper/commands/bench-ablation.ts';
import { runJob } from '../../../helper/job.ts';
import { PAPER_SMALL, type PaperPlan } from '../../../helper/kernelfusion/methods/paper.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { makePair, plain } from '../../support/pairs.ts';

const TINY: PaperPlan = {
  training: { ...PAPER_SMALL.training, steps: 4, decay: 2, batch: 2, crop: 12, width: 8 },
  diffusion: { ...PAPER_SMALL.diffusion, steps: 2, firstIterations: 2, iterations: 1, widths: [8, 16] },
};

async function setUp(t: TestContext, names: readonly string[], changes: Partial<BenchAblationRequest> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'kernelfusion-ablation-'));
  t.after(() => rm(folder, { recursive: true }));
  const [pairsDir, outDir] = [path.join(folder, 'pairs'), path.join(folder, 'out')];
  for (const name of names) await makePair(path.join(pairsDir, name));
  const run = () =>
    benchAblation({
      ...{ pairsDir, outDir, preset: 'paper-small', seed: 1, plan: TINY, print: () => {}, run: runJob },
      ...changes,
    });
  const file = (name: string) => readFile(path.join(outDir, name), 'utf8');
  return { run, outDir, file };
}

test('every variant enlarges every pair, each by its own way, after one training a pair', async (t) => {
  let trained = 0;
  const { run, outDir, file } = await setUp(t, ['b', 'a'], {
    run: async (layer, options, context) => {
      if (!context?.checkpoint?.prior) trained++;
      return runJob(layer, options, { ...context, threads: 1 });
    },
  });
  const { rows, exitCode } = await run();
  assert.equal(exitCode, 0);
  assert.deepEqual(
    rows.map(({ variant, scores }) => [variant, scores.map(({ name }) => name)]),
    ['deep-image-prior', 'without-prior', 'single-pass', 'full'].map((variant) => [variant, ['a', 'b']]),
  );
  // Both pairs are one picture: the second has its prior from the first.
  assert.equal(trained, 1);
  const psnr = rows.map(({ scores }) => scores[0].ours.psnrY);
  assert.equal(new Set(psnr).size, 4, `${psnr}`);
  assert.deepEqual((await readdir(outDir)).sort(), [
    'ablation.csv',
    'ablation.md',
    'deep-image-prior',
    'full',
    'single-pass',
    'without-prior',
  ]);
  assert.match(await readFile(path.join(outDir, 'full', 'quality.md'), 'utf8'), /Preset paper-small/);

  const csv = (await file('ablation.csv')).trimEnd().split('\n');
  assert.equal(csv.length, 1 + 4 * 2);
  assert.equal(csv[7].split(',')[2], psnr[3].toFixed(4));
  const markdown = await file('ablation.md');
  assert.match(markdown, /prior 8 wide, 2 diffusion steps, 2 \+ 1 iterations, U-Net 8-16/);
  assert.match(markdown, /^\| full \| \d+\.\d\d \| /m);
});

test('a pair that fails in one variant is told, and the run ends as failed', async (t) => {
  let calls = 0;
  const { run, file } = await setUp(t, ['a', 'b'], {
    run: async (...job) => {
      if (++calls === 2) throw new KernelFusionError('ENGINE_FAILED', 'Out of luck.');
      return plain(job[0], job[1], {});
    },
  });
  const { rows, exitCode } = await run();
  assert.equal(exitCode, 1);
  assert.deepEqual(
    rows.map(({ scores }) => scores.length),
    [1, 2, 2, 2],
  );
  assert.match(await file('ablation.md'), /plain deep image prior \|.*\| failed \|/);
});
