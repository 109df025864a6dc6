import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { makePlanes, mapPlanes, planeOf } from '../../../helper/image/planes.ts';
import { type Candidate, choose, promisingFits, ranked } from '../../../helper/kernelfusion/candidates.ts';
import type { Searched } from '../../../helper/kernelfusion/diffusion-search.ts';
import {
  estimateKernel,
  type SearchPlan,
  searchSteps,
  withoutBorder,
} from '../../../helper/kernelfusion/estimate-kernel.ts';
import { scoreKernel } from '../../../helper/kernelfusion/metrics.ts';
import { FAST_TRAINING, type Prior, trainPrior } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { type Tasks, tasksHere } from '../../../helper/kernelfusion/tasks.ts';
import type { Executor } from '../../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { wrapExecutor } from '../../../helper/tensor/wrap.ts';
import { openTasks } from '../../../helper/threads/task-threads.ts';
import { bicubicKernel, flip, type Kernel } from '../../../shared/kernel.ts';
import { edgesOf } from '../../support/edges.ts';
import { everywhere } from '../../support/everywhere.ts';
import { blurred, gaussian, HOOK, rectangles } from '../../support/scene.ts';

const onnx = await createOnnxExecutor({ threads: 1 });
after(() => onnx.close());
afterEach(() => assert.equal(onnx.livePrograms, 0));

const PLAN: SearchPlan = {
  shapes: ['spot', 'ring'],
  edges: [],
  fitting: 8,
  diffusions: 0,
  refined: 0,
  judgedUnderPrior: false,
};
const BRIEF: SearchPlan = { ...PLAN, shapes: ['spot'], fitting: 1 };
const WITH_PRIOR: SearchPlan = { ...BRIEF, diffusions: 2, refined: 1 };

/** What the kernel makes of rectangles, with noise of one level. */
function seen(kernel: Kernel, sceneSide = 90, scene = 4): Searched {
  const noise = makeRandom(9).normals(sceneSide ** 2);
  const y = mapPlanes(blurred(rectangles(sceneSide, scene), kernel), (v) => v);
  for (let i = 0; i < y.data.length; i++) y.data[i] += noise[i] / 127.5;
  const usable = withoutBorder(everywhere(y), y.width, y.height);
  return { y, usable, edges: edgesOf(y), size: kernel.size, scale: 2, sigma: 1 / 127.5, lumaSigma: 1 / 127.5 };
}

const WIDE = gaussian(10, 2, 2.4, 1.2, -0.8);
const wide = seen(WIDE);
const small = seen(WIDE, 58);

interface Run {
  readonly plan?: SearchPlan;
  readonly prior?: Prior;
  readonly executor?: Executor;
  readonly tasks?: Tasks;
  readonly seed?: number;
  readonly onStep?: (step: number) => void;
  readonly signal?: AbortSignal;
}

/** Steps heard, and what came of it. */
async function estimate(
  searched: Searched,
  { plan = PLAN, prior, executor = onnx, tasks = tasksHere(), seed = 5, ...more }: Run = {},
) {
  const steps: number[] = [];
  const onStep = (step: number) => {
    steps.push(step);
    more.onStep?.(step);
  };
  const tools = { executor, tasks, ...(more.signal && { signal: more.signal }) };
  const found = await estimateKernel(searched, prior ?? null, plan, makeRandom(seed), tools, onStep);
  const { chosen, plain } = found.evidence;
  return { steps, ...found, kernel: found.chosen.kernel, lead: plain.score - chosen.score };
}

const trained = ({ y }: Searched) =>
  trainPrior(y, { ...FAST_TRAINING, steps: 20, decay: 10, width: 8 }, onnx, makeRandom(1), () => {});

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** What comes of the most promising of these. */
const expected = (met: readonly Candidate[]) => `${promisingFits(met)[0].start}, by expectation`;
const startsOf = (met: readonly Candidate[]) => met.map(({ start }) => start);

test('steps of a search: the fit of each start, twice as many that go on from one, the reverse diffusions, and those that go on', () => {
  assert.equal(searchSteps(PLAN), (2 + 2) * 8);
  assert.equal(searchSteps(WITH_PRIOR), (2 + 2) * 1 + 2 * 14 + 2 * 7);
});

test('pixels within two of the border are left out', () => {
  const inner = withoutBorder(new Uint8Array(35).fill(1), 7, 5);
  assert.deepEqual(
    [...inner.entries()].filter(([, v]) => v === 1).map(([i]) => i),
    [16, 17, 18],
  );
});

