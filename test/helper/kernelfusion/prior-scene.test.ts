import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Planes } from '../../../helper/image/planes.ts';
import { makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { sceneUnderPrior } from '../../../helper/kernelfusion/prior-scene.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { knowingPrior } from '../../support/knowing-prior.ts';
import { blurred, gaussian, rectangles } from '../../support/scene.ts';

const SIZE = 10;
const SIGMA = 1 / 127.5;
const OBLIQUE = gaussian(SIZE, 2, 2.4, 0.8, 0.6);
const SCENE = rectangles(90, 4);
const noise = makeRandom(1).normals(SCENE.data.length);
const clean = blurred(SCENE, OBLIQUE);
const y = { ...clean, data: clean.data.map((v, i) => v + SIGMA * noise[i]) };
const shown = Float32Array.from({ length: y.data.length }, (_, i) => (i % 3 === 0 ? 0 : 1));

const VIEW = { y, sigma: SIGMA, denoiser: knowingPrior(SCENE) };
const TIMES = [60, 40, 26, 17];

const errorOf = (x: Planes) =>
  Math.sqrt(x.data.reduce((sum, v, i) => sum + (v - SCENE.data[i]) ** 2, 0) / x.data.length);

test('the steps are made at the times asked for, and each brings the scene nearer to what the prior knows', async () => {
  const heard: number[] = [];
  const known = await sceneUnderPrior({ ...VIEW, denoiser: knowingPrior(SCENE, heard) }, shown, OBLIQUE, TIMES);
  assert.deepEqual(heard, TIMES);
  const fewer = await sceneUnderPrior(VIEW, shown, OBLIQUE, TIMES.slice(0, 2));
  const ignorant = { ...VIEW, denoiser: { denoise: async (x: Planes) => x } };
  const without = await sceneUnderPrior(ignorant, shown, OBLIQUE, TIMES);
  assert.ok(errorOf(known) < errorOf(fewer) && errorOf(fewer) < errorOf(without));
  assert.ok(errorOf(known) < 0.7 * errorOf(without));
});

test('it explains the pixels shown, and those hidden have no part in it', async () => {
  const scene = await sceneUnderPrior(VIEW, shown, OBLIQUE, TIMES);
  const explained = makeDegradation(OBLIQUE, y.width, y.height).apply(scene.data);
  const residual = Math.sqrt(
    explained.reduce((sum, v, i) => sum + shown[i] * (v - y.data[i]) ** 2, 0) / shown.reduce((a, b) => a + b),
  );
  assert.ok(residual < 2 * SIGMA, `${residual / SIGMA} sigma`);
  const spoilt = (hidden: boolean) => ({
    ...y,
    data: y.data.map((v, i) => ((shown[i] === 0) === hidden ? v + 0.3 : v)),
  });
  const of = (layer: Planes) => sceneUnderPrior({ ...VIEW, y: layer }, shown, OBLIQUE, TIMES);
  assert.deepEqual((await of(spoilt(true))).data, scene.data);
  assert.notDeepEqual((await of(spoilt(false))).data, scene.data);
});

test('a cancel is heard', async () => {
  const stop = new AbortController();
  stop.abort();
  await assert.rejects(sceneUnderPrior({ ...VIEW, signal: stop.signal }, shown, OBLIQUE, TIMES), { code: 'CANCELLED' });
});
