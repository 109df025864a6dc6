import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose } from '../../../helper/kernelfusion/candidates.ts';
import { confirmed, JUDGED_IN_LAST_ROUND, lastRound } from '../../../helper/kernelfusion/second-opinion.ts';
import { met } from '../../support/met.ts';

const RING = met('ring', -3.4);
const DIFFUSED = [met('diffusion 1', -3.2), met('diffusion 2', -3.1), met('diffusion 3', -3.1)];
const BEFORE = [met('spot', -3.3), met('diffusion 4', -3), DIFFUSED[2], DIFFUSED[1], DIFFUSED[0], RING];
const FITTED = met('fit', -3.1);
const ON = met('diffusion on', -3);
const ALIKE = { ring: -3, 'diffusion 1': -3, 'diffusion 2': -3, 'diffusion 3': -3, fit: -3, 'diffusion on': -3 };

/** `underPrior`: scores by start. */
async function round(underPrior: Readonly<Record<string, number>>, before = BEFORE) {
  const calls: string[] = [];
  const chosen = await lastRound(choose(before), before, {
    async judge({ start }) {
      calls.push(start);
      return { score: underPrior[start] };
    },
    async fit({ start }) {
      calls.push(`fit from ${start}`);
      return FITTED;
    },
    async diffuseOn({ start }) {
      calls.push(`on from ${start}`);
      return ON;
    },
  });
  return { calls, chosen };
}

test('the better of the best kernel and the best diffused one is fitted, and a diffusion goes on from there; more are judged', async () => {
  const { calls } = await round({ ...ALIKE, 'diffusion 2': -9 });
  assert.deepEqual(calls.slice(0, 4), ['ring', 'diffusion 1', 'fit from ring', 'on from fit']);
  assert.deepEqual(calls.slice(4).sort(), ['diffusion 2', 'diffusion 3', 'diffusion on', 'fit']);
  assert.equal(calls.length - 2, JUDGED_IN_LAST_ROUND);
  const other = await round({ ...ALIKE, 'diffusion 1': -4 });
  assert.equal(other.calls[2], 'fit from diffusion 1');
});

test('where the best kernel was diffused it is judged once', async () => {
  const { calls } = await round(ALIKE, [met('spot', -3), ...DIFFUSED]);
  assert.deepEqual(calls.slice(0, 2), ['diffusion 1', 'fit from diffusion 1']);
  assert.equal(calls.length - 2, JUDGED_IN_LAST_ROUND - 1);
});

test('where none was diffused before, the best kernel is fitted, and a diffusion goes on from there', async () => {
  const { calls } = await round(ALIKE, [met('spot', -3.3), RING]);
  assert.deepEqual(calls, ['ring', 'fit from ring', 'on from fit', 'fit', 'diffusion on']);
});

test('a score under the prior counts twice beside the one under gradients; the best sum is chosen, whichever it is', async () => {
  // 0.2, 0.3 and 0.4 behind the ring by gradients, which as a fitted one must lead by 0.06.
  const chosen = async (scores: Readonly<Record<string, number>>) =>
    (await round({ ...ALIKE, ...scores })).chosen.start;
  assert.equal(await chosen({}), 'ring');
  assert.equal(await chosen({ 'diffusion 1': -3.06 }), 'ring');
  assert.equal(await chosen({ 'diffusion 1': -3.08 }), 'diffusion 1');
  assert.equal(await chosen({ 'diffusion 2': -3.13 }), 'diffusion 2');
  assert.equal(await chosen({ 'diffusion on': -3.18 }), 'diffusion on');
});

test('a fitted kernel is chosen only if it leads clearly', async () => {
  const chosen = async (fit: number) => (await round({ ...ALIKE, ring: -2, 'diffusion 1': -3.1, fit })).chosen.start;
  assert.equal(await chosen(-3.17), 'diffusion 1');
  assert.equal(await chosen(-3.19), 'fit');
});

test('without a last round a fitted kernel stands where it leads clearly by both scores, else the best diffused one', async () => {
  const judged: string[] = [];
  const chosen = async (diffused: number, before = BEFORE) => {
    const judge = async ({ start }: { readonly start: string }) => {
      judged.push(start);
      return { score: start === 'ring' ? -3 : diffused };
    };
    return (await confirmed(RING, before, judge)).start;
  };
  // 0.2 behind by gradients.
  assert.equal(await chosen(-3.06), 'ring');
  assert.equal(await chosen(-3.08), 'diffusion 1');
  assert.deepEqual(judged.slice(0, 2), ['ring', 'diffusion 1']);
  judged.length = 0;
  assert.equal(await chosen(-9, [RING]), 'ring');
  assert.deepEqual(judged, []);
});
