import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphBuilder, inputsOf } from '../../../helper/tensor/graph.ts';
import { broadcastShapes, stridesOf } from '../../../helper/tensor/shape.ts';

test('shapes broadcast from their last axis, and only where a length is 1', () => {
  assert.deepEqual(broadcastShapes([2, 1, 4], [3, 1]), [2, 3, 4]);
  assert.deepEqual(broadcastShapes([], [5]), [5]);
  assert.throws(() => broadcastShapes([2, 3], [2]), /do not broadcast/);
});

test('strides count elements, last axis closest', () => {
  assert.deepEqual(stridesOf([2, 3, 4]), [12, 4, 1]);
  assert.deepEqual(stridesOf([]), []);
});

test('every op states the shape of its result', () => {
  const g = new GraphBuilder();
  const [x, w, b] = [g.input('x', [2, 3, 5, 4]), g.input('w', [7, 3, 3, 3]), g.input('b', [7])];
  const y = g.conv2d(x, w, b);
  assert.deepEqual(y.shape, [2, 7, 5, 4]);
  assert.deepEqual(g.conv2dInputGrad(y, w).shape, x.shape);
  assert.deepEqual(g.conv2dWeightGrad(x, y, 3).shape, w.shape);
  assert.deepEqual(g.matmul(g.input('p', [2, 3]), g.input('q', [4, 3]), { transposeB: true }).shape, [2, 4]);
  assert.deepEqual(g.concat([x, x], 1).shape, [2, 6, 5, 4]);
  assert.deepEqual(g.sum(x, [0, 2, 3]).shape, [1, 3, 1, 1]);
  assert.deepEqual(g.mean(x).shape, []);
  assert.deepEqual(g.enlarge(x, 2).shape, [2, 3, 10, 8]);
  assert.deepEqual(g.averagePool(g.enlarge(x, 2), 2).shape, x.shape);
});

test('a graph names its inputs with their shapes and its outputs with their nodes', () => {
  const g = new GraphBuilder();
  const [x, y] = [g.input('x', [2]), g.input('y', [])];
  const graph = g.build({ total: g.add(x, y) });
  assert.deepEqual(
    inputsOf(graph),
    new Map([
      ['x', [2]],
      ['y', []],
    ]),
  );
  assert.deepEqual(graph.outputs, { total: 2 });
});

test('what does not fit is refused when the graph is built, not when it runs', () => {
  const g = new GraphBuilder();
  const [x, w] = [g.input('x', [1, 3, 4, 4]), g.input('w', [8, 3, 3, 3])];
  const m = g.input('m', [2, 3]);
  assert.throws(() => g.input('x', [1]), /already/);
  assert.throws(() => g.constant([1, 2, 3], [2]), /do not fill/);
  assert.throws(() => g.matmul(m, m), /inner lengths/);
  assert.throws(() => g.conv2d(g.input('four', [1, 4, 4, 4]), w), /4 channels in, weights for 3/);
  assert.throws(() => g.conv2d(x, g.input('even', [8, 3, 2, 2])), /not square and odd/);
  assert.throws(() => g.conv2d(x, w, m), /bias/);
  assert.throws(() => g.conv2dInputGrad(x, w), /does not come from/);
  assert.throws(() => g.conv2dWeightGrad(x, g.input('d', [1, 8, 4, 5]), 3), /sizes differ/);
  assert.throws(() => g.averagePool(x, 3), /blocks of 3/);
  assert.throws(() => g.reluGrad(x, w), /is not/);
  assert.throws(() => g.reshape(x, [5]), /does not reshape/);
  assert.throws(() => g.transpose(m, [0, 0]), /does not permute/);
  assert.throws(() => g.slice(m, [0, 2], [2, 2]), /leaves/);
  assert.throws(() => g.pad(m, [1, 0], [2, 3]), /does not fit/);
  assert.throws(() => g.concat([m, g.input('n', [3, 3])], 1), /another axis/);
  assert.throws(() => g.broadcast(m, [2, 1]), /does not stretch/);
});
