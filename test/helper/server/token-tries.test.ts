import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenTries } from '../../../helper/server/token-tries.ts';

const wrong = async () => null;
const right = async () => 'ada';

/** Milliseconds a late answer takes here. */
const LATE = 50;

test('five wrong tokens in a minute are answered at once, further ones late, and after a minute five more', async () => {
  let now = 0;
  const judge = createTokenTries(LATE, () => now);
  for (let i = 0; i < 5; i++) assert.deepEqual(await judge(wrong), { kind: 'wrong', late: false });
  const asked = performance.now();
  assert.deepEqual(await judge(wrong), { kind: 'wrong', late: true });
  assert.ok(performance.now() - asked >= LATE - 1);
  now = 60_001;
  for (let i = 0; i < 5; i++) assert.deepEqual(await judge(wrong), { kind: 'wrong', late: false });
  assert.deepEqual(await judge(wrong), { kind: 'wrong', late: true });
});

test('the right token is let in at once, however many wrong ones there were', async () => {
  const judge = createTokenTries(60_000);
  for (let i = 0; i < 5; i++) await judge(wrong);
  assert.deepEqual(await judge(right), { kind: 'known', known: 'ada' });
});

test('while sixteen wait for their answer no other token is looked at, and then it is again', async () => {
  const judge = createTokenTries(LATE);
  let looks = 0;
  const look = async () => {
    looks++;
    return null;
  };
  const many = Array.from({ length: 40 }, () => judge(look));
  const kinds = (await Promise.all(many)).map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === 'busy').length, 24);
  assert.equal(looks, 16);
  assert.equal((await judge(right)).kind, 'known');
});

test('a store that cannot be read is told, and holds no place', async () => {
  const judge = createTokenTries(LATE);
  const broken = () => Promise.reject(new Error('no'));
  for (let i = 0; i < 20; i++) await assert.rejects(judge(broken), /no/);
  assert.equal((await judge(right)).kind, 'known');
});
