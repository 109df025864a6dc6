import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import type { Values } from '../../../../../helper/tensor/executor.ts';
import { createOnnxExecutor, type OnnxExecutor } from '../../../../../helper/tensor/executors/onnx/executor.ts';
import { evaluate } from '../../../../../helper/tensor/executors/reference.ts';
import { type Graph, GraphBuilder, type Node } from '../../../../../helper/tensor/graph.ts';
import { KernelFusionError } from '../../../../../shared/errors.ts';
import { CHAINS, drawGraph, graphWithGradients, OP_CASES, someValues } from '../../op-cases.ts';

const executors = {
  auto: await createOnnxExecutor({ threads: 1 }),
  portable: await createOnnxExecutor({ threads: 1, lowering: 'portable' }),
};
after(() => Promise.all(Object.values(executors).map((executor) => executor.close())));

/** Compiles, runs once and releases. */
async function runOnce(executor: OnnxExecutor, graph: Graph, values: Values): Promise<Values> {
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

function assertAgrees(found: Values, expected: Record<string, Float64Array>): void {
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(found[name].length, value.length);
    assert.ok(difference(found[name], value) < 1e-5, `${name} is off by ${difference(found[name], value)}`);
  }
}

for (const [lowering, executor] of Object.entries(executors)) {
  for (const opCase of [...OP_CASES, ...CHAINS]) {
    test(`${opCase.title} and its gradient agree with the reference, lowering ${lowering}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.gen(), async (draw) => {
          const { graph, values } = drawGraph(opCase, draw, fc.integer);
          assertAgrees(await runOnce(executor, graph, values), evaluate(graph, values));
        }),
        { numRuns: 12, seed: 7 },
      );
    });
  }

  test(`weights that are constants agree with the reference, lowering ${lowering}`, async () => {
    const g = new GraphBuilder();
    const x = g.input('x', [1, 3, 6, 5]);
    const w = (out: number, into: number, side: number) =>
      g.constant(someValues(out * into * side * side, out + into), [out, into, side, side]);
    const h = g.relu(g.conv2d(x, w(16, 3, 3), g.constant(someValues(16, 5), [16])));
    const y = g.conv2d(g.relu(g.add(h, g.conv2d(h, w(16, 16, 3)))), w(3, 16, 1));
    const graph = g.build({ y, h });
    const values = { x: someValues(90, 3) };
    assertAgrees(await runOnce(executor, graph, values), evaluate(graph, values));
  });

  test(`state stays in the thread and is fed from run to run, lowering ${lowering}`, async () => {
    const g = new GraphBuilder();
    const [sum, x] = [g.input('sum', [2]), g.input('x', [2])];
    const program = await executor.compile(g.build({ next: g.add(sum, x), seen: sum }), { state: { sum: 'next' } });
    await program.writeState({ sum: Float32Array.of(1, 10) });
    assert.deepEqual(await program.run({ x: Float32Array.of(2, 20) }), { seen: Float32Array.of(1, 10) });
    assert.deepEqual(await program.run({ x: Float32Array.of(4, 40) }), { seen: Float32Array.of(3, 30) });
    assert.deepEqual(await program.readState(), { sum: Float32Array.of(7, 70) });
    await program.writeState({ sum: Float32Array.of(0, 0) });
    assert.deepEqual(await program.run({ x: Float32Array.of(1, 1) }), { seen: Float32Array.of(0, 0) });
    await program.release();
  });
}

test('the portable lowering uses no blocks', () => {
  assert.equal(executors.portable.blockSize, 1);
});

test('blocked convolutions are used where this computer has them', {
  skip: process.arch !== 'x64' && 'not an x64 processor',
}, () => {
  assert.ok([8, 16].includes(executors.auto.blockSize), `block of ${executors.auto.blockSize}`);
});

test('the caller keeps the arrays it feeds, and may change them after the call', async () => {
  const g = new GraphBuilder();
  const program = await executors.auto.compile(g.build({ y: g.mul(g.input('x', [2]), 2) }));
  const x = Float32Array.of(1, 2);
  const running = program.run({ x });
  x.fill(50);
  assert.deepEqual(await running, { y: Float32Array.of(2, 4) });
  assert.deepEqual(await program.run({ x }), { y: Float32Array.of(100, 100) });
  await program.release();
});

test('runs asked for at once are served in order', async () => {
  const g = new GraphBuilder();
  const [count, x] = [g.input('count', []), g.input('x', [])];
  const program = await executors.auto.compile(g.build({ next: g.add(count, 1), y: g.mul(count, x) }), {
    state: { count: 'next' },
  });
  await program.writeState({ count: Float32Array.of(0) });
  const results = await Promise.all([1, 1, 1, 1].map((x) => program.run({ x: Float32Array.of(x) })));
  assert.deepEqual(
    results.map(({ y }) => y[0]),
    [0, 1, 2, 3],
  );
  await program.release();
});

test('inputs that are missing, unknown or of the wrong length are refused', async () => {
  const g = new GraphBuilder();
  const program = await executors.auto.compile(g.build({ y: g.relu(g.input('x', [2])) }));
  const x = Float32Array.of(1, 2);
  await assert.rejects(program.run({}), /exactly: x/);
  await assert.rejects(program.run({ x, z: x }), /exactly: x/);
  await assert.rejects(program.run({ x: Float32Array.of(1) }), /1 values for \[2\]/);
  await program.release();
  await assert.rejects(program.run({ x }), /released/);
});

test('programs are counted on both sides until they are released, once', async () => {
  const executor = executors.portable;
  const { graph, values } = {
    graph: graphWithGradients([[2]], (g, [x]) => g.relu(x)),
    values: { x0: Float32Array.of(1, 2) },
  };
  const programs = await Promise.all([1, 2, 3].map(() => executor.compile(graph)));
  assert.equal(executor.livePrograms, 3);
  assert.equal(await executor.programsInThread(), 3);
  await programs[0].run(values);
  await Promise.all([programs[0].release(), programs[0].release()]);
  assert.equal(executor.livePrograms, 2);
  assert.equal(await executor.programsInThread(), 2);
  await Promise.all(programs.map((program) => program.release()));
  assert.equal(executor.livePrograms, 0);
  assert.equal(await executor.programsInThread(), 0);
});

/** A graph that no executor can carry out: an op unknown to the runtime would be the lowering's fault, so a wrong shape. */
function brokenGraph(): Graph {
  const g = new GraphBuilder();
  g.relu(g.input('x', [2, 3]));
  const wrong: Node = { op: 'matmul', transposeA: false, transposeB: false, inputs: [0, 0], shape: [2, 3] };
  return { nodes: [...g.nodes, wrong], outputs: { y: 2 } };
}

test('a graph the runtime refuses is ENGINE_FAILED, and the executor goes on', async () => {
  const executor = executors.auto;
  await assert.rejects(executor.compile(brokenGraph()), (error) => {
    assert.ok(error instanceof KernelFusionError);
    assert.equal(error.code, 'ENGINE_FAILED');
    assert.doesNotMatch(error.message, /[/\\]\w/, 'the sentence carries no path');
    return true;
  });
  assert.equal(executor.livePrograms, 0);
  assert.equal(await executor.programsInThread(), 0);
  const g = new GraphBuilder();
  const y = await runOnce(executor, g.build({ y: g.add(g.input('x', []), 1) }), { x: Float32Array.of(1) });
  assert.deepEqual(y, { y: Float32Array.of(2) });
});

test('a provider that is not there is ENGINE_UNAVAILABLE', async () => {
  await assert.rejects(createOnnxExecutor({ providers: ['no-such-provider'] }), { code: 'ENGINE_UNAVAILABLE' });
});

/** A graph that keeps one thread busy for some tenths of a second. */
function longGraph(): Graph {
  const g = new GraphBuilder();
  let y = g.input('x', [1, 64, 96, 96]);
  const w = g.constant(new Float32Array(64 * 64 * 9).fill(1 / 576), [64, 64, 3, 3]);
  for (let i = 0; i < 60; i++) y = g.conv2d(y, w);
  return g.build({ y: g.mean(y) });
}

test('the event loop stays free during a run', async () => {
  const program = await executors.auto.compile(longGraph());
  const x = someValues(64 * 96 * 96, 1);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const start = performance.now();
  await program.run({ x });
  const elapsed = performance.now() - start;
  clearInterval(timer);
  await program.release();
  assert.ok(elapsed > 50, `the run took ${elapsed} ms, too short to tell`);
  assert.ok(ticks > elapsed / 25, `${ticks} ticks of 5 ms in ${elapsed} ms`);
});

test('close ends the thread soon, even with programs alive and runs under way', async () => {
  const executor = await createOnnxExecutor({ threads: 1 });
  const program = await executor.compile(longGraph());
  const x = someValues(64 * 96 * 96, 1);
  const runs = Promise.allSettled([program.run({ x }), program.run({ x }), program.run({ x })]);
  await setTimeout(20);
  const start = performance.now();
  await executor.close();
  assert.ok(performance.now() - start < 2000);
  assert.equal(executor.livePrograms, 0);
  assert.deepEqual(
    (await runs).map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
    'the run that had begun is let finish, the others are dropped',
  );
  await assert.rejects(program.run({ x }), { code: 'CANCELLED' });
  await program.release();
  await executor.close();
});

/** Runs a program that has `createOnnxExecutor`, `GraphBuilder` and `longGraph` in a Node of its own. */
function runNode(program: string, environment: NodeJS.ProcessEnv = process.env) {
  const urlOf = (path: string) => JSON.stringify(new URL(`../../../../../helper/tensor/${path}`, import.meta.url).href);
  const head = `
    import { createOnnxExecutor } from ${urlOf('executors/onnx/executor.js')};
    import { GraphBuilder } from ${urlOf('graph.js')};
    ${longGraph};`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', head + program], {
    env: environment,
  });
  return { status, signal, stderr: stderr.toString() };
}

test('a process may end in the middle of a run, with the exit code it asked for', () => {
  const ended = runNode(`
    const executor = await createOnnxExecutor({ threads: 1 });
    const program = await executor.compile(longGraph());
    program.run({ x: new Float32Array(64 * 96 * 96) });
    setTimeout(() => process.exit(3), 60);`);
  assert.deepEqual(ended, { status: 3, signal: null, stderr: '' });
});

test('a process that closes its executor ends by itself', () => {
  const ended = runNode(`
    const executor = await createOnnxExecutor({ threads: 1 });
    await executor.compile(longGraph());
    await executor.close();`);
  assert.deepEqual(ended, { status: 0, signal: null, stderr: '' });
});

test('the runtime keeps no usage data: nothing is written into the home folder', () => {
  const home = mkdtempSync(join(tmpdir(), 'kernelfusion-home-'));
  try {
    // Without CI, which would silence the runtime anyway.
    const { CI: _, ...rest } = process.env;
    const folders = { HOME: home, USERPROFILE: home, LOCALAPPDATA: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home };
    const ended = runNode(
      `
      const executor = await createOnnxExecutor({ threads: 1 });
      const program = await executor.compile(longGraph());
      await program.run({ x: new Float32Array(64 * 96 * 96) });
      await executor.close();`,
      { ...rest, ...folders },
    );
    assert.deepEqual(ended, { status: 0, signal: null, stderr: '' });
    assert.deepEqual(readdirSync(home), []);
  } finally {
    rmSync(home, { recursive: true });
  }
});
