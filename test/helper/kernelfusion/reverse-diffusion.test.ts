import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { enlargeBicubic } from '../../../helper/image/enlarge.ts';
import { makePlanes, planeOf } from '../../../helper/image/planes.ts';
import { initialParameters, parameterLayout } from '../../../helper/kernelfusion/patch-diffusion-net.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import {
  type DiffusionPlan,
  diffusionTimes,
  iterationsOf,
  type JointProblem,
  type JointState,
  jointRate,
  recoveredNoise,
  resultOf,
  reverseDiffusion,
} from '../../../helper/kernelfusion/reverse-diffusion.ts';
import { noiseLevel, signalLevel } from '../../../helper/kernelfusion/schedule.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { centreOfMass, makeKernel } from '../../../shared/kernel.ts';
import { correlation } from '../../support/close.ts';

const onnx = await createOnnxExecutor({ threads: 1 });
after(() => onnx.close());
afterEach(() => assert.equal(onnx.livePrograms, 0));

const PLAN: DiffusionPlan = {
  firstTime: 200,
  lastTime: 1,
  steps: 3,
  firstIterations: 3,
  iterations: 2,
  noise: true,
  kernelStart: null,
  learningRate: 1e-3,
  widths: [8, 16],
  variant: 'full',
};
const NET = { width: 8, channels: 1 };
const prior = { ...NET, parameters: initialParameters(parameterLayout(NET), makeRandom(1).uniform) };
const y = makePlanes(
  8,
  7,
  1,
  makeRandom(2)
    .normals(56)
    .map((v) => 0.3 * v),
);
const problem: JointProblem = { y, scale: 2, kernelSize: 6, prior, known: null };

function run(changes: Partial<DiffusionPlan> = {}, state: JointState | null = null, signal?: AbortSignal) {
  const seen: JointState[] = [];
  const iterations: number[] = [];
  const done = reverseDiffusion(
    problem,
    { ...PLAN, ...changes },
    5,
    state,
    onnx,
    async (now) => void seen.push(now),
    (i) => iterations.push(i),
    signal,
  );
  return done.then((end) => ({ end, seen, iterations }));
}

test('Algorithm 1, its times: T_nd down to 1, each of them once at the published 200 steps', () => {
  assert.deepEqual(
    diffusionTimes({ firstTime: 200, lastTime: 1, steps: 200 }),
    Array.from({ length: 200 }, (_, i) => 200 - i),
  );
  assert.deepEqual(diffusionTimes({ firstTime: 200, lastTime: 1, steps: 3 }), [200, 101, 1]);
  assert.deepEqual(diffusionTimes({ firstTime: 200, lastTime: 1, steps: 1 }), [200]);
  assert.deepEqual(diffusionTimes({ firstTime: 200, lastTime: 60, steps: 3 }), [200, 130, 60]);
});

test('Algorithm 1, its gradient steps: 100 at first and 20 at each later time are 4080', () => {
  const plan = { ...PLAN, firstIterations: 100, iterations: 20 };
  assert.deepEqual(
    [0, 1, 2, 200].map((steps) => iterationsOf(plan, steps)),
    [0, 100, 120, 4080],
  );
});

test('the rate falls along a cosine to half of it', () => {
  assert.equal(jointRate(0, 100, 1e-4), 1e-4);
  assert.ok(Math.abs(jointRate(50, 100, 1e-4) - 0.75e-4) < 1e-12);
  assert.ok(Math.abs(jointRate(99, 100, 1e-4) - 0.5e-4) < 1e-7);
});

test('Algorithm 1, the recovered noise: with it and the picture found, x_t is what it was', () => {
  const [xt, x0] = [makeRandom(3).normals(20), makeRandom(4).normals(20)];
  const e = recoveredNoise(xt, x0, 90);
  for (const [i, v] of xt.entries()) {
    assert.ok(Math.abs(signalLevel(90) * x0[i] + noiseLevel(90) * e[i] - v) < 1e-6);
  }
});

