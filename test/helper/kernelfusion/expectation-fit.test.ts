import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { cutPlanes, type Planes } from '../../../helper/image/planes.ts';
import { crossFit } from '../../../helper/kernelfusion/cross-fit.ts';
import { ofDifferences } from '../../../helper/kernelfusion/difference-equations.ts';
import { fitByExpectation } from '../../../helper/kernelfusion/expectation-fit.ts';
import type { NormalEquationsBuilder } from '../../../helper/kernelfusion/kernel-solver.ts';
import { startKernel } from '../../../helper/kernelfusion/kernel-starts.ts';
import { scoreKernel } from '../../../helper/kernelfusion/metrics.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { centreOfMass, type Kernel, shift } from '../../../shared/kernel.ts';
import { assertCancelHeard } from '../../support/cancel.ts';
import { assertClose } from '../../support/close.ts';
import { openEquations } from '../../support/equations.ts';
import { type FitRun, noisyView } from '../../support/noisy-view.ts';
import { gaussian } from '../../support/scene.ts';

const SIZE = 10;
const OBLIQUE = gaussian(SIZE, 2, 2.4, 0.8, 0.6);
const NEAR = gaussian(SIZE, 2, 2.2, 1.3, 0.3);
const VIEW = noisyView(OBLIQUE);

const onnx = await createOnnxExecutor({ threads: 1 });
const equations = await openEquations(onnx, SIZE, 2);
const differences = ofDifferences(equations.build, 2);
after(async () => {
  await equations.release();
  await onnx.close();
});

function fit({ start = NEAR, steps = 6, seed = 1, builder = differences, ...more }: FitRun = {}) {
  const usable = Uint8Array.from(VIEW.y, (_, i) => (more.usable?.(i) === false ? 0 : 1));
  const { onStep = () => {}, signal } = more;
  return fitByExpectation(VIEW, usable, start, steps, builder, makeRandom(seed), onStep, signal);
}

const alike = (a: Kernel, b: Kernel) => scoreKernel(a, b).ncc;

test('from near by the kernel is approached, each step a centred kernel', async () => {
  const heard: Kernel[] = [];
  const kernel = await fit({ steps: 24, onStep: (k) => heard.push(k) });
  assert.equal(heard.length, 24);
  assert.equal(heard.at(-1), kernel);
  for (const step of heard) {
    assert.ok(step.data.every((v) => v >= 0));
    assertClose([step.data.reduce((a, b) => a + b)], [1], 1e-9);
    assert.ok(centreOfMass(step).every((v) => Math.abs(v) <= 0.5 + 1e-9));
  }
  const [before, now] = [alike(NEAR, OBLIQUE), alike(kernel, OBLIQUE)];
  assert.ok(1 - now < 0.6 * (1 - before), `alike to ${now}, the start to ${before}`);
});

test('at the right kernel it stays, nearer than fitting to hidden pixels does', async () => {
  const usable = new Uint8Array(VIEW.y.length).fill(1);
  const chance = makeRandom(1);
  const toHidden = await crossFit(VIEW, usable, OBLIQUE, 9, differences, chance, () => {});
  const [here, there] = [alike(await fit({ start: OBLIQUE, steps: 9 }), OBLIQUE), alike(toHidden, OBLIQUE)];
  assert.ok(here > 0.97 && here > there, `alike to ${here}, to hidden pixels ${there}`);
});

test('the scene goes where the kernel is moved to, so that the next one is near, and the same is found as from the middle', async () => {
  /** How much the scene changes from the first step to the second, on the mean, seen in the frame of the second. */
  const changeFrom = async (dy: number, dx: number) => {
    const scenes: Planes[] = [];
    const listening: NormalEquationsBuilder = (z, y, weight, support) => {
      scenes.push(z);
      return equations.build(z, y, weight, support);
    };
    await fit({ start: shift(NEAR, dy, dx), steps: 2, builder: listening });
    const [first, , second] = scenes;
    const { width, height } = first;
    const moved = cutPlanes(first, dy, dx, width, height);
    const margin = 10;
    const inside = (i: number) =>
      [Math.floor(i / width), i % width].every((v) => v >= margin && v < Math.min(width, height) - margin);
    const changes = second.data.map((v, i) => Math.abs(v - moved.data[i])).filter((_, i) => inside(i));
    return changes.reduce((a, b) => a + b) / changes.length;
  };
  const [still, aside] = [await changeFrom(0, 0), await changeFrom(2, -2)];
  assert.ok(aside < 1.5 * still, `${aside} after a move, ${still} without`);
  const [middle, other] = [await fit(), await fit({ start: shift(NEAR, 2, -2) })];
  assert.ok(alike(middle, other) > 0.97, `alike to ${alike(middle, other)}`);
});

test('what a draw is off by counts ten times in the equations, and has nothing to explain', async () => {
  const middle = (SIZE / 2) * SIZE + SIZE / 2;
  const LARGE = 1e4;
  let calls = 0;
  // |k|^2 and a wish for one tap; of a draw a tenth of that, with no wish.
  const stub: NormalEquationsBuilder = async (_, y, __, { places }) => {
    const ofMean = calls++ % 2 === 0;
    assert.equal(
      y.data.every((v) => v === 0),
      !ofMean,
    );
    const G = new Float64Array(places.length ** 2);
    for (let p = 0; p < places.length; p++) G[p * places.length + p] = ofMean ? LARGE : 0.1 * LARGE;
    const b = Float64Array.from(places, (place) => (ofMean && place === middle ? LARGE : 0));
    return { G, b, meanSquare: 1 };
  };
  const { data } = await fit({ start: startKernel('ring', SIZE, 2), steps: 1, builder: stub });
  assert.equal(calls, 2);
  // |k|^2 counts twice then. Least under sum k = 1 where the wished tap is 1 + n times as large as each other one.
  const others = data.filter((v, i) => v > 0 && i !== middle);
  assertClose([data[middle] / others[0]], [1 + data.length], 1);
});

test('a step asks for half of the usable pixels, others each time', async () => {
  const usable = (i: number) => i % VIEW.width < 30;
  const asked: Uint8Array[] = [];
  const listening: NormalEquationsBuilder = (z, y, weight, support) => {
    asked.push(weight);
    return equations.build(z, y, weight, support);
  };
  await fit({ steps: 2, builder: listening, usable });
  const [first, ofDraw, second] = asked;
  assert.deepEqual(ofDraw, first);
  assert.notDeepEqual(second, first);
  const count = first.filter((v, i) => v === 1 && usable(i)).length;
  assert.equal(
    first.reduce((a, b) => a + b),
    count,
  );
  const share = count / first.filter((_, i) => usable(i)).length;
  assert.ok(Math.abs(share - 0.5) < 0.05, `${share}`);
});

test('the same seed gives the same bytes, another one others', async () => {
  const [first, again, other] = [await fit({ steps: 2 }), await fit({ steps: 2 }), await fit({ steps: 2, seed: 2 })];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other, first);
});

test('a cancel is heard in the next step', async () => {
  await assertCancelHeard(fit);
});
