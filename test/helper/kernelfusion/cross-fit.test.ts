import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makePlanes } from '../../../helper/image/planes.ts';
import { crossFit, FOLDS } from '../../../helper/kernelfusion/cross-fit.ts';
import type { NormalEquationsBuilder } from '../../../helper/kernelfusion/kernel-solver.ts';
import { startKernel } from '../../../helper/kernelfusion/kernel-starts.ts';
import { scoreKernel } from '../../../helper/kernelfusion/metrics.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { centreOfMass, type Kernel, makeKernel, shift } from '../../../shared/kernel.ts';
import { assertCancelHeard } from '../../support/cancel.ts';
import { assertClose } from '../../support/close.ts';
import { openEquations } from '../../support/equations.ts';
import { type FitRun, noisyView } from '../../support/noisy-view.ts';
import { gaussian } from '../../support/scene.ts';

const SIZE = 10;
const SPOT = startKernel('spot', SIZE, 2);
const OBLIQUE = gaussian(SIZE, 2, 2.4, 0.8, 0.6);
/** A streak of eight taps, upwards to the right. */
const LINE = makeKernel(
  SIZE,
  2,
  Float64Array.from({ length: SIZE ** 2 }, (_, i) => {
    const [y, x] = [Math.floor(i / SIZE) - (SIZE - 1) / 2, (i % SIZE) - (SIZE - 1) / 2];
    return Math.exp(-((y + x) ** 2) / 2 - ((y - x) / Math.SQRT2 / 4) ** 4);
  }),
);

const onnx = await createOnnxExecutor({ threads: 1 });
const equations = await openEquations(onnx, SIZE, 2);
after(async () => {
  await equations.release();
  await onnx.close();
});

function fitTo(view: ReturnType<typeof noisyView>, { start = SPOT, steps = 9, seed = 1, ...more }: FitRun = {}) {
  const usable = Uint8Array.from(view.y, (_, i) => (more.usable?.(i) === false ? 0 : 1));
  const { onStep = () => {}, builder = equations.build, signal } = more;
  return crossFit(view, usable, start, steps, builder, makeRandom(seed), onStep, signal);
}

const alike = (a: Kernel, b: Kernel) => scoreKernel(a, b).ncc;

for (const [name, truth, steps, left] of [
  ['an oblique Gaussian', OBLIQUE, 9, 0.5],
  ['a line', LINE, 15, 0.5],
] as const) {
  test(`${name} is found from a spot, each step a centred kernel`, async () => {
    const heard: Kernel[] = [];
    const kernel = await fitTo(noisyView(truth), { steps, onStep: (k) => heard.push(k) });
    assert.equal(heard.length, steps);
    assert.equal(heard.at(-1), kernel);
    for (const step of heard) {
      assert.deepEqual([step.size, step.scale], [SIZE, 2]);
      assert.ok(step.data.every((v) => v >= 0));
      assertClose([step.data.reduce((a, b) => a + b)], [1], 1e-9);
      assert.ok(centreOfMass(step).every((v) => Math.abs(v) <= 0.5 + 1e-9));
    }
    const [before, after] = [alike(SPOT, truth), alike(kernel, truth)];
    assert.ok(1 - after < left * (1 - before), `alike to ${after}, the start to ${before}`);
  });
}

test('the scenes go where the kernel is moved to: from a start to one side the same is found as from the middle', async () => {
  const view = noisyView(OBLIQUE);
  const [middle, aside] = [await fitTo(view), await fitTo(view, { start: shift(SPOT, 2, -2) })];
  assert.ok(alike(middle, aside) > 0.97, `alike to ${alike(middle, aside)}`);
});

test('no fold sees its own pixels: what they are has no part in the windows they are fitted to', async () => {
  const view = noisyView(OBLIQUE);
  /** The scenes of the first round, each as its fold's first step has it, and that fold. */
  const scenes = async (y: Float32Array) => {
    const heard: { scene: Float32Array; fold: Uint8Array }[] = [];
    const listening: NormalEquationsBuilder = (z, _, weight, support) => {
      heard.push({ scene: z.data, fold: weight });
      // Kernels stay as they are, so that all that differs is what was seen.
      return equations.build(z, makePlanes(view.width, view.height, 1, view.y), weight, support);
    };
    await fitTo({ ...view, y }, { steps: FOLDS, builder: listening });
    return heard;
  };
  const [first] = await scenes(view.y);
  const wild = view.y.map((v, i) => (first.fold[i] === 1 ? 7 + i : v));
  assert.deepEqual((await scenes(wild))[0].scene, first.scene);
  const spoilt = view.y.map((v, i) => (first.fold[i] === 0 ? v + 0.1 : v));
  assert.notDeepEqual((await scenes(spoilt))[0].scene, first.scene);
});

test('the folds part the pixels: each is fitted once in as many steps', async () => {
  const view = noisyView(OBLIQUE);
  const times = new Uint8Array(view.y.length);
  const listening: NormalEquationsBuilder = (z, y, weight, support) => {
    for (const [i, w] of weight.entries()) times[i] += w;
    return equations.build(z, y, weight, support);
  };
  await fitTo(view, { steps: FOLDS, builder: listening });
  assert.ok(times.every((t) => t === 1));
});

test('pixels that are not usable are not fitted: no window of theirs enters the equations', async () => {
  const view = noisyView(OBLIQUE);
  const usable = (i: number) => i % view.width < 30;
  const used: number[] = [];
  const listening: NormalEquationsBuilder = (z, y, weight, support) => {
    used.push(...[...weight.keys()].filter((i) => weight[i] === 1));
    return equations.build(z, y, weight, support);
  };
  await fitTo(view, { steps: FOLDS, builder: listening, usable });
  assert.ok(used.length > 0 && used.every(usable));
});

test('the same seed gives the same bytes, another one others', async () => {
  const view = noisyView(OBLIQUE);
  const run = (seed: number) => fitTo(view, { steps: 3, seed });
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other, first);
});

test('a cancel is heard in the next step', async () => {
  await assertCancelHeard((how) => fitTo(noisyView(OBLIQUE), how));
});
