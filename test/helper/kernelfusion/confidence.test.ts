import assert from 'node:assert/strict';
import { test } from 'node:test';
import { confidenceAt, confidenceOf, isUndisputed, plainShare } from '../../../helper/kernelfusion/confidence.ts';
import { assertClose } from '../../support/close.ts';

test('confidence is three quarters where all parts agree, and falls the more of them dissent', () => {
  assertClose([confidenceAt(0)], [0.75], 0.005);
  const falling = [0, 0.05, 0.1, 0.3, 1].map(confidenceAt);
  assert.ok(falling.every((v, i) => i === 0 || v < falling[i - 1]));
  assert.ok(falling[4] > 0 && falling[4] < 0.02);
  // Log odds 1.1 - 5.4 sqrt(0.25) = -1.6.
  assertClose([confidenceAt(0.25)], [1 / (1 + Math.exp(1.6))], 1e-9);
});

test('it is that of the share of blocks which the plain kernel foretells better', () => {
  const blocks = Uint32Array.from({ length: 100 }, (_, i) => Math.floor(i / 25));
  const losses = (of: readonly number[]) => Float32Array.from(blocks, (b) => of[b]);
  const judged = (of: readonly number[]) => ({ losses: losses(of), blocks });
  const found = judged([1, 1, 1, 1]);
  const estimate = (plain: readonly number[]) => ({ chosen: found, plain: judged(plain) });
  assert.equal(confidenceOf(estimate([2, 2, 2, 2])), confidenceAt(0));
  assert.equal(confidenceOf(estimate([2, 2, 0, 2])), confidenceAt(0.25));
});

test('the plain kernel has no share while few parts dissent, all of it from a quarter on, and half in the middle of the confidences', () => {
  assert.equal(plainShare(1), 0);
  assert.equal(plainShare(confidenceAt(0.08)), 0);
  assert.equal(plainShare(confidenceAt(0.25)), 1);
  assert.equal(plainShare(0), 1);
  assertClose([plainShare((confidenceAt(0.08) + confidenceAt(0.25)) / 2)], [0.5], 1e-9);
});

test('a kernel is undisputed where no more than one block in fifty speaks against it', () => {
  assert.deepEqual(
    [0, 0.02, 0.03, 1].map((share) => isUndisputed(confidenceAt(share))),
    [true, true, false, false],
  );
});
