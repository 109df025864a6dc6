/** The loops agree with plain ones in JavaScript, for any length, and keep to their arrays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeWorkspace } from '../../../helper/kernelfusion/loops.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { isOutOfMemory } from '../../../helper/out-of-memory.ts';
import { assertClose } from '../../support/close.ts';

const lengths = fc.integer({ min: 0, max: 200 });
const seeds = fc.integer({ min: 0, max: 1e6 });

/** Calls `check` with a workspace whose arrays x, y and z are of one random length, x and y of random values. */
function eachLength(
  check: (workspace: ReturnType<typeof makeWorkspace<'x' | 'y' | 'z'>>, length: number) => void,
): void {
  fc.assert(
    fc.property(lengths, seeds, (length, seed) => {
      const workspace = makeWorkspace({ x: length, y: length, z: length });
      const { normals } = makeRandom(seed);
      workspace.arrays.x.set(normals(length));
      workspace.arrays.y.set(normals(length));
      check(workspace, length);
    }),
  );
}

test('a sum of products is made in double precision', () => {
  eachLength(({ loops, arrays: { x, y } }, length) => {
    const expected = x.reduce((sum, v, i) => sum + v * y[i], 0);
    assertClose([loops.dot(x, y, length)], [expected], 1e-5);
  });
  // Single precision would lose the ones beside 2^24.
  const { loops, arrays } = makeWorkspace({ x: 400 });
  arrays.x.fill(1).set([2 ** 12]);
  assert.equal(loops.dot(arrays.x, arrays.x, 400), 2 ** 24 + 399);
});

test('x + f y, y + f x and x . y, place by place', () => {
  eachLength(({ loops, arrays: { x, y, z } }, length) => {
    loops.multiply(z, x, y, length);
    assertClose(
      z,
      x.map((v, i) => v * y[i]),
      0,
    );
    const sum = x.map((v, i) => v + 0.3 * y[i]);
    loops.add(x, y, 0.3, length);
    assertClose(x, sum, 1e-6);
    const turned = x.map((v, i) => y[i] - 1.7 * v);
    loops.turn(x, y, -1.7, length);
    assertClose(x, turned, 2e-6);
  });
});

test('a filter is the sum of what its taps find, however long, and zero without taps', () => {
  fc.assert(
    fc.property(lengths, fc.integer({ min: 0, max: 9 }), seeds, (length, count, seed) => {
      const { below, normals } = makeRandom(seed);
      const { loops, arrays } = makeWorkspace({ y: length, x: length + 50, taps: 2 * count });
      const { y, x, taps } = arrays;
      x.set(normals(x.length));
      y.fill(5);
      const [places, weights] = [Array.from({ length: count }, () => below(50)), normals(count)];
      const inside = new Int32Array(taps.buffer, taps.byteOffset, taps.length);
      for (let t = 0; t < count; t++) {
        inside[2 * t] = 4 * places[t];
        taps[2 * t + 1] = weights[t];
      }
      const expected = Float32Array.from(y, (_, i) => places.reduce((sum, at, t) => sum + weights[t] * x[i + at], 0));
      loops.filter(y, x, taps, count, length);
      assertClose(y, expected, 1e-5);
    }),
  );
});

test('a plane is split into its phases, worked out by hand, and joined again', () => {
  const { loops, arrays } = makeWorkspace({ plane: 15, phases: 24, again: 15 });
  const { plane, phases, again } = arrays;
  // biome-ignore format: a plane
  plane.set([
    1, 2, 3, 4, 5,
    6, 7, 8, 9, 10,
    11, 12, 13, 14, 15,
  ]);
  loops.split(phases, plane, 5, 3, 2, 3, 6);
  // biome-ignore format: a phase in each line, its rows three apart
  assert.deepEqual([...phases], [
    1, 3, 5, 11, 13, 15,
    2, 4, 0, 12, 14, 0,
    6, 8, 10, 0, 0, 0,
    7, 9, 0, 0, 0, 0,
  ]);
  loops.join(again, phases, 5, 3, 2, 3, 6);
  assert.deepEqual(again, plane);
});

test('a matrix times a vector, of any size', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 4 }), seeds, (rows, eights, seed) => {
      const columns = 8 * eights;
      const { loops, arrays } = makeWorkspace({ y: 2 * rows, Q: 2 * rows * columns, x: 2 * columns });
      const [y, Q, x] = [arrays.y, arrays.Q, arrays.x].map(
        (array) => new Float64Array(array.buffer, array.byteOffset, array.length / 2),
      );
      const { normals } = makeRandom(seed);
      Q.set(normals(Q.length));
      x.set(normals(x.length));
      loops.product(y, Q, x, rows, columns);
      const expected = y.map((_, i) => x.reduce((sum, v, j) => sum + v * Q[i * columns + j], 0));
      assertClose(y, expected, 1e-12);
    }),
  );
});

test('what a loop does beyond its length stays within its array', () => {
  eachLength(({ loops, arrays: { x, y, z } }, length) => {
    const before = y.slice();
    loops.filter(x, z, z, 0, length);
    assertClose(x, new Float32Array(length), 0);
    assert.deepEqual(y, before);
  });
});

test('arrays of another memory are refused, for their place here is something else', () => {
  const [one, other] = [makeWorkspace({ x: 8 }), makeWorkspace({ x: 8 })];
  assert.throws(() => one.loops.dot(one.arrays.x, other.arrays.x, 8), TypeError);
});

test('memory that cannot be had is told as memory that ran out', () => {
  assert.throws(() => makeWorkspace({ x: 2 ** 31 }), isOutOfMemory);
});
