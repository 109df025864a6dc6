import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  implicitKernel,
  initialKernelNet,
  KERNEL_LAYOUT,
  tapCoordinates,
} from '../../../helper/kernelfusion/implicit-kernel.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { evaluate } from '../../../helper/tensor/executors/reference.ts';
import { GraphBuilder } from '../../../helper/tensor/graph.ts';
import { unflatten } from '../../../helper/tensor/parameters.ts';
import { sizeOf } from '../../../helper/tensor/shape.ts';

function kernelOf(parameters: Float32Array, size: number): Float64Array {
  const g = new GraphBuilder();
  const p = unflatten(g, g.input('p', [KERNEL_LAYOUT.size]), KERNEL_LAYOUT);
  return evaluate(g.build({ k: implicitKernel(g, p, size) }), { p: parameters }).k;
}

const place = (name: string) => KERNEL_LAYOUT.entries.find((entry) => entry.name === name)!;

test('section 4.3: five layers of 256 from (row, column) to one number', () => {
  assert.deepEqual(
    KERNEL_LAYOUT.entries.map(({ shape }) => shape),
    [[256, 2], [256], ...[1, 2, 3, 4].flatMap(() => [[256, 256], [256]]), [1, 256], [1]],
  );
});

test('section 4.3: taps lie on (row, column) from -1 to 1, rows first', () => {
  assert.deepEqual([...tapCoordinates(3)].slice(0, 8), [-1, -1, -1, 0, -1, 1, 0, -1]);
  assert.deepEqual([...tapCoordinates(3)].slice(-2), [1, 1]);
  assert.deepEqual([...tapCoordinates(1)], [0, 0]);
});

test('section 4.3: h = sin(5 (W h + b)), then the leaky sigmoid, then division by the sum, by hand', () => {
  const size = 4;
  const parameters = initialKernelNet(makeRandom(1).uniform);
  const coordinates = tapCoordinates(size);
  const taps = Array.from({ length: size * size }, (_, tap) => {
    let h = [coordinates[2 * tap], coordinates[2 * tap + 1]];
    for (let layer = 0; layer <= 5; layer++) {
      const [w, b] = [place(`sine${layer}.weight`), place(`sine${layer}.bias`)];
      const sums = Array.from({ length: w.shape[0] }, (_, o) =>
        h.reduce((sum, v, i) => sum + v * parameters[w.offset + o * h.length + i], parameters[b.offset + o]),
      );
      h = layer < 5 ? sums.map((v) => Math.sin(5 * v)) : sums;
    }
    return 1.0001 / (1 + Math.exp(-h[0])) - 0.0001;
  });
  const sum = taps.reduce((a, b) => a + b);
  for (const [i, v] of kernelOf(parameters, size).entries())
    assert.ok(Math.abs(v - taps[i] / sum) < 1e-9, `${i}: ${v}`);
});

test('the SIREN paper, section 3.2: its start values keep the spread of every layer, whatever the depth', () => {
  const parameters = initialKernelNet(makeRandom(2).uniform);
  const spread = (values: Float32Array) => Math.max(...values.map(Math.abs));
  for (const { name, shape, offset } of KERNEL_LAYOUT.entries) {
    const bound = name.endsWith('bias')
      ? 1 / Math.sqrt(name === 'sine0.bias' ? 2 : 256)
      : name === 'sine0.weight'
        ? 1 / 2
        : Math.sqrt(6 / 256) / 5;
    const values = parameters.subarray(offset, offset + sizeOf(shape));
    assert.ok(spread(values) <= bound, name);
    if (values.length > 100) assert.ok(spread(values) > 0.97 * bound, name);
  }
});

test('the sum is 1 at every side, and the start has no tap that stands out', () => {
  for (const size of [3, 14]) {
    const kernel = kernelOf(initialKernelNet(makeRandom(3).uniform), size);
    assert.ok(Math.abs(kernel.reduce((a, b) => a + b) - 1) < 1e-9);
    assert.ok(Math.max(...kernel) < 2 / size ** 2);
  }
});
