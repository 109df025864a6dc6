import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, choose } from '../../../helper/kernelfusion/candidates.ts';
import { JUDGED_IN_LAST_ROUND, type LastRoundTools, lastRound } from '../../../helper/kernelfusion/last-round.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { met } from '../../support/met.ts';

/** Its kernel has two taps, `apart` from each other: those of others are not like it. */
function candidate(start: string, score: number, apart: number, second = 1): Candidate {
  const values = new Float64Array(64);
  values[0] = 1;
  values[apart] = second;
  return { ...met(start, score), kernel: makeKernel(8, 2, values) };
}

const BEFORE = [
  candidate('spot', -3, 1),
  candidate('ring', -3.3, 6),
  candidate('diffusion 3', -3.05, 3),
  candidate('diffusion 2', -3.1, 4),
  candidate('diffusion 1', -3.4, 5),
];
const FITTED = candidate('fit', -3.1, 7);
const ON = candidate('diffusion on', -3, 9);
const SCORES = { 'diffusion 1': -3, 'diffusion 2': -3, ring: -3, fit: -3, 'diffusion on': -3 };

/** `underPrior`: scores by start. */
async function round(underPrior: Readonly<Record<string, number>>, { before = BEFORE, steps = 12 } = {}) {
  const calls: string[] = [];
  const tools: LastRoundTools = {
    async judgeUnderPrior({ start }) {
      assert.ok(start in underPrior, start);
      calls.push(start);
      return { score: underPrior[start] };
    },
    async fitUnderPrior({ start }, asked) {
      assert.equal(asked, steps);
      calls.push(`fit from ${start}`);
      return FITTED;
    },
    async diffuseOn({ start }) {
      calls.push(`on from ${start}`);
      return ON;
    },
  };
  const last = await lastRound(choose(before), before, tools, steps);
  assert.deepEqual(last.met, steps > 0 ? [FITTED, ON] : []);
  return { calls, chosen: last.chosen.start };
}
const chosen = async (scores: Readonly<Record<string, number>>, how = {}) =>
  (await round({ ...SCORES, ...scores }, how)).chosen;

test('the best kernel is judged, and the best of each kind that differs from it', async () => {
  const { calls } = await round(SCORES, { steps: 0 });
  assert.deepEqual(calls, ['diffusion 1', 'diffusion 2', 'ring']);
  assert.equal(calls.length, JUDGED_IN_LAST_ROUND);
  const fitFirst = [...BEFORE.slice(0, 4), candidate('line', -3.5, 2)];
  assert.deepEqual((await round({ ...SCORES, line: -3 }, { before: fitFirst, steps: 0 })).calls, [
    'line',
    'diffusion 2',
    'ring',
  ]);
});

test('those that are like one before are not judged, and the prior is not asked about one alone', async () => {
  const like = (start: string, score: number) => candidate(start, score, 5, 0.9);
  const [spot, ring, third, , first] = BEFORE;
  const next = await round(
    { ...SCORES, 'diffusion 3': -3, spot: -3 },
    { before: [spot, third, like('diffusion 2', -3.1), like('ring', -3.3), first], steps: 0 },
  );
  assert.deepEqual(next.calls, ['diffusion 1', 'diffusion 3', 'spot']);
  const alike = [like('diffusion 2', -3.1), like('ring', -3.3), first];
  assert.deepEqual(await round(SCORES, { before: alike, steps: 0 }), { calls: [], chosen: 'diffusion 1' });
  const { calls } = await round(SCORES, { before: alike });
  assert.deepEqual(calls, ['diffusion 1', 'fit from diffusion 1', 'on from fit', 'fit', 'diffusion on']);
  assert.deepEqual((await round(SCORES, { before: [ring], steps: 0 })).calls, []);
});

test('where a later kernel is better by chance only, the earlier one is judged first, and those like it are not', async () => {
  const earlier = candidate('diffusion 0', -3.39, 5, 0.9);
  const later = { ...BEFORE[4], losses: met('', -3.4, 9).losses };
  const { calls } = await round({ ...SCORES, 'diffusion 0': -3 }, { before: [earlier, BEFORE[3], later], steps: 0 });
  assert.deepEqual(calls, ['diffusion 0', 'diffusion 2']);
});

test('where fits under the prior are asked for, the best of those judged is fitted, and a diffusion goes on from there', async () => {
  const { calls } = await round({ ...SCORES, 'diffusion 2': -9 });
  assert.deepEqual(calls.slice(JUDGED_IN_LAST_ROUND), ['fit from diffusion 2', 'on from fit', 'fit', 'diffusion on']);
});

test('where none was diffused before, the fit is gone on from', async () => {
  const { calls } = await round(SCORES, { before: [candidate('ring', -3.4, 1)] });
  assert.deepEqual(calls, ['ring', 'fit from ring', 'on from fit', 'fit', 'diffusion on']);
});

test('scores under the prior and under gradients are added up, and the best sum is chosen, whichever it is', async () => {
  // By gradients the second is 0.3 behind the first, the best fit 0.1, the last 0.4.
  assert.equal(await chosen({}), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.29 }), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.31 }), 'diffusion 2');
  assert.equal(await chosen({ ring: -3.09 }), 'diffusion 1');
  assert.equal(await chosen({ ring: -3.11 }, { steps: 0 }), 'ring');
  assert.equal(await chosen({ 'diffusion on': -3.41 }), 'diffusion on');
});
