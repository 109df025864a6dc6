import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { bicubicCanvas, canvasSize } from '../../../helper/kernelfusion/degradation.ts';
import {
  DIFFUSION_SEARCH,
  type DiffusionPlan,
  type Searched,
  searchByDiffusion,
  times,
} from '../../../helper/kernelfusion/diffusion-search.ts';
import { withoutBorder } from '../../../helper/kernelfusion/estimate-kernel.ts';
import type { NormalEquationsBuilder } from '../../../helper/kernelfusion/kernel-solver.ts';
import { scoreKernel } from '../../../helper/kernelfusion/metrics.ts';
import { FAST_TRAINING, makeDenoiser, trainPrior } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { centreOfMass, type Kernel } from '../../../shared/kernel.ts';
import { assertCancelHeard } from '../../support/cancel.ts';
import { assertClose } from '../../support/close.ts';
import { edgesOf } from '../../support/edges.ts';
import { openEquations, wholeSquare } from '../../support/equations.ts';
import { everywhere } from '../../support/everywhere.ts';
import { blurred, gaussian, rectangles } from '../../support/scene.ts';

const onnx = await createOnnxExecutor({ threads: 1 });
after(() => onnx.close());
afterEach(() => assert.equal(onnx.livePrograms, 0));

const OBLIQUE = gaussian(10, 2, 2.4, 0.8, 0.6);
const y = blurred(rectangles(100, 4), OBLIQUE);
const searched: Searched = {
  y,
  usable: withoutBorder(everywhere(y), y.width, y.height),
  edges: edgesOf(y),
  size: 10,
  scale: 2,
  sigma: 0.005,
  lumaSigma: 0.005,
};
const quick = { ...FAST_TRAINING, steps: 60, decay: 40, width: 16 };
const prior = await trainPrior(y, quick, onnx, makeRandom(1), () => {});

interface Run {
  readonly plan?: DiffusionPlan;
  readonly onStep?: (kernel: Kernel) => void;
  /** Solves in the place of the true one. */
  readonly failing?: NormalEquationsBuilder;
  readonly signal?: AbortSignal;
}

async function search(
  seed: number,
  { plan = DIFFUSION_SEARCH, onStep = () => {}, failing, signal }: Run = {},
): Promise<Kernel> {
  const equations = await openEquations(onnx, 10, 2);
  const { width, height } = canvasSize(y, searched);
  const denoiser = await makeDenoiser(prior, width, height, onnx);
  try {
    return await searchByDiffusion(
      searched,
      plan,
      bicubicCanvas(y, searched),
      wholeSquare(10),
      denoiser.denoise,
      failing ?? equations.build,
      makeRandom(seed),
      onStep,
      signal,
    );
  } finally {
    await Promise.all([equations.release(), denoiser.release()]);
  }
}

test('times fall in equal steps from first to last', () => {
  assert.deepEqual(times({ ...DIFFUSION_SEARCH, firstTime: 200, lastTime: 60, steps: 5 }), [200, 165, 130, 95, 60]);
});

test('a search shows each step, a centred kernel, and returns the last: the true one better than a round one is', async () => {
  const heard: Kernel[] = [];
  const kernel = await search(5, { onStep: (step) => heard.push(step) });
  assert.equal(heard.length, DIFFUSION_SEARCH.steps);
  assert.equal(heard.at(-1), kernel);
  for (const step of heard) {
    assert.deepEqual([step.size, step.scale], [10, 2]);
    assert.ok(step.data.every((v) => v >= 0));
    assertClose([step.data.reduce((a, b) => a + b)], [1], 1e-9);
    assert.ok(centreOfMass(step).every((v) => Math.abs(v) <= 0.5 + 1e-9));
  }
  const [found, round] = [kernel, gaussian(10, 2, 1.6, 1.6, 0)].map((k) => scoreKernel(k, OBLIQUE).ncc);
  assert.ok(found > round + 0.02, `alike to ${found}, a round one to ${round}`);
});

test('the power spectrum joins in after as many steps as the plan says', async () => {
  const stepsOf = async (withoutSpectrum: number) => {
    const heard: Kernel[] = [];
    const plan = { ...DIFFUSION_SEARCH, steps: 3, withoutSpectrum };
    await search(5, { plan, onStep: (kernel) => heard.push(kernel) });
    return heard;
  };
  const [never, later] = [await stepsOf(3), await stepsOf(2)];
  assert.deepEqual(later.slice(0, 2), never.slice(0, 2));
  assert.notDeepEqual(later[2], never[2]);
});

test('the same seed gives the same bytes, another one others', async () => {
  const plan = { ...DIFFUSION_SEARCH, steps: 3, withoutSpectrum: 1 };
  const run = (seed: number) => search(seed, { plan });
  const [first, again, other] = [await run(5), await run(5), await run(6)];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other, first);
});

test('a cancelled search stops within a step and leaves nothing on the executor', async () => {
  await assertCancelHeard((how) => search(5, how));
});

test('a search that fails leaves nothing on the executor', async () => {
  const build = async () => {
    throw new Error('the device is gone');
  };
  await assert.rejects(search(5, { failing: build }), /the device is gone/);
});
