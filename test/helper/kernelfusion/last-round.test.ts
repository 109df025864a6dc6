import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, choose } from '../../../helper/kernelfusion/candidates.ts';
import { JUDGED_IN_LAST_ROUND, lastRound } from '../../../helper/kernelfusion/last-round.ts';
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
const SCORES = { 'diffusion 1': -3, 'diffusion 2': -3, ring: -3 };

/** `underPrior`: scores by start. */
async function round(underPrior: Readonly<Record<string, number>>, before = BEFORE) {
  const calls: string[] = [];
  const chosen = await lastRound(choose(before), before, async ({ start }) => {
    assert.ok(start in underPrior, start);
    calls.push(start);
    return { score: underPrior[start] };
  });
  return { calls, chosen: chosen.start };
}
const chosen = async (scores: Readonly<Record<string, number>>) => (await round({ ...SCORES, ...scores })).chosen;

test('the best kernel is judged, and the best of each kind that differs from it', async () => {
  const { calls } = await round(SCORES);
  assert.deepEqual(calls, ['diffusion 1', 'diffusion 2', 'ring']);
  assert.equal(calls.length, JUDGED_IN_LAST_ROUND);
  const fitFirst = [...BEFORE.slice(0, 4), candidate('line', -3.5, 2)];
  assert.deepEqual((await round({ ...SCORES, line: -3 }, fitFirst)).calls, ['line', 'diffusion 2', 'ring']);
});

test('those that are like one before are not judged, and the prior is not asked about one alone', async () => {
  const like = (start: string, score: number) => candidate(start, score, 5, 0.9);
  const [spot, ring, third, , first] = BEFORE;
  const some = [spot, third, like('diffusion 2', -3.1), like('ring', -3.3), first];
  const { calls } = await round({ ...SCORES, 'diffusion 3': -3, spot: -3 }, some);
  assert.deepEqual(calls, ['diffusion 1', 'diffusion 3', 'spot']);
  const alike = [like('diffusion 2', -3.1), like('ring', -3.3), first];
  assert.deepEqual(await round(SCORES, alike), { calls: [], chosen: 'diffusion 1' });
  assert.deepEqual((await round(SCORES, [ring])).calls, []);
});

test('where a later kernel is better by chance only, the earlier one is judged first, and those like it are not', async () => {
  const earlier = candidate('diffusion 0', -3.39, 5, 0.9);
  const later = { ...BEFORE[4], losses: met('', -3.4, 9).losses };
  const { calls } = await round({ ...SCORES, 'diffusion 0': -3 }, [earlier, BEFORE[3], later]);
  assert.deepEqual(calls, ['diffusion 0', 'diffusion 2']);
});

test('scores under the prior and under gradients are added up, and the best sum is chosen, whichever it is', async () => {
  // By gradients the second is 0.3 behind the first, the best fit 0.1.
  assert.equal(await chosen({}), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.29 }), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.31 }), 'diffusion 2');
  assert.equal(await chosen({ ring: -3.09 }), 'diffusion 1');
  assert.equal(await chosen({ ring: -3.11 }), 'ring');
});
