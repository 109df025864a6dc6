import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JUDGED_IN_LAST_ROUND, type LastRoundTools, lastRound } from '../../../helper/kernelfusion/last-round.ts';
import { met as candidate } from '../../support/met.ts';

const BEFORE = [
  candidate('spot', -3.3),
  candidate('diffusion 4', -3),
  candidate('diffusion 3', -3.1),
  candidate('diffusion 2', -3.1),
  candidate('diffusion 1', -3.2),
  candidate('ring', -3.4),
];
const FITTED = candidate('fit', -3.1);
const ON = candidate('diffusion on', -3);
/** The fit from the ring falls behind by as much as it leads by gradients, and more. */
const ALIKE = { 'diffusion 1': -3, 'diffusion 2': -3, 'diffusion 3': -3, ring: -2.5, fit: -3, 'diffusion on': -3 };

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
  const { chosen, met } = await lastRound(before, tools, steps);
  assert.deepEqual(met, steps > 0 ? [FITTED, ON] : []);
  return { calls, chosen: chosen.start };
}
const chosen = async (scores: Readonly<Record<string, number>>, how = {}) =>
  (await round({ ...ALIKE, ...scores }, how)).chosen;

test('the best kernels are judged: three that were diffused, and one that was fitted', async () => {
  const { calls } = await round(ALIKE, { steps: 0 });
  assert.deepEqual(calls.sort(), ['diffusion 1', 'diffusion 2', 'diffusion 3', 'ring']);
  assert.equal(calls.length, JUDGED_IN_LAST_ROUND);
});

test('where fits under the prior are asked for, the best of those judged is fitted, and a diffusion goes on from there', async () => {
  const { calls } = await round({ ...ALIKE, 'diffusion 2': -9 });
  assert.deepEqual(calls.slice(JUDGED_IN_LAST_ROUND), ['fit from diffusion 2', 'on from fit', 'fit', 'diffusion on']);
});

test('where none was diffused before, the best fit is gone on from', async () => {
  const { calls } = await round(ALIKE, { before: [candidate('spot', -3.3), candidate('ring', -3.4)] });
  assert.deepEqual(calls, ['ring', 'fit from ring', 'on from fit', 'fit', 'diffusion on']);
});

test('a score under the prior counts twice beside the one under gradients; the best sum is chosen, whichever it is', async () => {
  // The second is 0.1 behind the first by gradients, the last 0.2.
  assert.equal(await chosen({}), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.04 }), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.06 }), 'diffusion 2');
  assert.equal(await chosen({ 'diffusion on': -3.11 }), 'diffusion on');
});

test('a fitted kernel is chosen only if it leads clearly, by 0.06', async () => {
  // 0.1 behind the first by gradients.
  assert.equal(await chosen({ fit: -3.07 }), 'diffusion 1');
  assert.equal(await chosen({ fit: -3.09 }), 'fit');
  // 0.2 ahead of it.
  assert.equal(await chosen({ ring: -2.92 }, { steps: 0 }), 'diffusion 1');
  assert.equal(await chosen({ ring: -2.94 }, { steps: 0 }), 'ring');
});