test('a wide blur is found: there is evidence for it, and the best of all kernels met is the one returned', async () => {
  const { steps, kernel, lead, candidates, chosen, evidence } = await estimate(wide);
  assert.deepEqual(steps, upTo(searchSteps(PLAN)));
  assert.ok(lead > 0.6, `${lead}`);
  // In squares a kernel is judged by the same pixels as the others; as evidence, one by one, beside the plain one.
  for (const { blocks } of candidates) assert.deepEqual(blocks, candidates[0].blocks);
  assert.equal(
    chosen.losses.length,
    wide.usable.reduce((a, b) => a + b),
  );
  assert.equal(evidence.chosen.losses.length, chosen.losses.length);
  assert.deepEqual(evidence.chosen.blocks, evidence.plain.blocks);
  assert.ok(evidence.chosen.error < chosen.error, 'single pixels are foretold better');
  const fits = candidates.slice(0, 2);
  assert.deepEqual(startsOf(candidates), [...PLAN.shapes, expected(fits)]);
  // Each has the steps it came by, from where it was begun.
  const [better] = promisingFits(fits);
  const { steps: all } = candidates[2];
  assert.deepEqual([better.steps.length, all.length, all.slice(0, 8)], [8, 24, better.steps]);
  assert.equal(chosen, candidates[2]);
  const [found, plain] = [kernel, bicubicKernel(2)].map((k) => scoreKernel(k, WIDE).ncc);
  assert.ok(found > 0.9 && found > plain + 0.1, `alike to ${found}, the plain one to ${plain}`);
});

test('what comes of the most promising fit takes its place, even where it foretells worse', async () => {
  const here = tasksHere();
  let made: unknown = null;
  const harsh = {
    ...here,
    async run(...asked: Parameters<Tasks['run']>) {
      const [name, input] = asked;
      const found = await here.run(...asked);
      if (name === 'fitByExpectation') made = found;
      if (name !== 'judge' || (input as { kernel: unknown }).kernel !== made) return found;
      const judged = found as Candidate;
      return { ...judged, score: judged.score + 9, losses: judged.losses.map((loss) => loss + 9) };
    },
  } as Tasks;
  const { chosen, candidates } = await estimate(small, { plan: BRIEF, tasks: harsh });
  assert.ok(candidates[1].score > candidates[0].score + 5);
  assert.equal(chosen, candidates[1]);
});

test('a lopsided kernel is found the right way round', async () => {
  const { kernel } = await estimate(seen(HOOK, 110), { plan: { ...PLAN, fitting: 12 } });
  const [right, turned] = [HOOK, flip(HOOK)].map((truth) => scoreKernel(kernel, truth).ncc);
  assert.ok(right > turned + 0.05, `alike to ${right}, to the turned one to ${turned}`);
});

test('layers seen through the bicubic kernel give no evidence against it on the mean, and each by chance only a little', async () => {
  const found: number[] = [];
  for (const scene of [4, 5, 6]) found.push((await estimate(seen(bicubicKernel(2), 88, scene))).lead);
  const mean = found.reduce((a, b) => a + b) / found.length;
  // The first is what a preset asks for, the second a tenth of what the wide blur above gives.
  assert.ok(mean < 0.01 && found.every((lead) => lead < 0.07), `${found}`);
});

test('what strong edges tell of is fitted as well, each from its own strength', async () => {
  const plan = { ...BRIEF, edges: [0.01, 0.05] };
  const { steps, candidates } = await estimate(small, { plan });
  assert.deepEqual(steps, upTo(searchSteps(plan)));
  assert.deepEqual(startsOf(candidates), ['spot', 'edges 0.01', 'edges 0.05', expected(candidates.slice(0, 3))]);
  const [spot, few, fewer] = candidates.map(({ kernel }) => kernel);
  assert.notDeepEqual(few, spot);
  assert.notDeepEqual(fewer, few);
});

test('two diffusions are made, the better one goes on and is fitted, and from the most promising fit another goes on', async () => {
  const { steps, candidates } = await estimate(small, { plan: WITH_PRIOR, prior: await trained(small) });
  assert.deepEqual(steps, upTo(searchSteps(WITH_PRIOR)));
  const [fit] = promisingFits(candidates.slice(0, 5));
  assert.deepEqual(
    candidates.map(({ start, diffused }) => `${start}${diffused ? '' : ' *'}`),
    [
      'spot *',
      'diffusion',
      'diffusion',
      'diffusion, diffused on',
      'diffusion, fitted *',
      `${fit.start}, by expectation *`,
      `${fit.start}, diffused on`,
    ],
  );
  // Each kernel has the steps it came by, from where it was begun.
  const [spot, first, second, on, fitted, expectation, last] = candidates.map((candidate) => candidate.steps);
  assert.deepEqual([spot.length, first.length, second.length, on.length, fitted.length], [1, 14, 14, 21, 15]);
  const best = candidates[2].score < candidates[1].score ? second : first;
  assert.deepEqual([on.slice(0, 14), fitted.slice(0, 14)], [best, best]);
  assert.deepEqual([last.slice(0, -7), expectation.slice(0, -2)], [fit.steps, fit.steps]);
});

