import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlanes, planeOf } from '../../../helper/image/planes.ts';
import { agreeWithLayer, priorTrust } from '../../../helper/kernelfusion/agreement.ts';
import { canvasSize, makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { bicubicKernel, makeKernel } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';

test('trust in the prior is the noise variance times the ratio of signal to noise power', () => {
  // alphaBar(1) = 0.9999: the ratio is 9999.
  assertClose([priorTrust(1, 0.1)], [99.99], 1e-9);
  assertClose([priorTrust(100, 0.04) / priorTrust(100, 0.02)], [4], 1e-12);
  assert.ok(priorTrust(20, 0.02) > priorTrust(60, 0.02), 'less noise in the proposal, more trust');
});

test('the data are never trusted to better than one 8-bit level, 2/255 in pictures from -1 to 1', () => {
  assertClose([priorTrust(1, 0)], [9999 * (2 / 255) ** 2], 1e-9);
  assert.equal(priorTrust(60, 0.007), priorTrust(60, 0));
  assert.ok(priorTrust(60, 0.009) > priorTrust(60, 0));
});

test('where the kernel is one tap the picture is the weighted mean of layer and proposal', async () => {
  const delta = { kernel: makeKernel(1, 1, [1]) };
  const z = makePlanes(3, 2, 1, Float32Array.of(0, 1, -1, 0.5, 0, 0));
  const y = makePlanes(3, 2, 1, Float32Array.of(1, 1, 1, -0.5, 0, 0.8));
  const { data } = await agreeWithLayer(z, y, delta, { rho: 3, iterations: 5 });
  // (y + 3 z) / 4
  assertClose(data, [0.25, 1, -0.5, 0.25, 0, 0.2], 1e-6);
});

test('the result is the exact minimiser: the gradient A^T (A x - y) + rho (x - z) vanishes in every colour', async () => {
  const [width, height] = [7, 6];
  for (const rho of [0.02, 1]) {
    const degradation = makeDegradation(bicubicKernel(2), width, height);
    const { canvasWidth, canvasHeight } = degradation;
    const z = makePlanes(canvasWidth, canvasHeight, 3, makeRandom(1).normals(3 * canvasWidth * canvasHeight));
    const y = makePlanes(width, height, 3, makeRandom(2).normals(3 * width * height));
    const x = await agreeWithLayer(z, y, { kernel: bicubicKernel(2) }, { rho, iterations: 200 });
    for (let c = 0; c < 3; c++) {
      const [xc, zc, yc] = [planeOf(x, c), planeOf(z, c), planeOf(y, c)];
      const residual = degradation.apply(xc).map((v, i) => v - yc[i]);
      const gradient = degradation.adjoint(residual).map((v, i) => v + rho * (xc[i] - zc[i]));
      assertClose(gradient, new Array(gradient.length).fill(0), 2e-4);
    }
  }
});

test('sparseness draws neighbours together, the less the further apart the proposal has them', async () => {
  const delta = { kernel: makeKernel(1, 1, [1]) };
  const [rho, sparse] = [0.5, 0.2];
  for (const step of [0.01, 0.1, 1]) {
    const z = makePlanes(2, 1, 1, Float32Array.of(0, step));
    const y = makePlanes(2, 1, 1, Float32Array.of(0, 2 * step));
    const { data } = await agreeWithLayer(z, y, delta, { rho, sparse, iterations: 5 });
    // 0.4 (d^2 + eps^2)^(0.4 - 1) d^2 stands for |d|^0.8 near the proposal's step (Levin et al. 2007).
    const weight = sparse * 0.4 * (step ** 2 + 0.02 ** 2) ** -0.6;
    const difference = (2 * step + rho * step) / (1 + rho + 2 * weight);
    const sum = (2 * step + rho * step) / (1 + rho);
    assertClose(data, [(sum - difference) / 2, (sum + difference) / 2], 1e-6);
  }
});

test('a proposal that already explains the layer is given back as it is', async () => {
  const degradation = makeDegradation(bicubicKernel(3), 5, 5);
  const z = makePlanes(
    degradation.canvasWidth,
    degradation.canvasHeight,
    1,
    makeRandom(3).normals(degradation.canvasWidth ** 2),
  );
  const y = makePlanes(5, 5, 1, degradation.apply(z.data));
  assertClose(
    (await agreeWithLayer(z, y, { kernel: bicubicKernel(3) }, { rho: 0.01, iterations: 10 })).data,
    z.data,
    1e-5,
  );
});

test('it stops on a cancel', async () => {
  const kernel = bicubicKernel(2);
  const { width, height } = canvasSize({ width: 4, height: 4 }, kernel);
  const z = makePlanes(width, height, 1);
  const y = makePlanes(4, 4, 1, makeRandom(4).normals(16));
  await assert.rejects(agreeWithLayer(z, y, { kernel }, { rho: 0.1, iterations: 10 }, AbortSignal.abort()), {
    code: 'CANCELLED',
  });
});
