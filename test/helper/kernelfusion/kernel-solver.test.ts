import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { makePlanes, type Planes, planeOf } from '../../../helper/image/planes.ts';
import { makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import {
  averageEquations,
  centreKernel,
  type NormalEquations,
  productWith,
  projectOntoSimplex,
  smoothEquations,
  solveKernel,
  trimKernel,
} from '../../../helper/kernelfusion/kernel-solver.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import type { Executor } from '../../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { createReferenceExecutor } from '../../../helper/tensor/executors/reference.ts';
import { centreOfMass, type Kernel, makeKernel, type Scale } from '../../../shared/kernel.ts';
import { assertClose, correlation } from '../../support/close.ts';
import { openEquations, wholeSquare } from '../../support/equations.ts';
import { everywhere } from '../../support/everywhere.ts';

const executors = { reference: createReferenceExecutor(), onnx: await createOnnxExecutor({ threads: 1 }) };
after(() => Promise.all(Object.values(executors).map((executor) => executor.close())));

async function equationsOf(executor: Executor, size: number, scale: Scale, z: Planes, y: Planes, weight?: Uint8Array) {
  const builder = await openEquations(executor, size, scale);
  try {
    return await builder.build(z, y, weight ?? everywhere(y), wholeSquare(size));
  } finally {
    await builder.release();
  }
}

/** A kernel 6 pixels wide: a bent line, about centred. */
const TRUE_KERNEL = makeKernel(
  6,
  2,
  [
    [0, 0, 0, 0, 0, 0],
    [0, 4, 0, 0, 0, 0],
    [0, 3, 6, 0, 0, 0],
    [0, 0, 5, 9, 4, 0],
    [0, 0, 0, 0, 2, 0],
    [0, 0, 0, 0, 0, 0],
  ].flat(),
);

/** A random sharp picture and what the kernel makes of it. */
function degraded(kernel: Kernel, side: number, channels: number): { z: Planes; y: Planes } {
  const { canvasWidth, canvasHeight, apply } = makeDegradation(kernel, side, side);
  const length = canvasWidth * canvasHeight * channels;
  const z = makePlanes(
    canvasWidth,
    canvasHeight,
    channels,
    makeRandom(1)
      .normals(length)
      .map((v) => 0.3 * v),
  );
  const y = makePlanes(side, side, channels);
  for (let c = 0; c < channels; c++) planeOf(y, c).set(apply(planeOf(z, c)));
  return { z, y };
}

for (const [name, executor] of Object.entries(executors)) {
  test(`G, b and the mean square are means of u u^T, u y and y^2 over the windows u, worked out by hand, executor ${name}`, async () => {
    // Scale 2, side 2: no margin; LR pixel 0 sees [1 2; 0 1], LR pixel 1 sees [3 0; 1 1].
    const z = makePlanes(4, 2, 1, Float32Array.of(1, 2, 3, 0, 0, 1, 1, 1));
    const y = makePlanes(2, 1, 1, Float32Array.of(10, 20));
    const both = await equationsOf(executor, 2, 2, z, y);
    // biome-ignore format: a matrix
    assertClose(both.G, [
      (1 + 9) / 2, (2 + 0) / 2, (0 + 3) / 2, (1 + 3) / 2,
      (2 + 0) / 2, (4 + 0) / 2, (0 + 0) / 2, (2 + 0) / 2,
      (0 + 3) / 2, (0 + 0) / 2, (0 + 1) / 2, (0 + 1) / 2,
      (1 + 3) / 2, (2 + 0) / 2, (0 + 1) / 2, (1 + 1) / 2,
    ], 1e-6);
    assertClose(both.b, [(10 + 60) / 2, (20 + 0) / 2, (0 + 20) / 2, (10 + 20) / 2], 1e-6);
    assertClose([both.meanSquare], [(100 + 400) / 2], 1e-6);
    const second = await equationsOf(executor, 2, 2, z, y, Uint8Array.of(0, 1));
    assertClose(second.G, [9, 0, 3, 3, 0, 0, 0, 0, 3, 0, 1, 1, 3, 0, 1, 1], 1e-6);
    assertClose(second.b, [60, 0, 20, 20], 1e-6);
    assertClose([second.meanSquare], [400], 1e-6);
  });

  test(`more windows than fit into one product are all counted, in every colour, executor ${name}`, async () => {
    // 1 x 1 windows: G is the mean of z^2, b that of z y and the mean square that of y^2, over 2 x 75 x 75 = 11250 values.
    const z = makePlanes(75, 75, 2, makeRandom(2).normals(11250));
    const y = makePlanes(75, 75, 2, makeRandom(3).normals(11250));
    const { G, b, meanSquare } = await equationsOf(executor, 1, 1, z, y);
    assertClose(G, [z.data.reduce((sum, v) => sum + v * v, 0) / 11250], 1e-5);
    assertClose(b, [z.data.reduce((sum, v, i) => sum + v * y.data[i], 0) / 11250], 1e-5);
    assertClose([meanSquare], [y.data.reduce((sum, v) => sum + v * v, 0) / 11250], 1e-5);
  });

  test(`the kernel of a known sharp picture is found, executor ${name}`, async () => {
    const { z, y } = degraded(TRUE_KERNEL, 24, 1);
    const equations = await equationsOf(executor, 6, 2, z, y);
    const found = solveKernel(equations, 400);
    const similarity = correlation(found, TRUE_KERNEL.data);
    assert.ok(similarity > 0.999, `correlation ${similarity}`);
    assertClose(found, TRUE_KERNEL.data, 0.002);
  });

  test(`the equations hold the residual: k^T G k - 2 b^T k + mean of y^2 is the mean of (U k - y)^2, executor ${name}`, async () => {
    const { z, y } = degraded(TRUE_KERNEL, 24, 1);
    const { G, b, meanSquare } = await equationsOf(executor, 6, 2, z, y);
    const residual = (k: Float64Array) =>
      productWith(G)(k).reduce((sum, g, j) => sum + k[j] * (g - 2 * b[j]), meanSquare);
    assertClose([residual(TRUE_KERNEL.data)], [0], 1e-6);
    const flat = makeKernel(6, 2, new Array(36).fill(1));
    const again = makeDegradation(flat, 24, 24).apply(z.data);
    const expected = again.reduce((sum, v, i) => sum + (v - y.data[i]) ** 2, 0) / 576;
    assertClose([residual(flat.data)], [expected], 1e-6);
  });
}

test('no program is left when the equations are released', () => {
  for (const executor of Object.values(executors)) assert.equal(executor.livePrograms, 0);
});

test('all colours together determine a kernel that one colour leaves open', async () => {
  // 5 x 5 windows give 25 equations for 36 taps in one colour, 75 in three.
  const { z, y } = degraded(TRUE_KERNEL, 5, 3);
  const solve = async (channels: number) => {
    const first = (planes: Planes) =>
      makePlanes(planes.width, planes.height, channels, planes.data.slice(0, channels * planes.width * planes.height));
    const equations = await equationsOf(executors.onnx, 6, 2, first(z), first(y));
    return correlation(solveKernel(equations, 2000), TRUE_KERNEL.data);
  };
  const [one, three] = [await solve(1), await solve(3)];
  assert.ok(three > 0.995 && one < three, `correlation ${three} with three colours, ${one} with one`);
});

test('past and present equations are mixed by the momentum', () => {
  const of = (G: number, b: number, meanSquare: number): NormalEquations => ({
    G: Float64Array.of(G),
    b: Float64Array.of(b),
    meanSquare,
  });
  assert.deepEqual(averageEquations(of(8, 4, 1), of(4, -4, 3), 0.75), of(7, 2, 1.5));
});

const identity = (n: number) => Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
const equations = (G: Float64Array, b: ArrayLike<number>): NormalEquations => ({
  G,
  b: Float64Array.from(b),
  meanSquare: 1,
});

test('with G = 1 the solution is the point of the simplex nearest to b, worked out by hand', () => {
  const solve = (...b: number[]) => solveKernel(equations(identity(4), b), 500);
  assertClose(solve(0.5, 0.3, 0, 0), [0.55, 0.35, 0.05, 0.05], 1e-9);
  assertClose(solve(3, 0, 0, 0), [1, 0, 0, 0], 1e-9);
  assertClose(solve(0, 0, 0, 0), [0.25, 0.25, 0.25, 0.25], 1e-9);
});

test('smoothness couples neighbours along rows and columns, worked out by hand', () => {
  // (1 + L) k = (1, 0, 0, 0) on a 2 x 2 grid, L with eigenvalues 0, 2, 2, 4:
  // k = 1/4 (1 1 1 1) + 1/3 * 1/2 (1 0 0 -1) + 1/5 * 1/4 (1 -1 -1 1).
  const k = solveKernel(smoothEquations(equations(identity(4), [1, 0, 0, 0]), wholeSquare(2), 1), 500);
  assertClose(k, [7 / 15, 1 / 5, 1 / 5, 2 / 15], 1e-9);
});

test('smoothing adds what it weighs times the sum of squared differences of neighbours, and changes nothing it was given', () => {
  const before = equations(identity(6 * 6), new Float64Array(36));
  const { G, b, meanSquare } = smoothEquations(before, wholeSquare(6), 0.3);
  const k = Float64Array.from(makeRandom(7).normals(36));
  let differences = 0;
  for (let r = 0; r < 6; r++) {
    for (let c = 0; c < 6; c++) {
      if (c < 5) differences += (k[r * 6 + c + 1] - k[r * 6 + c]) ** 2;
      if (r < 5) differences += (k[r * 6 + 6 + c] - k[r * 6 + c]) ** 2;
    }
  }
  const quadratic = (Q: Float64Array) => productWith(Q)(k).reduce((sum, g, j) => sum + g * k[j], 0);
  assertClose([quadratic(G) - quadratic(before.G)], [0.3 * differences], 1e-9);
  assert.deepEqual([before.G, b, meanSquare], [identity(36), before.b, 1]);
});

test('a matrix times a vector, worked out by hand', () => {
  assert.deepEqual(productWith(Float64Array.of(1, 2, 3, 4))(Float64Array.of(5, 6)), Float64Array.of(17, 39));
});

test('the solution meets the conditions of an optimum: one slope on its support, none lower elsewhere', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 0, max: 1e6 }), (size, seed) => {
      const n = size * size;
      const u = makeRandom(seed).normals(3 * n * n);
      const G = new Float64Array(n * n);
      for (let p = 0; p < n; p++) {
        for (let q = 0; q < n; q++) {
          for (let row = 0; row < 3 * n; row++) G[p * n + q] += (u[row * n + p] * u[row * n + q]) / (3 * n);
        }
      }
      const b = Float64Array.from(makeRandom(seed + 1).normals(n), (v) => v / n);
      const k = solveKernel(equations(G, b), 1500);
      assert.ok(k.every((v) => v >= 0));
      assertClose([k.reduce((sum, v) => sum + v, 0)], [1], 1e-9);
      const slope = b.map((v, p) => k.reduce((sum, x, q) => sum + G[p * n + q] * x, -v));
      const level = slope.reduce((sum, g, p) => sum + g * k[p], 0);
      for (let p = 0; p < n; p++) {
        assert.ok(slope[p] > level - 1e-6, `slope ${slope[p]} at ${p}, ${level} on the support`);
        if (k[p] > 1e-4) assertClose([slope[p]], [level], 1e-6);
      }
    }),
    { numRuns: 25 },
  );
});

