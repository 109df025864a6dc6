import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createRedeemer, offerCode, spokenCode, withdrawCode } from '../../../helper/server/pairing.ts';

const MINUTE = 60_000;

let folder = '';
let time = { wall: 0, steady: 0 };
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kf-pairing-'));
  time = { wall: 1e12, steady: 0 };
});
afterEach(() => rmSync(folder, { recursive: true }));

const redeemer = () => createRedeemer(folder, { wall: () => time.wall, steady: () => time.steady });
const offer = () => offerCode(folder, time.wall);

/** Another code of six digits. */
const wrong = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

test('a code is six digits, and good once', async () => {
  const { code } = await offer();
  assert.match(code, /^\d{6}$/);
  const redeem = redeemer();
  await redeem(code);
  await assert.rejects(redeem(code), { code: 'NO_CODE' });
});

test('of two panels that name the code at the same moment one is paired', async () => {
  const { code } = await offer();
  const redeem = redeemer();
  const outcomes = await Promise.allSettled([redeem(code), redeem(code)]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('a wrong code is refused, and the right one is still good', async () => {
  const { code } = await offer();
  const redeem = redeemer();
  for (const tried of [wrong(code), '', code.slice(1), `${code}0`, 'abcdef']) {
    time.steady += MINUTE;
    await assert.rejects(redeem(tried), { code: 'WRONG_CODE' });
  }
  time.steady += MINUTE;
  await redeem(code);
});

test('after five tries even the right code has to wait for the minute to pass', async () => {
  const { code } = await offer();
  const redeem = redeemer();
  for (let i = 0; i < 5; i++) {
    await assert.rejects(redeem(wrong(code)), { code: 'WRONG_CODE' });
    time.steady += 1000;
  }
  await assert.rejects(redeem(code), { code: 'TOO_MANY_TRIES' });
  time.steady = MINUTE - 1;
  await assert.rejects(redeem(code), { code: 'TOO_MANY_TRIES' });
  time.steady = MINUTE;
  await redeem(code);
});

test('tries made at the same moment are counted as well', async () => {
  const { code } = await offer();
  const redeem = redeemer();
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => redeem(wrong(code))));
  const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'paired'));
  assert.deepEqual(codes.sort(), [...Array(15).fill('TOO_MANY_TRIES'), ...Array(5).fill('WRONG_CODE')]);
});

test('a code is good for ten minutes, and not at all where the clock was set back', async () => {
  const { code } = await offer();
  const redeem = redeemer();
  time.wall += 10 * MINUTE;
  await assert.rejects(redeem(code), { code: 'NO_CODE' });
  time.wall -= 10 * MINUTE + 1;
  await assert.rejects(redeem(code), { code: 'NO_CODE' });
  time.wall += 10 * MINUTE;
  await redeem(code);
});

test('a new code takes the place of the older one; without one there is nothing to redeem', async () => {
  const redeem = redeemer();
  await assert.rejects(redeem('000000'), { code: 'NO_CODE' });
  const first = await offer();
  let second = await offer();
  while (second.code === first.code) second = await offer();
  await assert.rejects(redeem(first.code), { code: 'WRONG_CODE' });
  await withdrawCode(folder);
  await withdrawCode(folder);
  await assert.rejects(redeem(second.code), { code: 'NO_CODE' });
});

test('a damaged offer is none', async () => {
  const redeem = redeemer();
  for (const text of ['', '{}', `{"code":1,"created":${time.wall}}`]) {
    writeFileSync(path.join(folder, 'pairing.json'), text);
    time.steady += MINUTE;
    await assert.rejects(redeem('000001'), { code: 'NO_CODE' });
  }
});

test("the code on offer is its owner's alone", {
  skip: process.platform === 'win32' ? 'Windows has no modes' : false,
}, async () => {
  await offer();
  assert.equal(statSync(path.join(folder, 'pairing.json')).mode & 0o777, 0o600);
});

test('a code is shown in two groups', () => {
  assert.equal(spokenCode('012345'), '012 345');
});
