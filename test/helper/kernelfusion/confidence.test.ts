import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confidenceAt, confidenceOf, plainShare } from '../../../helper/kernelfusion/confidence.ts';
import { assertClose } from '../../support/close.ts';

test('confidence is 0.76 where the worst parts are even, and rises with the lead there', () => {
  assertClose([confidenceAt(0)], [0.761], 0.001);
  const rising = [-1, -0.5, 0, 0.1, 0.5].map(confidenceAt);
  assert.ok(rising.every((v, i) => i === 0 || v > rising[i - 1]));
  assert.ok(rising[0] > 0 && rising[0] < 0.03 && rising[4] > 0.95 && rising[4] < 1);
});

test('it is that of the least lead over the plain kernel', () => {
  const blocks = Uint32Array.from({ length: 100 }, (_, i) => Math.floor(i / 25));
  const judged = (of: readonly number[]) => ({
    score: 0,
    error: 1,
    losses: Float32Array.from(blocks, (b) => of[b]),
    blocks,
  });
  const found = judged([1, 1, 1, 1]);
  const confidence = (plain: readonly number[]) => confidenceOf({ chosen: found, plain: judged(plain) });
  assertClose([confidence([2, 2, 2, 1.25])], [confidenceAt(0.25)], 1e-9);
  assertClose([confidence([0.5, 2, 2, 2])], [confidenceAt(-0.5)], 1e-9);
});

test('the plain kernel has no share where the worst parts are even, all of it where half a nat is lost there, and half in the middle', () => {
  assert.deepEqual([1, confidenceAt(0.5), confidenceAt(0)].map(plainShare), [0, 0, 0]);
  assert.deepEqual([confidenceAt(-0.5), confidenceAt(-2), 0].map(plainShare), [1, 1, 1]);
  assert.deepEqual(
    [-0.05, -0.25, -0.4].map((lead) => plainShare(confidenceAt(lead))),
    [0.1, 0.5, 0.8],
  );
});
