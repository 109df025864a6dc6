import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { crossFit, unknownScene } from '../../../helper/kernelfusion/cross-fit.ts';
import { makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { withoutBorder } from '../../../helper/kernelfusion/estimate-kernel.ts';
import { makeNormalEquations } from '../../../helper/kernelfusion/kernel-solver.ts';
import { startKernel } from '../../../helper/kernelfusion/kernel-starts.ts';
import { scoreKernel } from '../../../helper/kernelfusion/metrics.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { centreOfMass, type Kernel, shift } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';
import { blurred, gaussian, rectangles } from '../../support/scene.ts';

const SIZE = 10;
const SIGMA = 1 / 127.5;
const SPOT = startKernel('spot', SIZE, 2);
const OBLIQUE = gaussian(SIZE, 2, 2.4, 0.8, 0.6);
const LINE = startKernel('line1', SIZE, 2);

const onnx = await createOnnxExecutor({ threads: 1 });
const equations = await makeNormalEquations(onnx, SIZE, 2);
after(async () => {
  await equations.release();
  await onnx.close();
});

function viewOf(kernel: Kernel) {
  const { data, width, height } = blurred(rectangles(90, 4), kernel);
  const noise = makeRandom(1).normals(data.length);
  return { y: data.map((v, i) => v + SIGMA * noise[i]), width, height, variance: SIGMA ** 2 };
}

interface Run {
  readonly start?: Kernel;
  readonly steps?: number;
  readonly heat?: number;
  readonly seed?: number;
  readonly usable?: (i: number) => boolean;
  readonly onStep?: (kernel: Kernel) => void;
  readonly signal?: AbortSignal;
}

function fitTo(view: ReturnType<typeof viewOf>, { start = SPOT, steps = 8, heat = 1, seed = 1, ...more }: Run = {}) {
  const usable = Uint8Array.from(view.y, (_, i) => (more.usable?.(i) === false ? 0 : 1));
  const from = { kernel: start, scene: unknownScene(view, start) };
  const onStep = more.onStep ?? (() => {});
  return crossFit(view, usable, from, { steps, heat }, equations, makeRandom(seed), onStep, more.signal);
}

const alike = (a: Kernel, b: Kernel) => scoreKernel(a, b).ncc;

/** What is left of what the start lacks: heat takes longer. */
for (const [name, truth, plan, left] of [
  ['an oblique Gaussian', OBLIQUE, { steps: 8, heat: 1 }, 0.4],
  ['a line', LINE, { steps: 14, heat: 1 }, 0.4],
  ['an oblique Gaussian, from great noise to little,', OBLIQUE, { steps: 14, heat: 4 }, 0.6],
] as const) {
  test(`${name} is found from a spot, each step a centred kernel`, async () => {
    const heard: Kernel[] = [];
    const { kernel, scene } = await fitTo(viewOf(truth), { ...plan, onStep: (k) => heard.push(k) });
    assert.equal(heard.length, plan.steps);
    assert.equal(heard.at(-1), kernel);
    for (const { size, scale, data, ...step } of heard) {
      assert.deepEqual([size, scale], [SIZE, 2]);
      assert.ok(data.every((v) => v >= 0));
      assertClose([data.reduce((a, b) => a + b)], [1], 1e-9);
      assert.ok(centreOfMass({ size, scale, data, ...step }).every((v) => Math.abs(v) <= 0.5 + 1e-9));
    }
    const [before, after] = [alike(SPOT, truth), alike(kernel, truth)];
    assert.ok(1 - after < left * (1 - before), `alike to ${after}, the start to ${before}`);
    assert.equal(scene.mean.length, 90 * 90);
    assert.ok([...scene.mean, ...scene.draw].every(Number.isFinite));
  });
}

test('the scene goes where the kernel is moved to: from a start to one side they explain the layer as from the middle', async () => {
  const view = viewOf(OBLIQUE);
  const run = async (start: Kernel) => {
    const { kernel, scene } = await fitTo(view, { start, steps: 1 });
    assert.ok(centreOfMass(kernel).every((v) => Math.abs(v) <= 0.5 + 1e-9));
    const again = makeDegradation(kernel, view.width, view.height).apply(scene.mean);
    // Near the border a scene that was moved is unknown.
    const inside = withoutBorder(new Uint8Array(again.length).fill(1), view.width, view.height);
    const inner = [...again.keys()].filter((i) => inside[i] === 1);
    return Math.sqrt(inner.reduce((sum, i) => sum + (again[i] - view.y[i]) ** 2, 0) / inner.length);
  };
  const [middle, aside] = [await run(SPOT), await run(shift(SPOT, 2, -2))];
  assert.ok(aside < 1.5 * middle, `off by ${aside}, from the middle by ${middle}`);
});

test('heat is noise assumed at first: one step with heat 4 is one with sixteen times the variance', async () => {
  const view = viewOf(OBLIQUE);
  const hot = await fitTo(view, { steps: 1, heat: 4 });
  assert.deepEqual(hot, await fitTo({ ...view, variance: 16 * view.variance }, { steps: 1 }));
  assert.notDeepEqual(hot, await fitTo(view, { steps: 1 }));
});

test('pixels that are not usable are not fitted: no window of theirs enters the equations', async () => {
  const view = viewOf(OBLIQUE);
  const usable = (i: number) => i % view.width < 30;
  const used: number[] = [];
  const listening: typeof equations = {
    ...equations,
    build: (z, y, weight) => {
      used.push(...[...weight.keys()].filter((i) => weight[i] === 1));
      return equations.build(z, y, weight);
    },
  };
  const from = { kernel: SPOT, scene: unknownScene(view, SPOT) };
  const mask = Uint8Array.from(view.y, (_, i) => (usable(i) ? 1 : 0));
  await crossFit(view, mask, from, { steps: 2, heat: 1 }, listening, makeRandom(1), () => {});
  assert.ok(used.length > 0 && used.every(usable));
  // Three tenths of 30 x 40 pixels, in two steps, for the mean and for the draw.
  assertClose([used.length / (4 * 1200)], [0.3], 0.03);
});

test('the same seed gives the same bytes, another one others', async () => {
  const view = viewOf(OBLIQUE);
  const run = (seed: number) => fitTo(view, { steps: 3, seed });
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other.kernel, first.kernel);
});

test('a cancel is heard in the next step', async () => {
  const stop = new AbortController();
  let steps = 0;
  const onStep = () => ++steps === 2 && stop.abort();
  await assert.rejects(fitTo(viewOf(OBLIQUE), { onStep, signal: stop.signal }), { code: 'CANCELLED' });
  assert.equal(steps, 2);
});