test('it converges where the strongest direction is not the mean: pictures without a mean', () => {
  // Largest eigenvalue 9 along (1, -1, -1, 1) / 2, to which a constant vector is blind.
  const d = [1, -1, -1, 1];
  const G = identity(4).map((v, i) => v + 2 * d[Math.floor(i / 4)] * d[i % 4]);
  const k = solveKernel(equations(G, [2, 0.1, -1, 0]), 500);
  // On the simplex k = (p, 1-p, 0, 0): slope 2p - 1 + 4 (2p - 1) - 1.9 = 0 at p = 0.69.
  assertClose(k, [0.69, 0.31, 0, 0], 1e-9);
});

test('projection onto the simplex, worked out by hand', () => {
  const project = (...v: number[]) => projectOntoSimplex(Float64Array.from(v));
  assertClose(project(0.2, 0.3, 0.5), [0.2, 0.3, 0.5], 1e-15);
  assertClose(project(1, 1), [0.5, 0.5], 1e-15);
  assertClose(project(2, 0), [1, 0], 1e-15);
  assertClose(project(0.9, 0.5, -1), [0.7, 0.3, 0], 1e-15);
  assertClose(project(-5, -5, -5, -5), [0.25, 0.25, 0.25, 0.25], 1e-15);
  assertClose(project(-7), [1], 1e-15);
});

