import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { inOrder, together } from '../../../helper/kernelfusion/together.ts';

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
    await wait(5000, null, { signal }).catch(() => wait(10));
    ended.push(signal.aborted ? 'cancelled' : 'ended by itself');
    throw new Error('the consequence');
  };
  const fails = async () => {
    await wait(5);
    throw new Error('the cause');
  };
  await assert.rejects(together([slow, fails, slow]), /the cause/);
  assert.deepEqual(ended, ['cancelled', 'cancelled']);
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

test('of many works so many are under way at once, each asked for when it is next, and their results come in their order', async () => {
  const taken: number[] = [];
  let [asked, under, most] = [0, 0, 0];
  const works = function* () {
    for (let i = 0; i < 6; i++) {
      // Two are under way or waiting to be taken, and this one is next.
      assert.ok(++asked - taken.length <= 3);
      yield async () => {
        most = Math.max(most, ++under);
        await wait(i % 2 === 0 ? 20 : 1);
        under--;
        return i;
      };
    }
  };
  await inOrder(works(), 2, (i) => taken.push(i));
  assert.deepEqual(taken, [0, 1, 2, 3, 4, 5]);
  assert.equal(most, 2);
});

test('after a failure no work is asked for any more', async () => {
  let asked = 0;
  const works = function* () {
    for (;;) {
      const failing = ++asked === 3;
      yield async () => {
        if (failing) throw new Error('the cause');
      };
    }
  };
  await assert.rejects(
    inOrder(works(), 1, () => {}),
    /the cause/,
  );
  assert.ok(asked <= 4, `${asked}`);
});
