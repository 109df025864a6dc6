/** What becomes of failures of TensorFlow.js. What it computes: ../device-matrix.test.ts. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { TfjsExecutor } from '../../../../../helper/tensor/executors/tfjs/executor.ts';
import { loadTfjs, type Tf } from '../../../../../helper/tensor/executors/tfjs/library.ts';
import { GraphBuilder } from '../../../../../helper/tensor/graph.ts';

const tf = await loadTfjs('@tensorflow/tfjs');
/** What native TensorFlow says. */
const OOM = 'OOM when allocating tensor with shape[1,64,640,640] and type float on GPU:0';

const failing: { tensor: Error | null; relu: Error | null; left: number } = { tensor: null, relu: null, left: 0 };
const partly: Tf = {
  ...tf,
  tensor(...given) {
    if (failing.tensor && failing.left-- <= 0) throw failing.tensor;
    return tf.tensor(...given);
  },
  relu(x) {
    if (failing.relu) throw failing.relu;
    return tf.relu(x);
  },
};
const executor = new TfjsExecutor(partly, '@tensorflow/tfjs');
after(() => executor.close());

/** Does it while `what` fails with the error, uploads after so many that do not. */
async function whileFailing(
  what: 'tensor' | 'relu',
  error: Error,
  left: number,
  work: () => Promise<unknown>,
): Promise<void> {
  Object.assign(failing, { [what]: error, left });
  try {
    await work();
  } finally {
    failing[what] = null;
  }
}

function graphOf() {
  const g = new GraphBuilder();
  const [a, b] = [g.input('a', [2]), g.input('b', [2])];
  const sum = g.add(g.add(a, b), g.add(g.constant([1, 2], [2]), g.constant([3, 4], [2])));
  return g.build({ y: g.relu(sum), next: b });
}
const two = Float32Array.of(1, 2);

test('memory that ran out is told from other failures, wherever it does, so that a job can go on in smaller pieces', async () => {
  const program = await executor.compile(graphOf(), { state: { b: 'next' } });
  await program.writeState({ b: two });
  for (const [error, code] of [
    [new Error(OOM), 'OUT_OF_MEMORY'],
    [new RangeError('Invalid typed array length: 4294967296'), 'OUT_OF_MEMORY'],
    [new Error('cuDNN launch failure'), 'ENGINE_FAILED'],
  ] as const) {
    await whileFailing('relu', error, 0, () => assert.rejects(program.run({ a: two }), { code }));
    await whileFailing('tensor', error, 0, () => assert.rejects(program.run({ a: two }), { code }));
    await whileFailing('tensor', error, 0, () => assert.rejects(program.writeState({ b: two }), { code }));
    await whileFailing('tensor', error, 0, () => assert.rejects(executor.compile(graphOf()), { code }));
  }
  assert.deepEqual(await program.run({ a: two }), { y: Float32Array.of(6, 10) });
  await program.release();
});

test('what was uploaded before an upload failed is freed', async () => {
  const before = executor.tensors;
  const error = new Error(OOM);
  await whileFailing('tensor', error, 1, () => assert.rejects(executor.compile(graphOf())));
  assert.deepEqual([executor.tensors, executor.livePrograms], [before, 0]);
  const program = await executor.compile(graphOf());
  const compiled = executor.tensors;
  await whileFailing('tensor', error, 1, () => assert.rejects(program.run({ a: two, b: two })));
  assert.equal(executor.tensors, compiled);
  await program.release();
  assert.equal(executor.tensors, before);
});
