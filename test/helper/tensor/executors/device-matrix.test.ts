/**
 * The same computations on every device and library there is, against the reference in double precision: each op and its
 * gradient, chains that an executor may fuse, state, and what is released. What this computer lacks is skipped by name.
 * (ONNX Runtime on processors, in both lowerings: onnx/executor.test.ts.)
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { openApart } from '../../../../helper/devices/apart.ts';
import { makeStep } from '../../../../helper/devices/probe.ts';
import type { Executor, Values } from '../../../../helper/tensor/executor.ts';
import { createReferenceExecutor, evaluate } from '../../../../helper/tensor/executors/reference.ts';
import { createTfjsExecutor } from '../../../../helper/tensor/executors/tfjs/executor.ts';
import { addRemovedFunctions } from '../../../../helper/tensor/executors/tfjs/library.ts';
import { type Graph, GraphBuilder, type Node } from '../../../../helper/tensor/graph.ts';
import { CHAINS, drawGraph, OP_CASES, type OpCase } from '../op-cases.ts';

/** Debian's Chromium brings a Vulkan driver for processors: slow, but a WebGPU device where there is no card. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const hasCard = existsSync('/dev/dri') || process.platform !== 'linux';
if (!hasCard && existsSync(SWIFTSHADER)) process.env.VK_ICD_FILENAMES ??= SWIFTSHADER;

interface MatrixDevice {
  readonly optional: boolean;
  create(): Promise<Executor>;
  /** Graphs drawn for each op, where translating one for the device takes long. */
  readonly graphs?: number;
}

/** What may be missing says so in its error's cause; what may not be missing fails the file. Drivers may abort: those of cards are apart. */
const DEVICES: Record<string, MatrixDevice> = {
  reference: { optional: false, create: async () => createReferenceExecutor() },
  'tfjs-cpu': { optional: false, create: () => createTfjsExecutor('@tensorflow/tfjs') },
  'onnx-cpu, apart': { optional: false, create: () => openApart('onnx-cpu', 1) },
  'tfjs-node': { optional: true, create: () => openApart('tfjs-node') },
  'tfjs-node-gpu': { optional: true, create: () => openApart('tfjs-node-gpu') },
  'onnx-webgpu': { optional: true, create: () => openApart('onnx-webgpu'), graphs: 2 },
  'onnx-cuda': { optional: true, create: () => openApart('onnx-cuda') },
  'onnx-dml': { optional: true, create: () => openApart('onnx-dml') },
  'onnx-coreml': { optional: true, create: () => openApart('onnx-coreml') },
};

async function runOnce(executor: Executor, graph: Graph, values: Values): Promise<Values> {
  const program = await executor.compile(graph);
  try {
    return await program.run(values);
  } finally {
    await program.release();
  }
}

/**
 * WebGPU lets sines be off by 2^-11 (WGSL, "Accuracy of Built-in Functions"); SwiftShader's are off by 1.9e-4, for small
 * arguments as for large ones. Everything else is held to single precision.
 */
const boundOf = ({ ops }: OpCase, name: string) =>
  name === 'onnx-webgpu' && (ops.includes('sin') || ops.includes('cos')) ? 2 ** -11 : 1e-5;

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

for (const [name, { optional, create, graphs = 6 }] of Object.entries(DEVICES)) {
  let executor: Executor;
  try {
    executor = await create();
  } catch (error) {
    if (!optional) throw error;
    test(`the matrix on ${name}`, { skip: `not on this computer: ${reason(error)}` }, () => {});
    continue;
  }
  after(() => executor.close());

  test(`${name} is named as it is asked for`, () => assert.equal(executor.name, name.split(',')[0]));

  for (const opCase of [...OP_CASES, ...CHAINS]) {
    test(`${opCase.title} and its gradient agree with the reference on ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (draw) => {
          const { graph, values } = drawGraph(opCase, draw, fc.integer);
          const [found, expected] = [await runOnce(executor, graph, values), evaluate(graph, values)];
          assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
          for (const [output, value] of Object.entries(expected)) {
            assert.equal(found[output].length, value.length);
            assert.ok(
              difference(found[output], value) < boundOf(opCase, name),
              `${output}: ${difference(found[output], value)}`,
            );
          }
        }),
        { numRuns: graphs, seed: 7 },
      );
    });
  }

  test(`steps of training agree with the reference on ${name}`, async () => {
    const [size, count] = [{ width: 8, channels: 1, batch: 2, crop: 8 }, 3];
    const train = async (on: Executor) => {
      const { step, release } = await makeStep(on, size);
      const losses: number[] = [];
      for (let i = 0; i < count; i++) losses.push(await step());
      await release();
      return losses;
    };
    const [found, expected] = [await train(executor), await train(createReferenceExecutor())];
    assert.ok(difference(Float32Array.from(found), Float64Array.from(expected)) < 1e-4, `${found}, not ${expected}`);
  });

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

test('what newer Nodes have removed and tfjs-node asks for is put back, and nothing else is touched', () => {
  const isArray = () => false;
  const newer: { isArray(value: unknown): boolean; isNullOrUndefined?(value: unknown): boolean } = { isArray };
  addRemovedFunctions(newer as object);
  assert.deepEqual([null, undefined, 0].map(newer.isNullOrUndefined!), [true, true, false]);
  assert.equal(newer.isArray, isArray);
});