test('the projection is the nearest point of the simplex: what it takes away is the same on the support, less elsewhere', () => {
  const vectors = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(vectors, (values) => {
      const p = projectOntoSimplex(Float64Array.from(values));
      assertClose([p.reduce((sum, v) => sum + v, 0)], [1], 1e-9);
      const taken = values.map((v, i) => v - p[i]);
      const most = Math.max(...taken);
      for (const [i, v] of p.entries()) {
        assert.ok(v >= 0);
        if (v > 1e-9) assertClose([taken[i]], [most], 1e-9);
      }
      assertClose(projectOntoSimplex(p), p, 1e-9);
    }),
  );
});

/** A kernel of one tap. */
const dot = (size: number, scale: Scale, row: number, column: number) =>
  makeKernel(
    size,
    scale,
    Float64Array.from({ length: size * size }, (_, i) => (i === row * size + column ? 1 : 0)),
  );

test('a kernel is moved to the centre by whole pixels, and the move is told', () => {
  const { kernel, moved } = centreKernel(dot(7, 1, 1, 6));
  assert.deepEqual(moved, [2, -3]);
  assert.deepEqual(kernel, dot(7, 1, 3, 3));
});

test('a kernel that is centred within half a pixel stays the same object', () => {
  const even = dot(4, 2, 1, 2);
  assert.equal(centreKernel(TRUE_KERNEL).kernel, TRUE_KERNEL);
  assert.deepEqual(centreKernel(TRUE_KERNEL).moved, [0, 0]);
  const [dy, dx] = centreOfMass(centreKernel(even).kernel);
  assert.ok(Math.abs(dy) <= 0.5 && Math.abs(dx) <= 0.5);
});

