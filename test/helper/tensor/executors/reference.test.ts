import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReferenceExecutor, evaluate } from '../../../../helper/tensor/executors/reference.ts';
import { GraphBuilder, type Tensor } from '../../../../helper/tensor/graph.ts';

/** Evaluates one op on constants. */
function compute(build: (g: GraphBuilder) => Tensor): { shape: readonly number[]; data: number[] } {
  const g = new GraphBuilder();
  const y = build(g);
  return { shape: y.shape, data: [...evaluate(g.build({ y }), {}).y] };
}

const counting = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test('operands of different ranks broadcast: a column against a row', () => {
  const { shape, data } = compute((g) => g.sub(g.constant([10, 20], [2, 1]), g.constant([1, 2, 3], [3])));
  assert.deepEqual(shape, [2, 3]);
  assert.deepEqual(data, [9, 8, 7, 19, 18, 17]);
});

test('ReLU, its gradient, sigmoid, SiLU, root and quotient of hand-worked numbers', () => {
  const x = [-2, 0, 3];
  assert.deepEqual(compute((g) => g.relu(g.constant(x, [3]))).data, [0, 0, 3]);
  assert.deepEqual(compute((g) => g.reluGrad(g.constant([7, 8, 9], [3]), g.constant(x, [3]))).data, [0, 0, 9]);
  assert.deepEqual(compute((g) => g.sigmoid(g.constant([0], [1]))).data, [0.5]);
  assert.deepEqual(compute((g) => g.silu(g.constant([0, Math.log(3)], [2]))).data[0], 0);
  assert.ok(Math.abs(compute((g) => g.silu(g.constant([Math.log(3)], [1]))).data[0] - 0.75 * Math.log(3)) < 1e-7);
  assert.deepEqual(compute((g) => g.sqrt(g.constant([9, 2.25], [2]))).data, [3, 1.5]);
  assert.deepEqual(compute((g) => g.div(g.constant([9, 2], [2]), 4)).data, [2.25, 0.5]);
});

test('sine and cosine of a right angle', () => {
  const angle = (g: GraphBuilder) => g.constant([Math.PI / 2], [1]);
  assert.ok(Math.abs(compute((g) => g.sin(angle(g))).data[0] - 1) < 1e-7);
  assert.ok(Math.abs(compute((g) => g.cos(angle(g))).data[0]) < 1e-7);
});

test('averagePool takes the mean of each block, enlarge makes a block of each pixel', () => {
  const picture = (g: GraphBuilder) => g.constant(counting(8), [1, 1, 2, 4]);
  assert.deepEqual(
    compute((g) => g.averagePool(picture(g), 2)),
    { shape: [1, 1, 1, 2], data: [3.5, 5.5] },
  );
  assert.deepEqual(
    compute((g) => g.enlarge(g.constant([1, 2], [1, 1, 1, 2]), 2)),
    { shape: [1, 1, 2, 4], data: [1, 1, 2, 2, 1, 1, 2, 2] },
  );
});

test('matrices multiply, also when stored transposed', () => {
  const [a, b] = [counting(4), [5, 6, 7, 8]];
  const product = (transposeA: boolean, transposeB: boolean) =>
    compute((g) => g.matmul(g.constant(a, [2, 2]), g.constant(b, [2, 2]), { transposeA, transposeB })).data;
  assert.deepEqual(product(false, false), [19, 22, 43, 50]);
  assert.deepEqual(product(true, false), [26, 30, 38, 44]);
  assert.deepEqual(product(false, true), [17, 23, 39, 53]);
  assert.deepEqual(product(true, true), [23, 31, 34, 46]);
});

test('a linear layer is x wT + b', () => {
  const { data } = compute((g) =>
    g.linear(g.constant([1, 2], [1, 2]), g.constant([3, 4, 5, 6], [2, 2]), g.constant([100, 200], [2])),
  );
  assert.deepEqual(data, [111, 217]);
});

