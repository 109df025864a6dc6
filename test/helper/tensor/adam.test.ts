import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADAM, adamScalars, adamStep } from '../../../helper/tensor/adam.ts';
import { createReferenceExecutor } from '../../../helper/tensor/executors/reference.ts';
import { gradient } from '../../../helper/tensor/gradient.ts';
import { GraphBuilder } from '../../../helper/tensor/graph.ts';
import { flatten, layOut, unflatten } from '../../../helper/tensor/parameters.ts';

/** Adam on the gradient fed: inputs gradient and scalars, state p, m, v of two numbers. */
async function adamProgram() {
  const g = new GraphBuilder();
  const state = { parameters: g.input('p', [2]), m: g.input('m', [2]), v: g.input('v', [2]) };
  const next = adamStep(g, state, g.input('gradient', [2]), g.input('scalars', [2]));
  const graph = g.build({ p1: next.parameters, m1: next.m, v1: next.v });
  const program = await createReferenceExecutor().compile(graph, { state: { p: 'p1', m: 'm1', v: 'v1' } });
  await program.writeState({ p: Float32Array.of(1, 1), m: new Float32Array(2), v: new Float32Array(2) });
  return program;
}

test('the first step of Adam moves every parameter by the rate, against its gradient', async () => {
  const program = await adamProgram();
  await program.run({ gradient: Float32Array.of(0.001, -300), scalars: adamScalars(1, 0.25) });
  const { p } = await program.readState();
  assert.ok(Math.abs(p[0] - 0.75) < 1e-5 && Math.abs(p[1] - 1.25) < 1e-5, `${p}`);
});

test('two steps of Adam give the numbers worked by hand', async () => {
  const program = await adamProgram();
  await program.run({ gradient: Float32Array.of(1, 2), scalars: adamScalars(1, 0.1) });
  await program.run({ gradient: Float32Array.of(3, -2), scalars: adamScalars(2, 0.1) });
  // m = 0.9 * 0.1 + 0.1 * 3 = 0.39, corrected 0.39 / 0.19; v = 0.99 * 0.01 + 0.01 * 9 = 0.0999, corrected 0.0999 / 0.0199
  const first = 0.9 - (0.1 * (0.39 / 0.19)) / (Math.sqrt(0.0999 / 0.0199) + ADAM.epsilon);
  // m = 0.9 * 0.2 - 0.1 * 2 = -0.02; v = 0.99 * 0.04 + 0.01 * 4 = 0.0796, corrected 4
  const second = 0.9 - (0.1 * (-0.02 / 0.19)) / 2;
  const { p, m, v } = await program.readState();
  assert.ok(Math.abs(p[0] - first) < 1e-6 && Math.abs(p[1] - second) < 1e-6, `${p} is not ${first}, ${second}`);
  assert.ok(Math.abs(m[0] - 0.39) < 1e-6 && Math.abs(v[0] - 0.0999) < 1e-6);
});

test('Adam finds the minimum of a parabola through the flat vector and its gradient', async () => {
  const g = new GraphBuilder();
  const layout = layOut([
    ['a', [1, 2]],
    ['b', []],
  ]);
  const state = { parameters: g.input('p', [3]), m: g.input('m', [3]), v: g.input('v', [3]) };
  const { a, b } = unflatten(g, state.parameters, layout);
  const loss = g.add(g.mse(a, g.constant([2, -1], [1, 2])), g.mul(g.sub(b, 4), g.sub(b, 4)));
  const next = adamStep(g, state, flatten(g, gradient(g, loss, [a, b])), g.input('scalars', [2]));
  const program = await createReferenceExecutor().compile(
    g.build({ loss, p1: next.parameters, m1: next.m, v1: next.v }),
    { state: { p: 'p1', m: 'm1', v: 'v1' } },
  );
  await program.writeState({ p: new Float32Array(3), m: new Float32Array(3), v: new Float32Array(3) });
  for (let k = 1; k <= 300; k++) await program.run({ scalars: adamScalars(k, 0.2 * (1 - k / 301)) });
  const { p } = await program.readState();
  for (const [i, target] of [2, -1, 4].entries()) assert.ok(Math.abs(p[i] - target) < 1e-3, `${p}`);
});
