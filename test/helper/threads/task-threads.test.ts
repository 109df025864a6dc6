/** Tasks give the same wherever they are worked on, and what fails or is cancelled leaves nothing behind. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Planes } from '../../../helper/image/planes.ts';
import { canvasSize } from '../../../helper/kernelfusion/degradation.ts';
import { DIFFUSION_ON, type Searched } from '../../../helper/kernelfusion/diffusion-search.ts';
import { withoutBorder } from '../../../helper/kernelfusion/estimate-kernel.ts';
import { IN_SQUARES } from '../../../helper/kernelfusion/hidden-pixels.ts';
import { compileWindowProduct, windowsAtOnce } from '../../../helper/kernelfusion/kernel-solver.ts';
import { startKernel } from '../../../helper/kernelfusion/kernel-starts.ts';
import { FAST_TRAINING, makeDenoiser, trainPrior } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { FAST_RESTORATION } from '../../../helper/kernelfusion/restore.ts';
import type { SearchServices } from '../../../helper/kernelfusion/search-tasks.ts';
import { type Tasks, tasksHere } from '../../../helper/kernelfusion/tasks.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { openTasks, usefulThreads } from '../../../helper/threads/task-threads.ts';
import type { Kernel } from '../../../shared/kernel.ts';
import { edgesOf } from '../../support/edges.ts';
import { everywhere } from '../../support/everywhere.ts';
import { blurred, gaussian, rectangles } from '../../support/scene.ts';

const SIZE = 6;
const start = startKernel('spot', SIZE, 2);
const y = blurred(rectangles(60, 4), gaussian(SIZE, 2, 1.4, 0.8, 0.6));
const usable = withoutBorder(everywhere(y), y.width, y.height);
const searched: Searched = { y, usable, edges: edgesOf(y), size: SIZE, scale: 2, sigma: 0.005, lumaSigma: 0.005 };
const piece = { searched, seed: 3 };

const onnx = await createOnnxExecutor({ threads: 1 });
const { product, release } = await compileWindowProduct(onnx, SIZE, windowsAtOnce(y));
const prior = await trainPrior(y, { ...FAST_TRAINING, steps: 6, decay: 3, width: 8 }, onnx, makeRandom(1), () => {});
const { width, height } = canvasSize(y, searched);
const denoiser = await makeDenoiser(prior, width, height, onnx);
const threads = openTasks(2);
after(async () => {
  await Promise.all([threads.close(), release(), denoiser.release()]);
  await onnx.close();
});

const listening = (onStep: SearchServices['onStep'] = () => {}): SearchServices => ({
  product,
  denoise: denoiser.denoise,
  onStep,
});

const WAYS: readonly (readonly [string, Tasks])[] = [
  ['in this thread', tasksHere()],
  ['in threads', threads],
];

test('every task gives the same to the bit in this thread and in another', async () => {
  const stepsOf = async (tasks: Tasks) => {
    const steps: Kernel[] = [];
    const pictures: Planes[] = [];
    const services = listening((kernel) => void steps.push(kernel));
    const fit = { ...piece, start, steps: 2 };
    const judgement = { ...piece, kernel: start, hiding: IN_SQUARES };
    const diffusion = { ...piece, plan: { ...DIFFUSION_ON, steps: 2 }, start, number: 1 };
    const manner = { kernel: start, sigma: 0.01, plan: { ...FAST_RESTORATION, times: [40, 20] }, withPrior: true };
    const restored = { y, manner: { ...manner, hedge: { kernel: startKernel('ring', SIZE, 2), share: 0.2 } } };
    const found = [
      await tasks.run('fit', fit, services),
      await tasks.run('fitByExpectation', fit, services),
      await tasks.run('findByEdges', { searched, lambda: 0.03 }, {}),
      await tasks.run('diffuse', { ...diffusion, fromPicture: false }, services),
      await tasks.run('diffuse', { ...diffusion, fromPicture: true }, services),
      await tasks.run('judge', judgement, {}),
      await tasks.run('judgeUnderPrior', judgement, services),
      await tasks.run('restorePiece', restored, { denoise: denoiser.denoise, onStep: (x) => void pictures.push(x) }),
    ];
    return { steps, pictures, found };
  };
  const [here, there] = [await stepsOf(tasksHere()), await stepsOf(threads)];
  assert.deepEqual([here.steps.length, here.pictures.length], [2 + 2 + 2 + 2, 3]);
  assert.deepEqual(there, here);
});

test('diffusions of other numbers come to other kernels', async () => {
  const kernelOf = (number: number) =>
    threads.run(
      'diffuse',
      { ...piece, plan: { ...DIFFUSION_ON, steps: 2 }, start, fromPicture: false, number },
      listening(),
    );
  const [first, again, other] = await Promise.all([kernelOf(0), kernelOf(0), kernelOf(1)]);
  assert.deepEqual(again, first);
  assert.notDeepEqual(other, first);
});

test('in threads two tasks are under way at once, in this thread one', async () => {
  for (const [way, tasks] of WAYS) {
    let under = 0;
    let most = 0;
    let meet = () => {};
    const met = new Promise<void>((resolve) => {
      meet = resolve;
    });
    const one = () => {
      let steps = 0;
      const onStep = async () => {
        if (++steps > 1) return;
        most = Math.max(most, ++under);
        if (under === 2) meet();
        // Each waits for the other where that can come.
        if (tasks === threads) await met;
      };
      return tasks.run('fit', { ...piece, start, steps: 2 }, listening(onStep)).finally(() => under--);
    };
    await Promise.all([one(), one()]);
    assert.equal(most, tasks === threads ? 2 : 1, way);
  }
});

for (const [way, tasks] of WAYS) {
  test(`${way}: what a service throws is thrown as it is, and the next task is worked on`, async () => {
    const gone = new Error('the device is gone');
    const failing = {
      ...listening(),
      product: async () => {
        throw gone;
      },
    };
    const fit = { ...piece, start, steps: 2 };
    await assert.rejects(tasks.run('fit', fit, failing), (error) => error === gone);
    assert.equal((await tasks.run('fit', fit, listening())).size, SIZE);
  });

  test(`${way}: what a task throws is thrown`, async () => {
    const wrong = { ...piece, kernel: null as unknown as Kernel, hiding: IN_SQUARES };
    await assert.rejects(tasks.run('judge', wrong, {}), (error) => error instanceof TypeError);
  });

  test(`${way}: a cancel is heard before it begins and while it is under way, and no step after it`, async () => {
    const fit = { ...piece, start, steps: 50 };
    await assert.rejects(tasks.run('fit', fit, listening(), AbortSignal.abort()), { code: 'CANCELLED' });
    const stop = new AbortController();
    let steps = 0;
    const onStep = () => void (++steps === 2 && stop.abort());
    await assert.rejects(tasks.run('fit', fit, listening(onStep), stop.signal), { code: 'CANCELLED' });
    assert.equal(steps, 2);
  });
}

test('tasks under way when the threads are closed are rejected', async () => {
  const other = openTasks(2);
  let begun = () => {};
  const beginning = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const running = other.run('fit', { ...piece, start, steps: 1000 }, listening(begun));
  const rejected = assert.rejects(running);
  await beginning;
  await other.close();
  await rejected;
});

test('as many threads as may be used are useful, up to four', () => {
  assert.deepEqual([1, 2, 4, 16].map(usefulThreads), [1, 2, 4, 4]);
});
