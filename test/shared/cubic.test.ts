import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keys } from '../../shared/cubic.ts';
import { assertClose } from '../support/close.ts';

test('the weights at whole and half distances, worked out by hand', () => {
  assertClose([0, 0.5, 1, 1.5, 2, 7].map(keys), [1, 0.5625, 0, -0.0625, 0, 0], 1e-15);
});

test('interpolation is exact for any quadratic, at any place', () => {
  const number = fc.double({ min: -10, max: 10, noNaN: true });
  fc.assert(
    fc.property(number, number, number, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, c, place) => {
      const quadratic = (x: number) => a * x * x + b * x + c;
      const found = [-1, 0, 1, 2].reduce((sum, i) => sum + keys(i - place) * quadratic(i), 0);
      assertClose([found], [quadratic(place)], 1e-11);
    }),
  );
});

test('it is even', () => {
  assert.equal(keys(-1.3), keys(1.3));
});
