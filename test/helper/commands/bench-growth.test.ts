import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { type BenchGrowthRequest, benchGrowth, type Measure } from '../../../helper/commands/bench-growth.ts';
import { growthPlot } from '../../../helper/commands/growth-plot.ts';
import { type GrowthRow, growthTable, ratioToLinear } from '../../../helper/commands/growth-table.ts';
import { upscaleApart } from '../../../helper/commands/upscale-apart.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { parseOptions } from '../../../shared/options.ts';
import { assertFails, run as runCli, sample } from '../cli-process.ts';

const cli = fileURLToPath(new URL('../../../helper/cli.js', import.meta.url));
const OPTIONS = parseOptions({});
const code = (expected: string) => (e: unknown) => e instanceof KernelFusionError && e.code === expected;

/** A run that takes `total` seconds, a quarter of them for the kernel and the rest for the picture. */
const row = (side: number, total: number, peakMemory: number): GrowthRow => ({
  side,
  timings: { prior: 0, kernel: total / 4, image: (3 * total) / 4, alpha: 0, total },
  peakMemory,
});

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kf-growth-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function setUp(t: TestContext) {
  const outDir = path.join(await temporaryFolder(t), 'out');
  const lines: string[] = [];
  /** A second for every 64 pixels: linear growth. Memory does not grow. */
  const linear: Measure = async (input) => {
    const { width, height } = await sharp(input).metadata();
    const { timings, peakMemory } = row(width, (width * height) / 64, 100);
    return { timings, peakMemory, threads: 2 };
  };
  const run = (changes: Partial<BenchGrowthRequest> = {}) =>
    benchGrowth({
      picture: sample,
      sizes: [32, 16],
      ...{ scale: 2, preset: 'balanced' },
      outDir,
      measure: linear,
      print: (line) => lines.push(line),
      ...changes,
    });
  const cells = async () =>
    (await readFile(path.join(outDir, 'growth.md'), 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
  return { outDir, lines, linear, run, cells };
}

test('every size has a printed line and a row; linear growth has the ratio 1', async (t) => {
  const { run, cells, lines, outDir } = await setUp(t);
  await run();
  const [head, , first, second, ...others] = await cells();
  assert.equal(others.length, 0);
  assert.deepEqual(head.slice(0, 2), ['side', 'megapixels']);
  // 256 pixels in 4 s are 15625 s a megapixel; four times the area in the same memory is a quarter of linear growth.
  assert.deepEqual(first, ['16', '0.000256', '0.0', '1.0', '3.0', '0.0', '4.0', '1.56e+4', '100', '1.00', '1.00']);
  assert.deepEqual(second, ['32', '0.00102', '0.0', '4.0', '12.0', '0.0', '16.0', '1.56e+4', '100', '1.00', '0.25']);
  assert.match(lines[0], /^16 x 16 +4\.0 s \(prior 0\.0, kernel 1\.0, image 3\.0, alpha 0\.0\) +100 MB$/);
  assert.equal(lines.length, 2);
  assert.match(await readFile(path.join(outDir, 'growth.md'), 'utf8'), /Scale 2, preset balanced, 2 threads\./);
});

test('growth is told from 256 where that is measured, and smaller layers have no ratio', async () => {
  const rows = [row(128, 10, 200), row(256, 20, 250), row(512, 120, 500)];
  assert.equal(
    ratioToLinear((r) => r.timings.total, rows[2], rows[1]),
    1.5,
  );
  const lines = growthTable('', rows, 256).split('\n');
  assert.ok(lines.some((line) => /^\| 128 \|.*\| 200 \|\s+\|\s+\|$/.test(line)));
  assert.ok(lines.some((line) => /^\| 256 \|.*\| 250 \| 1\.00 \| 1\.00 \|$/.test(line)));
  assert.ok(lines.some((line) => /^\| 512 \|.*\| 500 \| 1\.50 \| 0\.50 \|$/.test(line)));
});

const points = (svg: string, name: string) =>
  Array.from(svg.matchAll(new RegExp(`class="${name}" points="([^"]*)"`, 'g')), ([, list]) =>
    list.split(' ').map((point) => point.split(',').map(Number)),
  );

test('measured linear growth lies on the dashed line, and slower growth below it', () => {
  const svg = growthPlot([row(128, 10, 200), row(256, 40, 250), row(512, 160, 500)], 256);
  const [time, memory] = points(svg, 'measured');
  const [linearTime, linearMemory] = points(svg, 'linear');
  assert.deepEqual(time.slice(1), linearTime);
  assert.ok(Math.abs(time[1][0] * 2 - time[0][0] - time[2][0]) <= 0.2, 'equal ratios are equally far apart');
  assert.deepEqual(memory[1], linearMemory[0]);
  assert.ok(memory[2][0] === linearMemory[1][0] && memory[2][1] > linearMemory[1][1] + 10);
});

test('the plot is an SVG that can be drawn, from the first size on', async () => {
  for (const rows of [[row(128, 10, 200)], [row(128, 10, 200), row(256, 40, 250)]]) {
    const svg = growthPlot(rows, 256);
    assert.equal(points(svg, 'measured')[0].length, rows.length);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
    const { dominant } = await sharp(Buffer.from(svg)).stats();
    assert.ok(dominant.r > 200, 'light paper');
  }
});

test('an interrupted run keeps the rows it has', async (t) => {
  const { run, cells, linear } = await setUp(t);
  const controller = new AbortController();
  const measure: Measure = (...args) => {
    controller.abort();
    return linear(...args);
  };
  await assert.rejects(run({ measure, signal: controller.signal }), code('CANCELLED'));
  assert.deepEqual(
    (await cells()).slice(2).map(([side]) => side),
    ['16'],
  );
});

test('sizes that cannot be and a picture that is missing are refused before anything is written', async (t) => {
  const { run, outDir } = await setUp(t);
  for (const sizes of [[], [15], [16.5], [4097]]) await assert.rejects(run({ sizes }), code('BAD_OPTION'));
  await assert.rejects(run({ sizes: [4096], scale: 4 }), code('BAD_OPTION'));
  await assert.rejects(run({ preset: 'quick' }), code('BAD_OPTION'));
  await assert.rejects(run({ picture: path.join(outDir, 'absent.png') }), code('INPUT_NOT_FOUND'));
  assert.equal(existsSync(outDir), false);
  assertFails(await runCli('bench', 'growth'), 'BAD_OPTION', /--picture/);
  assertFails(await runCli('bench', 'growth', '--picture', sample, '--sizes', '16,x'), 'BAD_OPTION', /whole number/);
});

test('a run that fails is told with its own code, one that ends without a word as failed', async (t) => {
  const output = path.join(await temporaryFolder(t), 'out.png');
  await assert.rejects(upscaleApart('absent.png', output, OPTIONS, undefined, cli), code('INPUT_NOT_FOUND'));
  await assert.rejects(upscaleApart('absent.png', output, OPTIONS, undefined, 'absent.js'), code('ENGINE_FAILED'));
  await assert.rejects(upscaleApart(sample, output, OPTIONS, AbortSignal.abort(), cli), code('CANCELLED'));
});

test('from the command line, a real run is measured', async (t) => {
  const out = await temporaryFolder(t);
  const args = ['--picture', sample, '--sizes', '16', '--preset', 'fast', '--out', out];
  const { code, stdout, stderr } = await runCli('bench', 'growth', ...args);
  assert.equal(code, 0, stderr);
  assert.match(await readFile(path.join(out, 'growth.md'), 'utf8'), /Scale 2, preset fast, \d+ threads?\./);
  const [, megabytes] = /^16 x 16 .* (\d+) MB\nWrote .*growth\.md\nWrote .*growth\.svg\n$/.exec(stdout) ?? [];
  assert.ok(Number(megabytes) > 30 && Number(megabytes) < 4000, stdout);
  assert.deepEqual((await readdir(out)).sort(), ['growth-16-x2.png', 'growth-16.png', 'growth.md', 'growth.svg']);
  const { width, height } = await sharp(path.join(out, 'growth-16-x2.png')).metadata();
  assert.deepEqual([width, height], [32, 32]);
});
