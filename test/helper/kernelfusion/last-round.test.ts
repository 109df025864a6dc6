import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose } from '../../../helper/kernelfusion/candidates.ts';
import { JUDGED_IN_LAST_ROUND, type LastRoundTools, lastRound } from '../../../helper/kernelfusion/last-round.ts';
import { met as candidate } from '../../support/met.ts';

const DIFFUSED = [candidate('diffusion 1', -3.2), candidate('diffusion 2', -3.1), candidate('diffusion 3', -3.1)];
const BEFORE = [
  candidate('spot', -3.3),
  candidate('diffusion 4', -3),
  DIFFUSED[2],
  DIFFUSED[1],
  DIFFUSED[0],
  candidate('ring', -3.4),
];
const FITTED = candidate('fit', -3.1);
const ON = candidate('diffusion on', -3);
const ALIKE = { 'diffusion 1': -3, 'diffusion 2': -3, 'diffusion 3': -3, fit: -3, 'diffusion on': -3 };

/** `underPrior`: scores by start. */
async function round(underPrior: Readonly<Record<string, number>>, before = BEFORE) {
  const calls: string[] = [];
  const tools: LastRoundTools = {
    async judgeUnderPrior({ start }) {
      calls.push(start);
      return { score: underPrior[start] };
    },
    async fitUnderPrior({ start }, steps) {
      assert.equal(steps, 12);
      calls.push(`fit from ${start}`);
      return FITTED;
    },
    async diffuseOn({ start }) {
      calls.push(`on from ${start}`);
      return ON;
    },
  };
  const { chosen, met } = await lastRound(choose(before), before, tools, 12);
  assert.deepEqual(met, [FITTED, ON]);
  return { calls, chosen };
}

test('the best kernel is fitted, and a diffusion goes on from there; more are judged', async () => {
  const { calls } = await round({ ...ALIKE, 'diffusion 2': -9 });
  assert.deepEqual(calls.slice(0, 3), ['diffusion 1', 'fit from diffusion 1', 'on from fit']);
  assert.deepEqual(calls.slice(3).sort(), ['diffusion 2', 'diffusion 3', 'diffusion on', 'fit']);
});

test('where a later kernel was better by chance, the better of both under the prior is fitted', async () => {
  const before = [candidate('diffusion 0', -3.1), candidate('diffusion 1', -3.2, 9), ...DIFFUSED.slice(1)];
  const { calls } = await round({ ...ALIKE, 'diffusion 0': -3 }, before);
  assert.deepEqual(calls.slice(0, 3), ['diffusion 0', 'diffusion 1', 'fit from diffusion 1']);
  const other = await round({ ...ALIKE, 'diffusion 0': -4 }, before);
  assert.equal(other.calls[2], 'fit from diffusion 0');
  // All that a round can judge: the first one is not among the three best.
  const last = [
    candidate('diffusion 0', -3),
    candidate('diffusion 1', -3.2, 9),
    candidate('diffusion 2', -3.1, 9),
    candidate('diffusion 3', -3.1, 9),
  ];
  assert.equal((await round({ ...ALIKE, 'diffusion 0': -3 }, last)).calls.length - 2, JUDGED_IN_LAST_ROUND);
});

test('where none was diffused before, the best kernel is fitted, and a diffusion goes on from there', async () => {
  const { calls } = await round({ ...ALIKE, ring: -3 }, [candidate('spot', -3.3), candidate('ring', -3.4)]);
  assert.deepEqual(calls, ['ring', 'fit from ring', 'on from fit', 'fit', 'diffusion on']);
});

test('a score under the prior counts twice beside the one under gradients; the best sum is chosen, whichever it is', async () => {
  // 0.1 and 0.2 behind the first by gradients.
  const chosen = async (scores: Readonly<Record<string, number>>) =>
    (await round({ ...ALIKE, ...scores })).chosen.start;
  assert.equal(await chosen({}), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.04 }), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.06 }), 'diffusion 2');
  assert.equal(await chosen({ 'diffusion on': -3.11 }), 'diffusion on');
});

test('the fitted kernel is chosen only if it leads clearly', async () => {
  // 0.1 behind the first by gradients, and it must lead by 0.06.
  const chosen = async (fit: number) => (await round({ ...ALIKE, fit })).chosen.start;
  assert.equal(await chosen(-3.07), 'diffusion 1');
  assert.equal(await chosen(-3.09), 'fit');
});