test('in threads a search comes to the same to the bit, and hears as many steps', async () => {
  const threads = openTasks(3);
  const search = {
    plan: { ...WITH_PRIOR, shapes: ['spot', 'ring'], judgedUnderPrior: true },
    prior: await trained(small),
  };
  try {
    const [here, there] = [await estimate(small, search), await estimate(small, { ...search, tasks: threads })];
    assert.deepEqual(there, here);
  } finally {
    await threads.close();
  }
});

/** Those among which one is chosen: what came of the most promising fit, and what was diffused. */
function contenders(met: readonly Candidate[]): Candidate[] {
  const expectation = met.find(({ start }) => start.endsWith('by expectation'))!;
  return [expectation, ...met.filter(({ diffused }) => diffused)];
}

/** What a last round may judge: the best of all, and the best of each kind that are not like it. */
const judgeable = (met: readonly Candidate[]) => {
  const among = contenders(met);
  const first = choose(among);
  const others = [...ranked(among, { diffused: true }), ...ranked(among, { diffused: false })];
  return [first, ...others.filter(({ kernel }) => scoreKernel(kernel, first.kernel).ncc < 0.97)];
};

test('a last round finds no kernels of its own: it chooses, by another judge', async () => {
  const plan = { ...WITH_PRIOR, judgedUnderPrior: true };
  const prior = await trained(small);
  const { steps, candidates, chosen } = await estimate(small, { plan, prior });
  assert.deepEqual(steps, upTo(searchSteps(plan)));
  const without = await estimate(small, { plan: WITH_PRIOR, prior });
  assert.deepEqual(candidates, without.candidates);
  assert.equal(without.chosen, choose(contenders(without.candidates)));
  assert.ok(judgeable(candidates).includes(chosen));
});

test('three colours that are alike are searched as a grey layer is: no colour is left out', async () => {
  const { y } = small;
  const colours = makePlanes(y.width, y.height, 3);
  for (let c = 0; c < 3; c++) planeOf(colours, c).set(y.data);
  const [grey, colour] = [
    await estimate(small, { plan: BRIEF }),
    await estimate({ ...small, y: colours }, { plan: BRIEF }),
  ];
  assert.ok(scoreKernel(grey.kernel, colour.kernel).ncc > 0.999);
  assert.ok(Math.abs(grey.lead - colour.lead) < 1e-2, `${grey.lead}, ${colour.lead}`);
});

test('the same seed gives the same bytes, another one others', async () => {
  const run = (seed: number) => estimate(small, { plan: BRIEF, seed });
  const [first, again, other] = [await run(5), await run(5), await run(6)];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other.kernel, first.kernel);
});

for (const at of [1, 5, 13]) {
  test(`a cancel in step ${at} is heard and leaves nothing on the executor`, async () => {
    const stop = new AbortController();
    const heard: number[] = [];
    const onStep = (step: number) => {
      heard.push(step);
      if (step === at) stop.abort();
    };
    await assert.rejects(estimate(small, { onStep, signal: stop.signal }), { code: 'CANCELLED' });
    assert.equal(heard.length, at);
  });
}

test('an executor that fails, in the cross-fit, in a diffusion or under the prior, is left with no program', async () => {
  const prior = await trained(small);
  const threads = openTasks(2);
  after(() => threads.close());
  for (const [last, tasks] of [2, 12, 60, 100].flatMap((last) =>
    [tasksHere(), threads].map((tasks) => [last, tasks] as const),
  )) {
    let runs = 0;
    const failing = wrapExecutor(onnx, (program) => (inputs) => {
      if (++runs > last) throw new Error('the device is gone');
      return program.run(inputs);
    });
    const plan = { ...WITH_PRIOR, judgedUnderPrior: true };
    await assert.rejects(estimate(small, { plan, prior, executor: failing, tasks }), /the device is gone/);
    assert.equal(onnx.livePrograms, 0);
  }
});
