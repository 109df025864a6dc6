import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlanes } from '../../../helper/image/planes.ts';
import type { NormalEquations } from '../../../helper/kernelfusion/kernel-solver.ts';
import { makeKernelSteps } from '../../../helper/kernelfusion/kernel-steps.ts';
import { centreOfMass } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';
import { wholeSquare } from '../../support/equations.ts';

const SIZE = 6;
/** Large, so that smoothness hardly counts. */
const LARGE = 1e4;
const at = (row: number, column: number) => row * SIZE + column;

/** |k - wish|^2 of so many places; `wish`: a value for some of them. */
function wishing(count: number, wish: ReadonlyMap<number, number>): NormalEquations {
  const G = new Float64Array(count ** 2);
  for (let p = 0; p < count; p++) G[p * count + p] = LARGE;
  const b = Float64Array.from({ length: count }, (_, p) => LARGE * (wish.get(p) ?? 0));
  return { G, b, meanSquare: 1 };
}
const all = SIZE ** 2;
const MIDDLE = new Map([
  [at(2, 2), 0.25],
  [at(2, 3), 0.25],
  [at(3, 2), 0.25],
  [at(3, 3), 0.25],
]);
/** As a square. */
const IN_MIDDLE = Float64Array.from({ length: all }, (_, i) => MIDDLE.get(i) ?? 0);
/** A chequerboard, every other tap is nothing. */
const IN_TURN = new Map(
  Array.from({ length: all }, (_, i) => [i, ((i % SIZE) + Math.floor(i / SIZE)) % 2 ? 0 : 2 / all]),
);
const CORNER = new Map([
  [at(0, 0), 0.5],
  [at(1, 1), 0.5],
]);

test('the kernel that equations ask for is found where it is in the middle, and nothing moves', () => {
  const { kernel, change } = makeKernelSteps(wholeSquare(SIZE), 2).next(wishing(all, MIDDLE));
  assertClose(kernel.data, IN_MIDDLE, 1e-3);
  assert.deepEqual([kernel.size, kernel.scale, change], [SIZE, 2, null]);
});

test('smoothness counts as much as it is told to', () => {
  const kernelAt = (smoothness: number) =>
    makeKernelSteps(wholeSquare(SIZE), 2, smoothness).next(wishing(all, IN_TURN)).kernel;
  assertClose(kernelAt(0).data, [...IN_TURN.values()], 1e-6);
  // Wishes are 1 +- 1 in turn. An inner tap, 1 +- a, differs from its four neighbours by 2 a: a + 4 * 2 a = 1, but for the border.
  const { data } = kernelAt(LARGE);
  for (const tap of MIDDLE.keys()) assertClose([Math.abs(all * data[tap] - 1)], [1 / 9], 0.01);
});

test('later equations count 0.3 of the mean, those before 0.7', () => {
  const solver = makeKernelSteps(wholeSquare(SIZE), 2);
  solver.next(wishing(all, MIDDLE));
  const other = new Map([
    [at(2, 2), 0.5],
    [at(3, 3), 0.5],
  ]);
  const { data } = solver.next(wishing(all, other)).kernel;
  assertClose([data[at(2, 2)], data[at(2, 3)]], [0.7 * 0.25 + 0.3 * 0.5, 0.7 * 0.25], 1e-3);
});

test('a kernel to one side is centred; canvas and support go along, and equations of the old frame are forgotten', () => {
  const solver = makeKernelSteps(wholeSquare(SIZE), 2);
  const { kernel, change } = solver.next(wishing(all, CORNER));
  assert.ok(centreOfMass(kernel).every((v) => Math.abs(v) <= 0.5 + 1e-9));
  const place = kernel.data.indexOf(Math.max(...kernel.data));
  const [dy, dx] = [Math.floor(place / SIZE), place % SIZE];
  assert.ok(dy > 0 && dx > 0, 'the first of its two taps was in the corner');

  // A canvas is moved as the kernel was, and so are the places, as far as they stay inside.
  const canvas = makePlanes(9, 8, 1);
  canvas.data[2 * 9 + 3] = 1;
  assert.equal(change!(canvas).data.indexOf(1), (2 + dy) * 9 + 3 + dx);
  const { places } = solver.support();
  const within = [...Array(all).keys()].filter((i) => Math.floor(i / SIZE) >= dy && i % SIZE >= dx);
  assert.deepEqual([...places], within);

  const wish = new Map([...MIDDLE].map(([i, v]) => [places.indexOf(i), v]));
  const { data } = solver.next(wishing(places.length, wish)).kernel;
  assertClose(data, IN_MIDDLE, 1e-3);
});

test('a refinement has the smoothed equations, their solution and the support, and what it makes is the kernel', () => {
  const support = wholeSquare(SIZE);
  const equations = wishing(all, CORNER);
  const { kernel } = makeKernelSteps(support, 2).next(equations, (smooth, values, of) => {
    assert.deepEqual(of, support);
    assert.deepEqual(smooth.b, equations.b);
    assert.ok(smooth.G[0] > equations.G[0], 'smoothness is on the diagonal');
    assertClose([values[at(0, 0)], values[at(1, 1)]], [0.5, 0.5], 1e-3);
    return IN_MIDDLE;
  });
  assertClose(kernel.data, IN_MIDDLE, 1e-12);
});