test('kernel and picture moved together give the same layer', () => {
  const kernel = makeKernel(6, 2, [...new Array(8).fill(0), 2, 3, 0, 0, 0, 0, 4, 1, 0, 0, ...new Array(18).fill(0)]);
  const off = makeKernel(6, 2, [...kernel.data.slice(6), ...new Array(6).fill(0)]);
  const { kernel: centred, moved } = centreKernel(off);
  assert.deepEqual(moved, [2, 0]);
  const [width, height] = [8, 8];
  const { canvasWidth, canvasHeight, apply } = makeDegradation(off, width, height);
  const scene = (row: number, column: number) => Math.sin(row * 2.1 + column * column);
  const picture = (dy: number, dx: number) =>
    Float32Array.from({ length: canvasWidth * canvasHeight }, (_, i) =>
      scene(Math.floor(i / canvasWidth) - dy, (i % canvasWidth) - dx),
    );
  assertClose(makeDegradation(centred, width, height).apply(picture(moved[0], moved[1])), apply(picture(0, 0)), 1e-5);
});

test('trimming drops the taps below a share of the largest and makes the sum 1 again', () => {
  const trimmed = trimKernel(makeKernel(2, 2, [10, 1.01, 0.99, 4]), 0.1);
  assertClose(trimmed.data, [10 / 15.01, 1.01 / 15.01, 0, 4 / 15.01], 1e-15);
});