test('conv2d is a correlation with zeros around, and adds the bias', () => {
  const weights = counting(9);
  const { shape, data } = compute((g) =>
    g.conv2d(g.constant([1, 2, 3, 4], [1, 1, 2, 2]), g.constant(weights, [1, 1, 3, 3]), g.constant([1000], [1])),
  );
  assert.deepEqual(shape, [1, 1, 2, 2]);
  // top left: 1*5 + 2*6 + 3*8 + 4*9 = 77; top right: 1*4 + 2*5 + 3*7 + 4*8 = 67; and so on
  assert.deepEqual(data, [1077, 1067, 1047, 1037]);
});

test('conv2d adds up the channels of the input, for each channel of the output', () => {
  const { data } = compute((g) => g.conv2d(g.constant([1, 10], [1, 2, 1, 1]), g.constant([1, 2, 3, 4], [2, 2, 1, 1])));
  assert.deepEqual(data, [21, 43]);
});

test('the input gradient of conv2d sends each weight back to where it read from', () => {
  const d = [0, 0, 0, 0, 1, 0, 0, 0, 0];
  const { data } = compute((g) =>
    g.conv2dInputGrad(g.constant(d, [1, 1, 3, 3]), g.constant(counting(9), [1, 1, 3, 3])),
  );
  assert.deepEqual(data, counting(9));
});

test('the weight gradient of conv2d is the input seen around each d', () => {
  const d = [0, 0, 0, 0, 2, 0, 0, 0, 0];
  const { shape, data } = compute((g) =>
    g.conv2dWeightGrad(g.constant(counting(9), [1, 1, 3, 3]), g.constant(d, [1, 1, 3, 3]), 3),
  );
  assert.deepEqual(shape, [1, 1, 3, 3]);
  assert.deepEqual(
    data,
    counting(9).map((x) => 2 * x),
  );
});

test('transpose, slice, pad, concat, sum and broadcast move what they should', () => {
  const matrix = (g: GraphBuilder) => g.constant(counting(6), [2, 3]);
  assert.deepEqual(compute((g) => g.transpose(matrix(g), [1, 0])).data, [1, 4, 2, 5, 3, 6]);
  assert.deepEqual(compute((g) => g.transpose(g.reshape(matrix(g), [1, 2, 3]), [2, 0, 1])).shape, [3, 1, 2]);
  assert.deepEqual(compute((g) => g.slice(matrix(g), [0, 1], [2, 2])).data, [2, 3, 5, 6]);
  assert.deepEqual(compute((g) => g.pad(g.constant([7], [1, 1]), [1, 0], [2, 2])).data, [0, 0, 7, 0]);
  assert.deepEqual(compute((g) => g.concat([matrix(g), g.constant([8, 9], [2, 1])], 1)).data, [1, 2, 3, 8, 4, 5, 6, 9]);
  assert.deepEqual(
    compute((g) => g.sum(matrix(g), [1])),
    { shape: [2, 1], data: [6, 15] },
  );
  assert.deepEqual(
    compute((g) => g.sum(matrix(g), [0])),
    { shape: [1, 3], data: [5, 7, 9] },
  );
  assert.deepEqual(
    compute((g) => g.mean(matrix(g))),
    { shape: [], data: [21 * Math.fround(1 / 6)] },
  );
  assert.deepEqual(compute((g) => g.mse(matrix(g), g.constant([1, 2, 3, 4, 5, 8], [2, 3]))).data, [
    4 * Math.fround(1 / 6),
  ]);
  assert.deepEqual(compute((g) => g.broadcast(g.constant([1, 2], [2, 1]), [2, 2])).data, [1, 1, 2, 2]);
});

test('a program keeps its state from run to run, and is counted until it is released', async () => {
  const g = new GraphBuilder();
  const [sum, x] = [g.input('sum', [1]), g.input('x', [1])];
  const next = g.add(sum, x);
  const executor = createReferenceExecutor();
  const program = await executor.compile(g.build({ next, seen: sum }), { state: { sum: 'next' } });
  assert.equal(executor.livePrograms, 1);
  await program.writeState({ sum: Float32Array.of(1) });
  assert.deepEqual(await program.run({ x: Float32Array.of(2) }), { seen: Float32Array.of(1) });
  assert.deepEqual(await program.run({ x: Float32Array.of(4) }), { seen: Float32Array.of(3) });
  assert.deepEqual(await program.readState(), { sum: Float32Array.of(7) });
  await program.release();
  assert.equal(executor.livePrograms, 0);
});
