/**
 * The same computations on every device and library there is, against the reference in double precision: each op and its
 * gradient, chains that an executor may fuse, state, and what is released. What this computer lacks is skipped by name.
 * (ONNX Runtime on processors, in both lowerings: onnx/executor.test.ts.)
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { Executor, Values } from '../../../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../../../helper/tensor/executors/onnx/executor.ts';
import { createReferenceExecutor, evaluate } from '../../../../helper/tensor/executors/reference.ts';
import { createTfjsExecutor } from '../../../../helper/tensor/executors/tfjs/executor.ts';
import { type Graph, GraphBuilder, type Node } from '../../../../helper/tensor/graph.ts';
import { CHAINS, drawGraph, OP_CASES } from '../op-cases.ts';

/** What may be missing says so in its error's cause; what may not be missing fails the file. */
const DEVICES: Record<string, { optional: boolean; create(): Promise<Executor> }> = {
  reference: { optional: false, create: async () => createReferenceExecutor() },
  'tfjs-cpu': { optional: false, create: () => createTfjsExecutor('@tensorflow/tfjs') },
  'tfjs-node': { optional: true, create: () => createTfjsExecutor('@tensorflow/tfjs-node') },
  'tfjs-node-gpu': { optional: true, create: () => createTfjsExecutor('@tensorflow/tfjs-node-gpu') },
  'onnx-cuda': { optional: true, create: () => createOnnxExecutor({ providers: ['cuda'] }) },
  'onnx-dml': { optional: true, create: () => createOnnxExecutor({ providers: ['dml'] }) },
  'onnx-coreml': { optional: true, create: () => createOnnxExecutor({ providers: ['coreml'] }) },
};

async function runOnce(executor: Executor, graph: Graph, values: Values): Promise<Values> {
  const program = await executor.compile(graph);
  try {
    return await program.run(values);
  } finally {
    await program.release();
  }
}

/** Largest difference, relative to the largest expected number (at least 1). */
function difference(found: Float32Array, expected: Float64Array): number {
  const scale = Math.max(
    1,
    expected.reduce((max, x) => Math.max(max, Math.abs(x)), 0),
  );
  return expected.reduce((max, x, i) => Math.max(max, Math.abs(x - found[i])), 0) / scale;
}

const reason = (error: unknown) =>
  String((error as Error).cause ?? error)
    .split('\n')[0]
    .trim();

for (const [name, { optional, create }] of Object.entries(DEVICES)) {
  let executor: Executor;
  try {
    executor = await create();
  } catch (error) {
    if (!optional) throw error;
    test(`the matrix on ${name}`, { skip: `not on this computer: ${reason(error)}` }, () => {});
    continue;
  }
  after(() => executor.close());

  test(`${name} is named as it is asked for`, () => assert.equal(executor.name, name));

  for (const opCase of [...OP_CASES, ...CHAINS]) {
    test(`${opCase.title} and its gradient agree with the reference on ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (draw) => {
          const { graph, values } = drawGraph(opCase, draw, fc.integer);
          const [found, expected] = [await runOnce(executor, graph, values), evaluate(graph, values)];
          assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
          for (const [output, value] of Object.entries(expected)) {
            assert.equal(found[output].length, value.length);
            assert.ok(difference(found[output], value) < 1e-5, `${output}: ${difference(found[output], value)}`);
          }
        }),
        { numRuns: 6, seed: 7 },
      );
    });
  }

  test(`state stays on the device and is fed from run to run on ${name}`, async () => {
    const g = new GraphBuilder();
    const [sum, x] = [g.input('sum', [2]), g.input('x', [2])];
    const program = await executor.compile(g.build({ next: g.add(sum, x), seen: sum }), { state: { sum: 'next' } });
    await program.writeState({ sum: Float32Array.of(1, 10) });
    assert.deepEqual(await program.run({ x: Float32Array.of(2, 20) }), { seen: Float32Array.of(1, 10) });
    assert.deepEqual(await program.run({ x: Float32Array.of(4, 40) }), { seen: Float32Array.of(3, 30) });
    assert.deepEqual(await program.readState(), { sum: Float32Array.of(7, 70) });
    await program.writeState({ sum: Float32Array.of(0, 0) });
    assert.deepEqual(await program.run({ x: Float32Array.of(1, 1) }), { seen: Float32Array.of(0, 0) });
    assert.equal(executor.livePrograms, 1);
    await program.release();
    assert.equal(executor.livePrograms, 0);
  });
}

test('tfjs holds no tensor more after a hundred runs than after one, nor after a failed one, and none when released', async () => {
  const executor = await createTfjsExecutor('@tensorflow/tfjs');
  const before = executor.tensors;
  const g = new GraphBuilder();
  const [w, x] = [g.input('w', [4, 2, 3, 3]), g.input('x', [1, 2, 5, 5])];
  const y = g.relu(g.conv2d(x, w, g.constant([1, 2, 3, 4], [4])));
  const graph = g.build({ next: g.mul(w, 0.5), y, same: y });
  const program = await executor.compile(graph, { state: { w: 'next' } });
  await program.writeState({ w: new Float32Array(72).fill(1) });
  await program.run({ x: new Float32Array(50) });
  const once = executor.tensors;
  for (let i = 0; i < 100; i++) await program.run({ x: new Float32Array(50) });
  assert.equal(executor.tensors, once);

  const wrong: Node = { op: 'matmul', transposeA: false, transposeB: false, inputs: [0, 0], shape: [2, 3] };
  const input: Node = { op: 'input', name: 'x', inputs: [], shape: [2, 3] };
  const broken = await executor.compile({ nodes: [input, wrong], outputs: { y: 1 } });
  await assert.rejects(broken.run({ x: new Float32Array(6) }), { code: 'ENGINE_FAILED' });
  await broken.release();
  assert.equal(executor.tensors, once);

  await program.release();
  assert.equal(executor.tensors, before);
  await executor.close();
});

test('a closed tfjs executor drops what waits and refuses what comes', async () => {
  const executor = await createTfjsExecutor('@tensorflow/tfjs');
  const g = new GraphBuilder();
  const graph = g.build({ y: g.relu(g.input('x', [])) });
  const program = await executor.compile(graph);
  const waiting = assert.rejects(program.run({ x: Float32Array.of(1) }), { code: 'CANCELLED' });
  await Promise.all([waiting, executor.close()]);
  assert.equal(executor.livePrograms, 0);
  await assert.rejects(executor.compile(graph), { code: 'CANCELLED' });
  await assert.rejects(program.run({ x: Float32Array.of(1) }), { code: 'CANCELLED' });
});
