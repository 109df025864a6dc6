import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import {
  initialUNet,
  PAPER_WIDTHS,
  sideMultiple,
  uNet,
  uNetLayout,
  uNetMacs,
} from '../../../helper/kernelfusion/u-net.ts';
import { evaluate } from '../../../helper/tensor/executors/reference.ts';
import { GraphBuilder } from '../../../helper/tensor/graph.ts';
import { unflatten } from '../../../helper/tensor/parameters.ts';
import { sizeOf } from '../../../helper/tensor/shape.ts';

const SIZE = { widths: [2, 3, 4], channels: 3 };

/** net(x) of one plane set of 8 x 12 pixels. */
function apply(parameters: Float32Array, x: Float32Array): Float64Array {
  const g = new GraphBuilder();
  const layout = uNetLayout(SIZE);
  const net = unflatten(g, g.input('net', [layout.size]), layout);
  const y = uNet(g, net, SIZE.widths, g.input('x', [1, 3, 8, 12]));
  assert.deepEqual(y.shape, [1, 3, 8, 12]);
  return evaluate(g.build({ y }), { net: parameters, x }).y;
}

test('the published widths go from 32 to 512, and halve the picture four times', () => {
  assert.deepEqual([PAPER_WIDTHS[0], PAPER_WIDTHS.at(-1)], [32, 512]);
  assert.equal(sideMultiple({ widths: PAPER_WIDTHS }), 16);
});

test('untrained, the net adds nothing to its picture', () => {
  const parameters = initialUNet(uNetLayout(SIZE), makeRandom(1).uniform);
  assert.ok(apply(parameters, makeRandom(2).normals(288)).every((v) => v === 0));
});

test('start values have variance 2 / fan-in', () => {
  const layout = uNetLayout({ widths: [64, 128], channels: 3 });
  const values = initialUNet(layout, makeRandom(3).uniform);
  for (const { name, shape, offset } of layout.entries) {
    const part = values.subarray(offset, offset + sizeOf(shape));
    const variance = part.reduce((sum, v) => sum + v * v, 0) / part.length;
    if (shape.length === 1 || name === 'out.weight') assert.equal(variance, 0, name);
    else assert.ok(Math.abs((variance * sizeOf(shape.slice(1))) / 2 - 1) < 0.1, `${name}: ${variance}`);
  }
});

test('every level is seen in the result, by way of the skips and of the levels below', () => {
  const layout = uNetLayout(SIZE);
  const { normals } = makeRandom(4);
  const parameters = initialUNet(layout, makeRandom(5).uniform).map((v) => v || 0.3 + 0.1 * normals(1)[0]);
  const x = makeRandom(6).normals(288);
  const before = apply(parameters, x);
  for (const { name, shape, offset } of layout.entries) {
    const without = parameters.slice().fill(0, offset, offset + sizeOf(shape));
    assert.ok(
      apply(without, x).some((v, i) => Math.abs(v - before[i]) > 1e-6),
      `${name} changes nothing`,
    );
  }
});

test('by the skip a level sees its own picture, also where nothing comes from below', () => {
  const layout = uNetLayout(SIZE);
  const parameters = initialUNet(layout, makeRandom(7).uniform).map((v) => v || 0.3);
  for (const { name, shape, offset } of layout.entries) {
    if (name.startsWith('up0.below')) parameters.fill(0, offset, offset + sizeOf(shape));
  }
  const [one, other] = [8, 9].map((seed) => apply(parameters, makeRandom(seed).normals(288)));
  assert.ok(one.some((v, i) => Math.abs(v - other[i]) > 0.01));
});

test('the multiply-adds of a pixel count a level of half the side a quarter', () => {
  // Widths 2 and 3, one plane. Full size: 9 (2 1 + 2 2) down, 9 (4 2 + 2 2) up, 2 out; half: 9 (3 2 + 3 3) down, 2 3 to come up.
  assert.equal(uNetMacs({ widths: [2, 3], channels: 1 }), 54 + 108 + 2 + (135 + 6) / 4);
});
