import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makePlanes } from '../../../helper/image/planes.ts';
import { makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { ofDifferences } from '../../../helper/kernelfusion/difference-equations.ts';
import { type NormalEquations, solveKernel } from '../../../helper/kernelfusion/kernel-solver.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { assertClose, correlation } from '../../support/close.ts';
import { openEquations, wholeSquare } from '../../support/equations.ts';
import { everywhere } from '../../support/everywhere.ts';
import { gaussian } from '../../support/scene.ts';

const SIZE = 6;
const SCALE = 2;
const SIDE = 24;
const KERNEL = gaussian(SIZE, SCALE, 1.4, 0.7, 0.5);

const onnx = await createOnnxExecutor({ threads: 1 });
const values = await openEquations(onnx, SIZE, SCALE);
const build = ofDifferences(values.build, SCALE);
after(async () => {
  await values.release();
  await onnx.close();
});

const { canvasWidth, canvasHeight, apply } = makeDegradation(KERNEL, SIDE, SIDE);
const z = makePlanes(canvasWidth, canvasHeight, 1, makeRandom(1).normals(canvasWidth * canvasHeight));
const y = makePlanes(SIDE, SIDE, 1, apply(z.data));

const equationsOf = (target = y, weight = everywhere(y)) => build(z, target, weight, wholeSquare(SIZE));
const solved = async (target = y) => solveKernel(await equationsOf(target), 2000);

test('the kernel that made the layer is found from its scene', async () => {
  assertClose(await solved(), KERNEL.data, 1e-3);
});

test('the equations are the mean of those of both directions, worked out window by window', async () => {
  const equations = await equationsOf();
  const rows: { readonly window: number[]; readonly target: number }[][] = [];
  for (const [dy, dx] of [
    [0, 1],
    [1, 0],
  ]) {
    const some: { window: number[]; target: number }[] = [];
    for (let i = 0; i < SIDE - dy; i++) {
      for (let j = 0; j < SIDE - dx; j++) {
        const seen = (row: number, column: number) =>
          Array.from(
            { length: SIZE * SIZE },
            (_, u) => z.data[(SCALE * row + Math.floor(u / SIZE)) * z.width + SCALE * column + (u % SIZE)],
          );
        const [here, there] = [seen(i, j), seen(i + dy, j + dx)];
        const target = y.data[(i + dy) * SIDE + j + dx] - y.data[i * SIDE + j];
        some.push({ window: there.map((v, u) => v - here[u]), target });
      }
    }
    rows.push(some);
  }
  const meanOf = (f: (row: (typeof rows)[0][0]) => number) =>
    rows.map((some) => some.reduce((sum, row) => sum + f(row), 0) / some.length).reduce((a, b) => a + b) / 2;
  for (const [p, q] of [
    [0, 0],
    [7, 20],
    [35, 3],
  ]) {
    assertClose([equations.G[p * SIZE ** 2 + q]], [meanOf(({ window }) => window[p] * window[q])], 1e-4);
    assertClose([equations.b[p]], [meanOf(({ window, target }) => window[p] * target)], 1e-4);
  }
  assertClose([equations.meanSquare], [meanOf(({ target }) => target ** 2)], 1e-4);
});

test('what the scene lacks of light that changes slowly does less harm than to the equations of values', async () => {
  const shaded = makePlanes(
    SIDE,
    SIDE,
    1,
    y.data.map((v, i) => v + 3 * Math.sin((i % SIDE) / 4)),
  );
  const byValues = solveKernel(await values.build(z, shaded, everywhere(y), wholeSquare(SIZE)), 2000);
  const [better, worse] = [await solved(shaded), byValues].map((found) => correlation(found, KERNEL.data));
  assert.ok(better > 0.95 && worse < better, `${better} and ${worse}`);
});

test('only pairs of which both may be used count', async () => {
  const weight = Uint8Array.from(y.data, (_, i) => (i % 5 < 3 ? 1 : 0));
  const wild = makePlanes(
    SIDE,
    SIDE,
    1,
    y.data.map((v, i) => (weight[i] === 1 ? v : 9 + i)),
  );
  const flat = ({ G, b, meanSquare }: NormalEquations) => [...G, ...b, meanSquare];
  const first = flat(await equationsOf(y, weight));
  assert.deepEqual(flat(await equationsOf(wild, weight)), first);
  assert.notDeepEqual(flat(await equationsOf(wild)), first);
});
