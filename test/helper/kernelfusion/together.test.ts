import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { together } from '../../../helper/kernelfusion/together.ts';

/** Ends after so many milliseconds, or when it is cancelled. */
const lasting =
  <T>(milliseconds: number, value: T) =>
  (signal: AbortSignal) =>
    wait(milliseconds, value, { signal });

test('works begin at once, and their results come in their order, whichever ends first', async () => {
  let begun = 0;
  let letGo = () => {};
  const all = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const waiting = async () => {
    if (++begun === 3) letGo();
    await all;
    return begun;
  };
  assert.deepEqual(await together([waiting, waiting, waiting]), [3, 3, 3]);
  assert.deepEqual(await together([lasting(30, 'a'), lasting(1, 'b'), lasting(10, 'c')]), ['a', 'b', 'c']);
  assert.deepEqual(await together([]), []);
});

test('where one fails the others are cancelled, and its error is thrown when they have ended', async () => {
  const ended: string[] = [];
  const slow = async (signal: AbortSignal) => {
    await wait(60_000, null, { signal }).catch(() => wait(10));
    ended.push('slow');
    throw new Error('the consequence');
  };
  const fails = async () => {
    await wait(5);
    throw new Error('the cause');
  };
  await assert.rejects(together([slow, fails, slow]), /the cause/);
  assert.deepEqual(ended, ['slow', 'slow']);
});

test('a work that throws at once is no exception', async () => {
  await assert.rejects(
    together([
      () => {
        throw new RangeError('at once');
      },
      lasting(60_000, 1),
    ]),
    RangeError,
  );
});

test('a cancel from outside reaches all of them', async () => {
  const stop = new AbortController();
  const running = together([lasting(60_000, 1), lasting(60_000, 2)], stop.signal);
  stop.abort();
  await assert.rejects(running, { name: 'AbortError' });
});
