import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alphaBar, noiseLevel, signalLevel, TIMESTEPS } from '../../../helper/kernelfusion/schedule.ts';

const near = (found: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${found} is not ${expected}`);

test('the schedule starts with no noise and its first betas are 0.0001 and 0.0001 + 0.0199/999', () => {
  assert.equal(alphaBar(0), 1);
  near(alphaBar(1), 0.9999, 1e-15);
  near(alphaBar(2), 0.9999 * (1 - 1e-4 - 0.0199 / 999), 1e-15);
});

test('at the end almost nothing of the signal is left: 4.04e-5 of its power, the known end of this schedule', () => {
  near(alphaBar(TIMESTEPS), 4.036e-5, 1e-8);
});

test('signal and noise powers add up to one, and the signal only falls, between whole steps too', () => {
  let before = 1;
  for (let t = 0.25; t <= TIMESTEPS; t += 0.25) {
    near(signalLevel(t) ** 2 + noiseLevel(t) ** 2, 1, 1e-12);
    assert.ok(alphaBar(t) < before, `at ${t}`);
    before = alphaBar(t);
  }
});

test('halfway between two steps is their geometric mean', () => {
  near(alphaBar(100.5), Math.sqrt(alphaBar(100) * alphaBar(101)), 1e-15);
});

test('times outside the schedule are refused', () => {
  for (const t of [-1, TIMESTEPS + 0.5, Number.NaN]) assert.throws(() => alphaBar(t), RangeError);
});
