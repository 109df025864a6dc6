import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluate } from '../../../helper/tensor/executors/reference.ts';
import { gradient } from '../../../helper/tensor/gradient.ts';
import { GraphBuilder, type OpName } from '../../../helper/tensor/graph.ts';
import { drawGraph, OP_CASES } from './op-cases.ts';

test('the cases leave no op out', () => {
  const covered = new Set<OpName>(OP_CASES.flatMap(({ ops }) => ops));
  const all: Record<Exclude<OpName, 'input' | 'constant'>, true> = {
    add: true,
    sub: true,
    mul: true,
    div: true,
    relu: true,
    sigmoid: true,
    sqrt: true,
    sin: true,
    cos: true,
    averagePool: true,
    enlarge: true,
    reluGrad: true,
    matmul: true,
    conv2d: true,
    conv2dInputGrad: true,
    conv2dWeightGrad: true,
    reshape: true,
    transpose: true,
    slice: true,
    pad: true,
    concat: true,
    sum: true,
    broadcast: true,
  };
  assert.deepEqual([...covered].sort(), Object.keys(all).sort());
});

for (const opCase of OP_CASES) {
  test(`the gradient of ${opCase.title} is its finite difference`, () => {
    fc.assert(
      fc.property(fc.gen(), (draw) => {
        const { graph, values } = drawGraph(opCase, draw, fc.integer);
        const exact = evaluate(graph, values);
        const step = 1e-5;
        Object.entries(values).forEach(([name, value], input) => {
          // A few elements of each input, spread over it: all of them would take minutes.
          const stride = Math.max(1, Math.floor(value.length / 4));
          for (let i = 0; i < value.length; i += stride) {
            const lossAt = (x: number) => {
              const moved = Float64Array.from(value);
              moved[i] = x;
              return evaluate(graph, { ...values, [name]: moved }).loss[0];
            };
            const difference = (lossAt(value[i] + step) - lossAt(value[i] - step)) / (2 * step);
            const found = exact[`d${input}`][i];
            assert.ok(
              Math.abs(found - difference) <= 1e-6 * Math.max(1, Math.abs(difference)),
              `d${input}[${i}] is ${found}, the difference ${difference}`,
            );
          }
        });
      }),
      { numRuns: 8, seed: 1 },
    );
  });
}

test('a value used twice gets both gradients: d(x^2 + 3x) = 2x + 3', () => {
  const g = new GraphBuilder();
  const x = g.input('x', []);
  const [d] = gradient(g, g.add(g.mul(x, x), g.mul(x, 3)), [x]);
  assert.equal(evaluate(g.build({ d }), { x: [5] }).d[0], 13);
});

test('gradients can be differentiated again: d2(x^3) = 6x', () => {
  const g = new GraphBuilder();
  const x = g.input('x', []);
  const [first] = gradient(g, g.mul(x, g.mul(x, x)), [x]);
  const [second] = gradient(g, first, [x]);
  assert.equal(evaluate(g.build({ second }), { x: [4] }).second[0], 24);
});

test('the gradient by a value the loss does not depend on is zero, in its shape', () => {
  const g = new GraphBuilder();
  const [x, other] = [g.input('x', [2]), g.input('other', [2, 3])];
  const [d] = gradient(g, g.mean(x), [other]);
  assert.deepEqual(d.shape, [2, 3]);
  assert.deepEqual([...evaluate(g.build({ d }), { x: [1, 2], other: [1, 2, 3, 4, 5, 6] }).d], [0, 0, 0, 0, 0, 0]);
});

test('the gradient by the loss itself is one', () => {
  const g = new GraphBuilder();
  const loss = g.mean(g.input('x', [2]));
  const [d] = gradient(g, loss, [loss]);
  assert.deepEqual([...evaluate(g.build({ d }), { x: [1, 2] }).d], [1]);
});

test('a loss of more than one number is refused', () => {
  const g = new GraphBuilder();
  const x = g.input('x', [2]);
  assert.throws(() => gradient(g, x, [x]), /one number/);
});
