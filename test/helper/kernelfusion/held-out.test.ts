import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPlanes } from '../../../helper/image/planes.ts';
import { hidePixels, predictionError } from '../../../helper/kernelfusion/held-out.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { bicubicKernel, flip } from '../../../shared/kernel.ts';
import { everywhere } from '../../support/everywhere.ts';
import { blurred, HOOK, rectangles } from '../../support/scene.ts';

const SIGMA = 0.005;
const y = blurred(rectangles(110, 4), HOOK);
const shown = hidePixels(y.data.length, makeRandom(3));

test('about a quarter of the pixels is hidden, the same ones for the same seed', () => {
  const many = hidePixels(40_000, makeRandom(1));
  assert.ok(many.every((v) => v === 0 || v === 1));
  const hidden = many.reduce((sum, v) => sum + 1 - v, 0) / many.length;
  assert.ok(Math.abs(hidden - 0.25) < 0.01, `${hidden}`);
  assert.deepEqual(many, hidePixels(40_000, makeRandom(1)));
  assert.notDeepEqual(many, hidePixels(40_000, makeRandom(2)));
});

test('the true kernel predicts hidden pixels better than itself turned round, and than the plain bicubic one', async () => {
  const error = (kernel: typeof HOOK) => predictionError(y, everywhere(y), shown, kernel, SIGMA);
  const truth = await error(HOOK);
  assert.ok(truth > 0);
  assert.ok(truth < 0.97 * (await error(flip(HOOK))), 'turned');
  assert.ok(truth < 0.97 * (await error(bicubicKernel(2))), 'bicubic');
});

test('the prediction never sees what it predicts: hidden pixels moved by a constant are missed by just that', async () => {
  const constant = 10;
  const moved = mapPlanes(y, (v) => v);
  for (let i = 0; i < shown.length; i++) if (shown[i] === 0) moved.data[i] += constant;
  const before = await predictionError(y, everywhere(y), shown, HOOK, SIGMA);
  const after = await predictionError(moved, everywhere(y), shown, HOOK, SIGMA);
  // mean (e + c)^2 = mean e^2 + 2 c mean e + c^2, and |mean e| <= before.
  assert.ok(Math.abs(after - constant) <= before, `${before}, ${after}`);
});

test('pixels that are not usable are not scored', async () => {
  const usable = everywhere(y).map((_, i) => (i % y.width < y.width / 2 ? 1 : 0));
  const spoilt = mapPlanes(y, (v) => v);
  for (let i = 0; i < usable.length; i++) if (usable[i] === 0 && shown[i] === 0) spoilt.data[i] = 50;
  const clean = await predictionError(y, usable, shown, HOOK, SIGMA);
  assert.ok(clean > 0);
  assert.equal(await predictionError(spoilt, usable, shown, HOOK, SIGMA), clean);
  assert.equal(await predictionError(y, new Uint8Array(usable.length), shown, HOOK, SIGMA), 0);
});

test('a cancelled prediction stops', async () => {
  await assert.rejects(predictionError(y, everywhere(y), shown, HOOK, SIGMA, AbortSignal.abort()), {
    code: 'CANCELLED',
  });
});
