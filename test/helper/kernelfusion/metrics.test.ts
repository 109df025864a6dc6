import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makePlanes } from '../../../helper/image/planes.ts';
import type { Layer } from '../../../helper/kernelfusion/method.ts';
import { type PictureScore, scoreKernel, scorePicture } from '../../../helper/kernelfusion/metrics.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { type Kernel, makeKernel, shift } from '../../../shared/kernel.ts';
import { readNpy } from '../../../shared/kernel-formats/npy.ts';
import { loadLayer } from '../../support/pixels.ts';
import { needsPython, PYTHON } from '../../support/python.ts';

/** Layer of the given levels (0..255) by row, column and plane. */
function layer(
  width: number,
  height: number,
  levels: (y: number, x: number, c: number) => number,
  channels = 3,
): Layer {
  const data = Float32Array.from({ length: channels * width * height }, (_, i) => {
    const pixel = i % (width * height);
    return levels(Math.floor(pixel / width), pixel % width, Math.floor(i / (width * height))) / 255;
  });
  return { colour: makePlanes(width, height, channels, data), alpha: null };
}

const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} is not ${expected}`);

/** What the benchmark's script prints. */
interface ScriptScore {
  psnr_y: number;
  ssim_y: number;
  psnr_rgb: number;
  psnr_y_shift: number;
  ssim_y_shift: number;
  psnr_alpha?: number;
  shift: [number, number];
}

function assertAgrees(ours: PictureScore, script: ScriptScore, name: string): void {
  near(ours.psnrY, script.psnr_y, 0.01, `${name} psnrY`);
  near(ours.ssimY, script.ssim_y, 0.001, `${name} ssimY`);
  near(ours.psnrRgb, script.psnr_rgb, 0.01, `${name} psnrRgb`);
  near(ours.psnrYShift, script.psnr_y_shift, 0.01, `${name} psnrYShift`);
  near(ours.ssimYShift, script.ssim_y_shift, 0.001, `${name} ssimYShift`);
  near(ours.shift[0], script.shift[0], 0.01, `${name} shift down`);
  near(ours.shift[1], script.shift[1], 0.01, `${name} shift right`);
  assert.equal(ours.psnrAlpha === undefined, script.psnr_alpha === undefined);
  if (script.psnr_alpha !== undefined) near(ours.psnrAlpha!, script.psnr_alpha, 0.01, `${name} psnrAlpha`);
}

const texture = (y: number, x: number) => 100 + 60 * Math.sin(y / 3 + x / 5) + 40 * Math.cos(x / 4);

test('one level everywhere costs 48.13 dB in RGB, and in luma what its range makes of it', () => {
  const truth = layer(40, 36, (y, x) => Math.round(texture(y, x)));
  const brighter = layer(40, 36, (y, x) => Math.round(texture(y, x)) + 1);
  const score = scorePicture(brighter, truth, 1);
  // 20 log10(255) and 20 log10(255 / (219 / 255)).
  near(score.psnrRgb, 48.1308, 1e-4, 'psnrRgb');
  near(score.psnrY, 49.4528, 1e-4, 'psnrY');
});

test('equal pictures score Infinity, 1 and no shift, also where float32 rounds the levels', () => {
  const truth = layer(40, 36, texture);
  assert.deepEqual(scorePicture(layer(40, 36, texture), truth, 2), {
    psnrY: Number.POSITIVE_INFINITY,
    ssimY: 1,
    psnrRgb: Number.POSITIVE_INFINITY,
    psnrYShift: Number.POSITIVE_INFINITY,
    ssimYShift: 1,
    shift: [0, 0],
  });
});

test('values outside 0..1 are clipped and fractions of a level are rounded before anything is compared', () => {
  const truth = layer(40, 36, (_, x) => (x < 20 ? 0 : 255));
  const beyond = layer(40, 36, (_, x) => (x < 20 ? -30.4 : 299.4));
  const fraction = layer(40, 36, (_, x) => (x < 20 ? 0.4 : 254.6));
  assert.equal(scorePicture(beyond, truth, 1).psnrRgb, Number.POSITIVE_INFINITY);
  assert.equal(scorePicture(fraction, truth, 1).psnrRgb, Number.POSITIVE_INFINITY);
});

test('a border of 4 s pixels does not count', () => {
  const truth = layer(40, 36, texture);
  const wrong = (y: number, x: number) => (Math.min(y, x, 35 - y, 39 - x) < 8 ? 0 : texture(y, x));
  assert.equal(scorePicture(layer(40, 36, wrong), truth, 2).psnrY, Number.POSITIVE_INFINITY);
  assert.ok(scorePicture(layer(40, 36, wrong), truth, 1).psnrY < 20);
});

test('the sub-pixel shift of a smooth picture is found, with its sign', () => {
  const truth = layer(64, 56, texture);
  const score = scorePicture(
    layer(64, 56, (y, x) => texture(y - 0.75, x + 1.4)),
    truth,
    2,
  );
  near(score.shift[0], -0.75, 0.02, 'down');
  near(score.shift[1], 1.4, 0.02, 'right');
  assert.ok(score.psnrYShift > score.psnrY + 20, `${score.psnrY} to ${score.psnrYShift}`);
});

test('a flat picture against a flat one, and against a texture, has finite numbers and stays where it is', () => {
  const flat = layer(40, 36, () => 100);
  const score = scorePicture(
    layer(40, 36, () => 110),
    flat,
    2,
  );
  near(score.psnrRgb, 28.1308, 1e-4, 'psnrRgb');
  assert.deepEqual(score.shift, [0, 0]);
  const textured = scorePicture(flat, layer(40, 36, texture), 2);
  assert.ok(Object.values(textured).flat().every(Number.isFinite));
  assert.deepEqual(textured.shift, [0, 0]);
});

test('a grey picture scores like the same picture in three equal planes', () => {
  const truth = layer(40, 36, texture);
  const changed = (y: number, x: number) => texture(y, x) + 9 * Math.sin(x * y);
  assert.deepEqual(
    scorePicture(layer(40, 36, changed, 1), layer(40, 36, texture, 1), 2),
    scorePicture(layer(40, 36, changed), truth, 2),
  );
});

test('what is hidden by alpha does not count, and a result without alpha counts as opaque', () => {
  const alpha = makePlanes(40, 36, 1);
  for (let i = 0; i < alpha.data.length; i++) alpha.data[i] = i % 40 < 20 ? 1 : 0;
  const truth = { ...layer(40, 36, texture), alpha };
  const other = { ...layer(40, 36, (y, x) => (x < 20 ? texture(y, x) : 7)), alpha };
  assert.equal(scorePicture(other, truth, 1).psnrRgb, Number.POSITIVE_INFINITY);
  // Of the columns 4..35, 16 of 32 are wrong by 255: 10 log10(2) dB.
  near(scorePicture({ ...truth, alpha: null }, truth, 1).psnrAlpha!, 3.0103, 1e-4, 'psnrAlpha');
});

test('sizes that differ or leave nothing to compare are refused', () => {
  const code = (expected: string) => (e: unknown) => e instanceof KernelFusionError && e.code === expected;
  const flat = (w: number, h: number) => layer(w, h, () => 1);
  assert.throws(() => scorePicture(flat(40, 36), flat(36, 40), 1), code('INPUT_UNSUPPORTED'));
  assert.throws(() => scorePicture(flat(40, 26), flat(40, 26), 2), code('INPUT_TOO_SMALL'));
});

test('a kernel moved by whole pixels is found again, whole', () => {
  const kernel = makeKernel(
    8,
    2,
    Array.from({ length: 64 }, (_, i) => (i % 8 > 1 && i % 8 < 6 ? (i * 7) % 5 : 0)),
  );
  const moved = shift(kernel, 0, -2);
  const score = scoreKernel(moved, kernel);
  near(score.ncc, 1, 1e-12, 'ncc');
  near(score.l1, 0, 1e-12, 'l1');
  assert.deepEqual(score.shift, [0, 2]);
});

test('a point against a pair of points: correlation 1/sqrt(2), L1 1', () => {
  const kernel = (values: number[]): Kernel => makeKernel(3, 1, values);
  const point = kernel([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  const diagonal = kernel([1, 0, 0, 0, 0, 0, 0, 0, 1]);
  const score = scoreKernel(point, diagonal);
  near(score.ncc, Math.SQRT1_2, 1e-12, 'ncc');
  near(score.l1, 1, 1e-12, 'l1');
});

test('negative lobes count as nothing', () => {
  const positive = makeKernel(3, 1, [0, 1, 0, 1, 2, 1, 0, 1, 0]);
  const lobed = makeKernel(3, 1, [-0.2, 1, -0.2, 1, 2, 1, -0.2, 1, -0.2]);
  near(scoreKernel(lobed, positive).ncc, 1, 1e-12, 'ncc');
});

/** The project's folder, seen from the compiled file. */
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const FIXTURES = path.join(ROOT, 'test/fixtures/metrics');
const fixture = (name: string) => path.join(FIXTURES, name);

test('stored pictures and kernels score as the script of the benchmark scored them', async () => {
  const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));
  const picture = scorePicture(await loadLayer(fixture('result.png')), await loadLayer(fixture('truth.png')), 4);
  assertAgrees(picture, expected.picture, 'picture');
  const withAlpha = [fixture('result-alpha.png'), fixture('truth-alpha.png')].map(loadLayer);
  const [result, truth] = await Promise.all(withAlpha);
  assertAgrees(scorePicture(result, truth, 2), expected.pictureWithAlpha, 'picture with alpha');
  const kernel = (name: string) => readNpy(readFileSync(fixture(name)), 4);
  const score = scoreKernel(kernel('estimate.npy'), kernel('truth.npy'));
  near(score.ncc, expected.kernel.ncc, 0.001, 'ncc');
  near(score.l1, expected.kernel.l1, 0.001, 'l1');
  assert.deepEqual(score.shift, expected.kernel.shift);
});

const BENCH = path.join(ROOT, '../shared/bench');
const SCRIPT = path.join(BENCH, 'make_lr.py');
const live = existsSync(SCRIPT)
  ? needsPython('numpy', 'scipy', 'PIL')
  : { skip: 'the benchmark is not beside the project' };

function script(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(PYTHON, [SCRIPT, ...args], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('bicubic enlargements of benchmark pairs score as its script scores them', live, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kernelfusion-metrics-'));
  try {
    for (const [name, scale] of [
      ['d01_colosseum', 4],
      ['d11_parrot_alpha', 2],
    ] as const) {
      const pair = path.join(BENCH, 'pairs', name);
      const result = path.join(folder, `${name}.png`);
      script('bicubic', path.join(pair, 'lr.png'), String(scale), result);
      const theirs = JSON.parse(script('score', result, path.join(pair, 'hr.png'), String(scale)));
      const truth = await loadLayer(path.join(pair, 'hr.png'));
      assertAgrees(scorePicture(await loadLayer(result), truth, scale), theirs, name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('benchmark kernels score against each other as its script scores them', live, () => {
  const file = (name: string) => path.join(BENCH, 'kernels', `${name}.npy`);
  for (const [estimate, truth] of [
    ['levin4', 'levin7'],
    ['bicubic_4', 'disk_4'],
    ['deltaish', 'levin5'],
  ]) {
    const theirs = JSON.parse(script('kernel', file(estimate), file(truth)));
    const ours = scoreKernel(readNpy(readFileSync(file(estimate)), 4), readNpy(readFileSync(file(truth)), 4));
    near(ours.ncc, theirs.ncc, 0.001, `${estimate} ncc`);
    near(ours.l1, theirs.l1, 0.001, `${estimate} l1`);
    assert.deepEqual(ours.shift, theirs.shift);
  }
});
