import { test } from 'node:test';
import { principalAxes } from '../../helper/kernel-axes.ts';
import { makeKernel } from '../../shared/kernel.ts';
import { assertClose } from '../support/close.ts';

test('a line has its length as spread, no width, and its slope as angle', () => {
  const line = (at: (r: number, c: number) => boolean) =>
    principalAxes(
      makeKernel(
        5,
        1,
        Array.from({ length: 25 }, (_, i) => (at(Math.floor(i / 5), i % 5) ? 1 : 0)),
      ),
    );
  // Places -2 .. 2 along the line: variance 2; along a diagonal twice that.
  for (const [{ spread, angle }, expected] of [
    [line((r) => r === 1), [Math.sqrt(2), 0, 0]],
    [line((r, c) => r + c === 4), [2, 0, 45]],
    [line((r, c) => r === c), [2, 0, -45]],
  ] as const) {
    assertClose([...spread, angle], expected, 1e-7);
  }
});

test('negative values are left out, also of the centre', () => {
  const row = [-1, 3, 3, 3, -2];
  const values = Array.from({ length: 25 }, (_, i) => (i >= 10 && i < 15 ? row[i - 10] : 0));
  const { spread } = principalAxes(makeKernel(5, 1, values));
  assertClose(spread, [Math.sqrt(2 / 3), 0], 1e-7);
});