test('each step hands on the picture that the next one begins with, the noise recovered, a kernel and a loss', async () => {
  const { end, seen, iterations } = await run();
  assert.deepEqual(iterations, [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(
    seen.map(({ step, kernels, losses }) => [step, kernels.length, losses.length]),
    [
      [1, 1, 1],
      [2, 2, 2],
      [3, 3, 3],
    ],
  );
  assert.equal(seen.at(-1), end);
  // The untrained U-Net changes nothing yet, and the untrained prior denoises to a x_t: x0_hat is a (a x + s e) at first.
  const a = signalLevel(200);
  const { x0, noise } = (await run({ steps: 1, firstIterations: 1 })).end;
  const again = x0.map((v, i) => a * v + noiseLevel(200) * noise[i]);
  for (const [i, v] of again.entries()) assert.ok(Math.abs(a * v - x0[i]) < 1e-5);
});

test('without noise x_t is the picture alone, and the first result is the enlarged layer, weaker by a^2', async () => {
  const { end } = await run({ steps: 1, firstIterations: 1, noise: false });
  const { picture } = resultOf(problem, PLAN, end);
  const bicubic = enlargeBicubic(y, 2);
  assert.ok(centreOfMass(end.kernels[0]).every((offset) => Math.abs(offset) < 0.5));
  for (const [i, v] of picture.data.entries()) {
    assert.ok(Math.abs(v - signalLevel(200) ** 2 * bicubic.data[i]) < 1e-5);
  }
});

test('without noise x_t gets none at later times either: whatever was recovered, the result is the same', async () => {
  const { end, seen } = await run({ steps: 2, noise: false });
  const louder = { ...seen[0], noise: seen[0].noise.map((v) => v + 1) };
  assert.deepEqual((await run({ steps: 2, noise: false }, louder)).end.x0, end.x0);
});

test('the noise changes the result', async () => {
  const [loud, quiet] = [(await run()).end, (await run({ noise: false })).end];
  assert.ok(loud.x0.some((v, i) => Math.abs(v - quiet.x0[i]) > 0.05));
});

test('an interrupted run goes on to the bytes of one that was not', async () => {
  const whole = await run();
  const resumed = await run({}, whole.seen[0]);
  assert.deepEqual(resumed.iterations, [4, 5, 6, 7]);
  assert.deepEqual(resumed.end, whole.end);
  const nothingLeft = await run({}, whole.end);
  assert.deepEqual([nothingLeft.end, nothingLeft.iterations], [whole.end, []]);
});

test('a run that is cancelled ends at the next gradient step and frees what it held', async () => {
  const controller = new AbortController();
  const going = reverseDiffusion(
    problem,
    { ...PLAN, kernelStart: 0.5 },
    5,
    null,
    onnx,
    async () => {},
    (i) => i === 2 && controller.abort(),
    controller.signal,
  );
  await assert.rejects(going, { code: 'CANCELLED' });
});

test('deep image prior begins at every time from the same noise, so that its loss goes on falling', async () => {
  const { seen } = await run({ variant: 'deep-image-prior', steps: 4, firstIterations: 10, iterations: 10 });
  const losses = seen.map((state) => state.losses.at(-1)!);
  assert.ok(
    losses.every((loss, i) => i === 0 || loss < losses[i - 1]),
    `${losses}`,
  );
});

test('a kernel begun with is a centred Gaussian of the width asked for, in LR pixels', async () => {
  const { end } = await run({ steps: 1, firstIterations: 1, kernelStart: 0.4 });
  const { data } = end.kernels[0];
  const expected = Array.from({ length: 36 }, (_, i) =>
    Math.exp(-0.5 * (((Math.floor(i / 6) - 2.5) / 0.8) ** 2 + (((i % 6) - 2.5) / 0.8) ** 2)),
  );
  assert.ok(correlation(data, Float64Array.from(expected)) > 0.98, `${correlation(data, Float64Array.from(expected))}`);
});

test('the result is centred, kernel and picture together, unless the kernel is known', () => {
  const [width, height] = [20, 18];
  const x0 = new Float32Array(width * height);
  x0[9 * width + 10] = 1;
  const taps = new Float64Array(36);
  taps[0 * 6 + 4] = 1; // At (-2.5, 1.5) from the middle: two or three rows down and one or two columns to the left.
  const state = { step: 1, learnt: {}, x0, noise: x0, kernels: [makeKernel(6, 2, taps)], losses: [0] };
  const { picture, kernel } = resultOf(problem, PLAN, state);
  assert.deepEqual([picture.width, picture.height], [16, 14]);
  const tap = kernel.data.indexOf(1);
  const [down, right] = [Math.floor(tap / 6), (tap % 6) - 4];
  assert.ok(down >= 2 && right <= -1, `${down}, ${right}`);
  // The margin is (6 - 2) / 2 = 2: the point lies at (7, 8) of the picture, and moves as the kernel does.
  assert.equal(planeOf(picture, 0)[(7 + down) * 16 + 8 + right], 1);

  const known = state.kernels[0];
  const stays = resultOf({ ...problem, known }, PLAN, state);
  assert.equal(stays.kernel, known);
  assert.equal(planeOf(stays.picture, 0)[7 * 16 + 8], 1);
});
