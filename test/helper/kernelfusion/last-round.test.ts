import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JUDGED_IN_LAST_ROUND, lastRound } from '../../../helper/kernelfusion/last-round.ts';
import { met } from '../../support/met.ts';

const RING = met('ring', -3.4);
const DIFFUSION = met('diffusion', -3.2);
const FITTED = met('fit', -3.1);
const ON = met('diffusion on', -3);

/** `underPrior`: scores by start. */
async function round(
  underPrior: Readonly<Record<string, number>>,
  before = [met('spot', -3.3), RING, met('diffusion 2', -3), DIFFUSION],
) {
  const calls: string[] = [];
  const chosen = await lastRound(before, {
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

test('the better of the best kernel and the best diffused one is fitted, and a diffusion goes on from there: all are judged', async () => {
  const { calls } = await round({ ring: -4, diffusion: -3, fit: -3, 'diffusion on': -3 });
  assert.deepEqual(calls, ['ring', 'diffusion', 'fit from ring', 'fit', 'on from fit', 'diffusion on']);
  assert.equal(calls.filter((call) => !call.includes('from')).length, JUDGED_IN_LAST_ROUND);
  const other = await round({ ring: -3, diffusion: -4, fit: -3, 'diffusion on': -3 });
  assert.equal(other.calls[2], 'fit from diffusion');
});

test('where the best kernel was diffused it is judged once', async () => {
  const before = [met('spot', -3), DIFFUSION];
  const { calls } = await round({ diffusion: -4, fit: -3, 'diffusion on': -3 }, before);
  assert.deepEqual(calls.slice(0, 2), ['diffusion', 'fit from diffusion']);
});

test('a score under the prior counts twice beside the one under gradients; the best sum is chosen, whichever it is', async () => {
  const scores = { ring: -3, diffusion: -3, fit: -3, 'diffusion on': -3 };
  // 0.2 behind by gradients.
  assert.equal((await round({ ...scores, diffusion: -3.11 })).chosen, DIFFUSION);
  assert.equal((await round({ ...scores, diffusion: -3.09 })).chosen, RING);
  assert.equal((await round({ ...scores, fit: -3.16 })).chosen, FITTED);
  assert.equal((await round({ ...scores, 'diffusion on': -3.21 })).chosen, ON);
});
