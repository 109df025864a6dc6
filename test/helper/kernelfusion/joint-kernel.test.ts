import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makePlanes, type Planes } from '../../../helper/image/planes.ts';
import { makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { refineWithSpectrum } from '../../../helper/kernelfusion/joint-kernel.ts';
import { type NormalEquations, smoothEquations, solveKernel } from '../../../helper/kernelfusion/kernel-solver.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { makeSceneSpectrum } from '../../../helper/kernelfusion/scene-spectrum.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { type Kernel, makeKernel } from '../../../shared/kernel.ts';
import { assertClose, correlation } from '../../support/close.ts';
import { openEquations, wholeSquare } from '../../support/equations.ts';
import { everywhere } from '../../support/everywhere.ts';
import { gaussian, naturalScene } from '../../support/scene.ts';

const onnx = await createOnnxExecutor({ threads: 1 });
after(() => onnx.close());

const SIZE = 10;
const OBLIQUE = gaussian(SIZE, 2, 2.4, 0.8, 0.6);
const SCENE = { logPower: -7, slope: 2 };
const SIGMA = 0.005;

/** A scene in [-1, 1] or so, and the layer that the kernel makes of it. */
function seen(kernel: Kernel, sceneSide: number, seed: number): { z: Planes; y: Planes } {
  const z = naturalScene(sceneSide, SCENE, seed);
  const side = (sceneSide - kernel.size) / kernel.scale + 1;
  return { z, y: makePlanes(side, side, 1, makeDegradation(kernel, side, side).apply(z.data)) };
}

async function equationsOf(z: Planes, y: Planes): Promise<NormalEquations> {
  const builder = await openEquations(onnx, SIZE, 2);
  try {
    return await builder.build(z, y, everywhere(y), wholeSquare(SIZE));
  } finally {
    await builder.release();
  }
}

/** Equations that say nothing but "stay near `start`", with a residual of `variance`. */
function poorEquations(start: Float64Array, weight: number, variance: number): NormalEquations {
  const n2 = start.length;
  const G = Float64Array.from({ length: n2 * n2 }, (_, i) => (i % (n2 + 1) === 0 ? weight : 0));
  const b = start.map((v) => weight * v);
  // The residual at start is -weight |start|^2 + meanSquare.
  return { G, b, meanSquare: variance + weight * start.reduce((sum, v) => sum + v * v, 0) };
}

/** |K|^2 has the autocorrelation of the kernel for its inverse transform: comparing these compares power spectra. */
function autocorrelation(k: ArrayLike<number>): Float64Array {
  const side = 2 * SIZE - 1;
  const out = new Float64Array(side * side);
  for (let p = 0; p < k.length; p++) {
    for (let q = 0; q < k.length; q++) {
      const dy = Math.floor(p / SIZE) - Math.floor(q / SIZE) + SIZE - 1;
      const dx = (p % SIZE) - (q % SIZE) + SIZE - 1;
      out[dy * side + dx] += k[p] * k[q];
    }
  }
  return out;
}

const assertOnSimplex = (k: Float64Array) => {
  assert.ok(k.every((v) => v >= 0));
  assertClose([k.reduce((sum, v) => sum + v, 0)], [1], 1e-9);
};

test('the result is a kernel, every tap at least 0 and the sum 1, whatever the equations and the start', () => {
  const y = makePlanes(20, 17, 3, makeRandom(1).normals(1020));
  for (const seed of [1, 2, 3]) {
    const u = makeRandom(seed).normals(32);
    // Rank one: the equations leave nearly everything open.
    const G = Float64Array.from({ length: 256 }, (_, i) => u[Math.floor(i / 16)] * u[i % 16]);
    const b = Float64Array.from(u.subarray(16));
    const start = new Float64Array(16);
    start[seed] = 1;
    for (const meanSquare of [0, 1]) {
      assertOnSimplex(
        refineWithSpectrum({ G, b, meanSquare }, start, makeSceneSpectrum(y, everywhere(y), 2, 4, SIGMA)),
      );
    }
  }
});

test('the start and the equations given stay as they were', () => {
  const start = solveKernel(poorEquations(OBLIQUE.data, 1, 1), 50);
  const equations = poorEquations(start, 0.01, 0.01);
  const before = structuredClone({ start, equations });
  const { y } = seen(OBLIQUE, 64, 1);
  refineWithSpectrum(equations, start, makeSceneSpectrum(y, everywhere(y), 2, SIZE, SIGMA));
  assert.deepEqual({ start, equations }, before);
});

test('equations of the true picture keep the true kernel, whatever its spectrum', async () => {
  // With a tail to one side: the spectrum alone cannot tell it from the one rotated by 180 degrees.
  const tailed = makeKernel(
    SIZE,
    2,
    OBLIQUE.data.map((v, i) => v + (i % SIZE < 5 && Math.floor(i / SIZE) > 4 ? 0.05 : 0)),
  );
  for (const kernel of [OBLIQUE, tailed]) {
    const { z, y } = seen(kernel, 128, 2);
    const equations = smoothEquations(await equationsOf(z, y), wholeSquare(SIZE), 1e-6);
    const start = solveKernel(equations, 3000);
    const found = refineWithSpectrum(equations, start, makeSceneSpectrum(y, everywhere(y), 2, SIZE, SIGMA));
    assertOnSimplex(found);
    assert.ok(correlation(found, kernel.data) > 0.99, `correlation ${correlation(found, kernel.data)}`);
  }
});

test('where the equations know little the spectrum turns a round kernel towards the true one', () => {
  const { y } = seen(OBLIQUE, 256, 3);
  const start = gaussian(SIZE, 2, 1.6, 1.6, 0).data;
  const found = refineWithSpectrum(
    poorEquations(start, 1e-4, 1e-3),
    start,
    makeSceneSpectrum(y, everywhere(y), 2, SIZE, SIGMA),
  );
  assertOnSimplex(found);
  const truth = autocorrelation(OBLIQUE.data);
  const [before, after] = [start, found].map((k) => correlation(autocorrelation(k), truth));
  assert.ok(1 - after < 0.5 * (1 - before), `power spectrum alike to ${after}, at first ${before}`);
  assert.ok(correlation(found, OBLIQUE.data) > correlation(start, OBLIQUE.data) + 0.02);
});

test('a round kernel that is too narrow is led to the width of the true one', () => {
  const round = gaussian(SIZE, 2, 1.6, 1.6, 0);
  const { y } = seen(round, 256, 4);
  const spectrum = makeSceneSpectrum(y, everywhere(y), 2, SIZE, SIGMA);
  for (const width of [0.8, 1.2]) {
    const start = gaussian(SIZE, 2, width, width, 0).data;
    const found = refineWithSpectrum(poorEquations(start, 1e-4, 1e-3), start, spectrum);
    const [before, after] = [start, found].map((k) => correlation(k, round.data));
    assert.ok(after > 0.97 && after > before, `correlation ${after}, at first ${before}`);
    assert.ok(Math.max(...found) < 0.9 * Math.max(...start), 'the peak falls as the kernel widens');
  }
});

test('the surer the equations, the less the spectrum moves the kernel', () => {
  const { y } = seen(OBLIQUE, 128, 5);
  const start = gaussian(SIZE, 2, 1.6, 1.6, 0).data;
  const spectrum = makeSceneSpectrum(y, everywhere(y), 2, SIZE, SIGMA);
  const moved = [1e-2, 1e-3, 1e-4].map((variance) => {
    const found = refineWithSpectrum(poorEquations(start, 0.1, variance), start, spectrum);
    return Math.hypot(...found.map((v, i) => v - start[i]));
  });
  assert.ok(moved[0] > 1.5 * moved[1] && moved[1] > 1.5 * moved[2], `moved by ${moved}`);
});
