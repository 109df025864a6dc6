import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import {
  estimateKernel,
  FAST_ESTIMATION,
  type KernelSearch,
  TURNED_ESTIMATION,
  times,
  turnWhereBetter,
  withoutBorder,
} from '../../../helper/kernelfusion/estimate-kernel.ts';
import { FAST_TRAINING, trainPrior } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { flip, type Kernel } from '../../../shared/kernel.ts';
import { correlation } from '../../support/close.ts';
import { everywhere } from '../../support/everywhere.ts';
import { blurred, HOOK, rectangles } from '../../support/scene.ts';

const onnx = await createOnnxExecutor({ threads: 1 });
after(() => onnx.close());
afterEach(() => assert.equal(onnx.livePrograms, 0));

const y = blurred(rectangles(110, 4), HOOK);
const quick = { ...FAST_TRAINING, steps: 60, decay: 40, width: 16 };
const search: KernelSearch = {
  y,
  usable: withoutBorder(everywhere(y), y.width, y.height),
  size: HOOK.size,
  sigma: 0.005,
  prior: await trainPrior(y, quick, onnx, makeRandom(1), () => {}),
};
const HAZE = 0.1;

/** Steps heard, and the kernel. */
async function heard(run: (onStep: (step: number, kernel: Kernel) => void) => Promise<Kernel>) {
  const steps: number[] = [];
  const kernel = await run((step) => steps.push(step));
  return { steps, kernel };
}

test('times fall in equal steps from first to last', () => {
  assert.deepEqual(times({ ...FAST_ESTIMATION, firstTime: 200, lastTime: 60, steps: 5 }), [200, 165, 130, 95, 60]);
});

test('pixels within two of the border are left out', () => {
  const inner = withoutBorder(new Uint8Array(35).fill(1), 7, 5);
  assert.deepEqual(
    [...inner.entries()].filter(([, v]) => v === 1).map(([i]) => i),
    [16, 17, 18],
  );
});

test('a kernel that was found turned round is turned back, and refined in a second search', async () => {
  const { steps, kernel } = await heard((onStep) =>
    turnWhereBetter(search, flip(HOOK), HAZE, onnx, makeRandom(2), onStep),
  );
  assert.equal(steps.length, TURNED_ESTIMATION.steps);
  const [right, wrong] = [correlation(kernel.data, HOOK.data), correlation(kernel.data, flip(HOOK).data)];
  assert.ok(right > wrong + 0.1, `${right} to the kernel, ${wrong} to the turned one`);
});

test('a kernel that was found the right way round is kept as it is', async () => {
  const { steps, kernel } = await heard((onStep) => turnWhereBetter(search, HOOK, HAZE, onnx, makeRandom(2), onStep));
  assert.deepEqual(steps, []);
  assert.equal(kernel, HOOK);
});

test('an estimation hears its steps in order, starts again from the same seed, and trims the haze', async () => {
  const run = () => heard((onStep) => estimateKernel(search, HAZE, onnx, makeRandom(5), onStep));
  const { steps, kernel } = await run();
  assert.deepEqual(
    steps,
    steps.map((_, i) => i + 1),
  );
  const largest = Math.max(...kernel.data);
  assert.ok(kernel.data.every((v) => v === 0 || v >= HAZE * largest));
  assert.deepEqual((await run()).kernel, kernel);
});

test('a cancelled estimation stops and leaves nothing on the executor', async () => {
  const stop = new AbortController();
  const run = estimateKernel(search, HAZE, onnx, makeRandom(5), (step) => step === 2 && stop.abort(), stop.signal);
  await assert.rejects(run, { code: 'CANCELLED' });
});
