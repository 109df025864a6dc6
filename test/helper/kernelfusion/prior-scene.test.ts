import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { cutPlanes, makePlanes, type Planes } from '../../../helper/image/planes.ts';
import { crossFit } from '../../../helper/kernelfusion/cross-fit.ts';
import { makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { startKernel } from '../../../helper/kernelfusion/kernel-starts.ts';
import { scoreKernel } from '../../../helper/kernelfusion/metrics.ts';
import { FIRST_TIMES, LATER_TIMES, underPrior } from '../../../helper/kernelfusion/prior-scene.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { openEquations } from '../../support/equations.ts';
import { everywhere } from '../../support/everywhere.ts';
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

const onnx = await createOnnxExecutor({ threads: 1 });
after(() => onnx.close());

const knowing = (heard?: number[]) => knowingPrior(SCENE, heard);

const VIEW = { y, sigma: SIGMA, denoiser: knowing() };

const errorOf = (x: Planes) =>
  Math.sqrt(x.data.reduce((sum, v, i) => sum + (v - SCENE.data[i]) ** 2, 0) / x.data.length);

test('a scene is begun at larger times than it goes on at, and comes nearer to what the prior knows', async () => {
  const heard: number[] = [];
  const scenes = underPrior({ ...VIEW, denoiser: knowing(heard) });
  const first = await scenes.infer(shown, OBLIQUE, null);
  assert.deepEqual(heard.splice(0), [...FIRST_TIMES]);
  const next = await scenes.infer(shown, OBLIQUE, first);
  assert.deepEqual(heard, [...LATER_TIMES]);
  assert.equal(scenes.pictureOf(next), next);
  const ignorant = underPrior({ ...VIEW, denoiser: { denoise: async (x) => x } });
  const without = await ignorant.infer(shown, OBLIQUE, null);
  assert.ok(errorOf(next) < errorOf(first) && errorOf(first) < 0.7 * errorOf(without));
});

test('it explains the pixels shown, and those hidden have no part in it', async () => {
  const scenes = underPrior(VIEW);
  const scene = await scenes.infer(shown, OBLIQUE, null);
  const explained = makeDegradation(OBLIQUE, y.width, y.height).apply(scene.data);
  const residual = Math.sqrt(
    explained.reduce((sum, v, i) => sum + shown[i] * (v - y.data[i]) ** 2, 0) / shown.reduce((a, b) => a + b),
  );
  assert.ok(residual < 2 * SIGMA, `${residual / SIGMA} sigma`);
  const spoilt = (hidden: boolean) => ({
    ...y,
    data: y.data.map((v, i) => ((shown[i] === 0) === hidden ? v + 0.3 : v)),
  });
  const of = (layer: Planes) => underPrior({ ...VIEW, y: layer }).infer(shown, OBLIQUE, null);
  assert.deepEqual((await of(spoilt(true))).data, scene.data);
  assert.notDeepEqual((await of(spoilt(false))).data, scene.data);
});

test('scenes move as they are told to', () => {
  const scene = makePlanes(3, 1, 1, Float32Array.of(1, 2, 3));
  const moved = underPrior(VIEW).move(scene, (x) => cutPlanes(x, 0, 1, 3, 1));
  assert.deepEqual([...moved.data], [2, 3, 3]);
});

test('a kernel fitted under a prior that knows the scene is nearer to the true one than its start', async () => {
  const equations = await openEquations(onnx, SIZE, 2);
  const start = startKernel('spot', SIZE, 2);
  const kernel = await crossFit(y, everywhere(y), start, 6, underPrior(VIEW), equations.build, makeRandom(2), () => {});
  await equations.release();
  const [before, after] = [start, kernel].map((k) => scoreKernel(k, OBLIQUE).ncc);
  assert.ok(1 - after < 0.2 * (1 - before), `alike to ${after}, the start to ${before}`);
});

test('a cancel is heard', async () => {
  const stop = new AbortController();
  stop.abort();
  const scenes = underPrior({ ...VIEW, signal: stop.signal });
  await assert.rejects(scenes.infer(shown, OBLIQUE, null), { code: 'CANCELLED' });
});
