/** A job outlives the device it began on. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openApart } from '../../helper/devices/apart.ts';
import { makePlanes } from '../../helper/image/planes.ts';
import { type Openers, runJob } from '../../helper/job.ts';
import type { Checkpoint } from '../../helper/kernelfusion/checkpoint.ts';
import type { Layer } from '../../helper/kernelfusion/method.ts';
import { PAPER_SMALL, type PaperPlan } from '../../helper/kernelfusion/methods/paper.ts';
import type { Executor } from '../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../helper/tensor/executors/onnx/executor.ts';
import { wrapExecutor } from '../../helper/tensor/wrap.ts';
import { type ErrorCode, KernelFusionError } from '../../shared/errors.ts';
import { bicubicKernel } from '../../shared/kernel.ts';
import { parseOptions } from '../../shared/options.ts';
import { trainingBriefly } from '../support/brief-training.ts';
import { childrenOf, noProc } from '../support/processes.ts';

const SIDE = 20;
const layer: Layer = {
  colour: makePlanes(
    SIDE,
    SIDE,
    1,
    Float32Array.from({ length: SIDE * SIDE }, (_, i) => 0.5 + 0.4 * Math.sin(i / 3)),
  ),
  alpha: null,
};
const options = parseOptions({ scale: 2, seed: 3 });
const kernel = bicubicKernel(2);

const opened: Executor[] = [];
after(() => assert.ok(opened.every(({ livePrograms }) => livePrograms === 0)));

const open = async () => {
  const executor = await createOnnxExecutor({ threads: 1 });
  opened.push(executor);
  return executor;
};

/** The executor until `runs` runs are done; every later one fails. */
function failingAfter(runs: number, executor: Executor, code: ErrorCode): Executor {
  let left = runs;
  return wrapExecutor(executor, (program) => async (inputs) => {
    if (left-- <= 0) throw new KernelFusionError(code, 'The card is gone.');
    return program.run(inputs);
  });
}

const good = { name: 'good', open: async () => trainingBriefly(await open()) };
const failing = (runs: number, code: ErrorCode = 'ENGINE_FAILED') => ({
  name: 'failing',
  // Training counts every step as a run, of which `trainingBriefly` does fifteen: 450 is where it ends.
  open: async () => failingAfter(runs, trainingBriefly(await open()), code),
});
const absent = {
  name: 'absent',
  open: () => Promise.reject(new KernelFusionError('ENGINE_UNAVAILABLE', 'There is no such card.')),
};

const run = (devices: Openers, context: Parameters<typeof runJob>[2] = {}) =>
  runJob(layer, options, { kernel, ...context }, devices);

test('a device that fails midway is followed by the next, from the last finished phase, to the same picture', async () => {
  const whole = await run([good]);
  assert.deepEqual(whole.result.notes, []);

  const steps = whole.result.losses.length;
  const heard: string[] = [];
  const checkpoints: Checkpoint[] = [];
  const phases: string[] = [];
  const job = await run([failing(steps + 2), good], {
    onNote: (sentence) => heard.push(sentence),
    onCheckpoint: async (checkpoint) => void checkpoints.push(checkpoint),
    onProgress: ({ phase, step }) => phases.push(`${phase} ${step}`),
  });
  const note = 'The device failing failed (ENGINE_FAILED), so good went on from the last finished phase.';
  assert.deepEqual(heard, [note]);
  assert.deepEqual(job.result.notes, [note]);
  assert.deepEqual(job.result.layer.colour.data, whole.result.layer.colour.data);
  assert.equal(phases.filter((step) => step === 'prior 1').length, 1, 'what was trained was trained once');
  assert.equal(phases.filter((step) => step === 'image 1').length, 2);
  assert.equal(checkpoints.length, 2, 'a phase that is known is not handed on again');
});

test('a driver that takes its process down is a device that fails', { skip: noProc() }, async () => {
  const dying = {
    name: 'dying',
    async open() {
      const apart = await openApart('onnx-cpu', 1);
      const [pid] = childrenOf(process.pid);
      let runs = 0;
      return wrapExecutor(apart, (program) => (inputs) => {
        if (++runs === 5) process.kill(pid, 'SIGABRT');
        return program.run(inputs);
      });
    },
  };
  const { result, executor } = await run([dying, good]);
  assert.deepEqual(result.notes, [
    'The device dying failed (ENGINE_FAILED), so good went on from the last finished phase.',
  ]);
  assert.equal(executor, 'onnx-cpu');
  assert.deepEqual(childrenOf(process.pid), []);
});

test('one that fails before anything is finished, or does not open, is followed from the start', async () => {
  const heard: string[] = [];
  const job = await run([absent, failing(3, 'OUT_OF_MEMORY'), good], { onNote: (sentence) => heard.push(sentence) });
  assert.deepEqual(heard, [
    'The device absent failed (ENGINE_UNAVAILABLE), so failing went on from the last finished phase.',
    'The device failing failed (OUT_OF_MEMORY), so good went on from the last finished phase.',
  ]);
  assert.deepEqual(job.result.notes, heard);
});

test('the last device has nobody to follow it, and a device that was asked for by name and is not there nobody to replace it', async () => {
  await assert.rejects(run([failing(3)]), { code: 'ENGINE_FAILED' });
  await assert.rejects(run([absent, good], { device: 'onnx-webgpu' }), { code: 'ENGINE_UNAVAILABLE' });
  const midway = await run([failing(3), good], { device: 'onnx-webgpu' });
  assert.equal(midway.result.notes.length, 1);
});

test("what is not the device's fault is nobody else's to try", async () => {
  let tried = 0;
  const counted = {
    name: 'counted',
    open: async () => {
      tried++;
      return good.open();
    },
  };
  await assert.rejects(run([failing(3, 'INTERNAL'), counted]), { code: 'INTERNAL' });
  const controller = new AbortController();
  const cancelled = run([failing(3), counted], { signal: controller.signal, onNote: () => controller.abort() });
  await assert.rejects(cancelled, { code: 'CANCELLED' });
  assert.equal(tried, 0);
});

test('a device that does not exist is a bad option', async () => {
  await assert.rejects(runJob(layer, options, { device: 'abacus' }), { code: 'BAD_OPTION' });
});

test("the memory that is predicted is that of the preset's method, or of the plan in its place", async () => {
  const published = parseOptions({ scale: 2, preset: 'paper', kernelSide: 6 });
  const maxMemory = 500e6;
  await assert.rejects(runJob(layer, published, { maxMemory }, [{ ...good, name: 'onnx-cpu' }]), {
    code: 'NOT_ENOUGH_MEMORY',
  });
  const plan: PaperPlan = {
    training: { ...PAPER_SMALL.training, steps: 4, decay: 2, batch: 2, crop: 12, width: 8 },
    diffusion: { ...PAPER_SMALL.diffusion, steps: 2, firstIterations: 2, iterations: 1, widths: [8, 16] },
  };
  const { result } = await runJob(layer, published, { maxMemory, plan }, [{ name: 'onnx-cpu', open }]);
  assert.deepEqual([result.kernels.length, result.losses.length], [2, 4]);
});

test('a device that would take more memory than there is makes room for one that takes less; without one the job is refused', async () => {
  const card = { ...good, name: 'onnx-webgpu' };
  const maxMemory = 500e6;
  const { result } = await run([card, { ...good, name: 'onnx-cpu' }], { maxMemory });
  assert.match(result.notes[0], /onnx-webgpu failed \(NOT_ENOUGH_MEMORY\), so onnx-cpu went on/);
  await assert.rejects(run([card], { maxMemory }), { code: 'NOT_ENOUGH_MEMORY' });
});
