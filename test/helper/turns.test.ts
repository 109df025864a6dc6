import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { makeTurns } from '../../helper/turns.ts';

test('works take turns in the order in which they were asked for, also after one that fails', async () => {
  const turns = makeTurns();
  const events: string[] = [];
  const work = (name: string, milliseconds: number) => async () => {
    events.push(`${name} begins`);
    await wait(milliseconds);
    events.push(`${name} ends`);
    return name;
  };
  const slow = turns.take(work('slow', 20));
  const failing = turns.take(() => {
    events.push('fails');
    throw new Error('no');
  });
  const quick = turns.take(work('quick', 1));
  await assert.rejects(failing, /no/);
  assert.deepEqual(await Promise.all([slow, quick]), ['slow', 'quick']);
  assert.deepEqual(events, ['slow begins', 'slow ends', 'fails', 'quick begins', 'quick ends']);
});

test('they have ended when the last one asked for has, whether it succeeds or not', async () => {
  const turns = makeTurns();
  await turns.ended();
  let done = false;
  const failing = turns.take(async () => {
    await wait(10);
    done = true;
    throw new Error('no');
  });
  await Promise.all([assert.rejects(failing), turns.ended()]);
  assert.ok(done);
});
