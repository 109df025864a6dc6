import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lossCurve } from '../../../helper/report/loss-curve.ts';

const points = (svg: string, name: string): number[][] =>
  new RegExp(`class="${name}" points="([^"]*)"`)
    .exec(svg)![1]
    .split(' ')
    .map((p) => p.split(',').map(Number));

test('equal ratios are equal heights, and the axis is marked at 1, 2, 5 around the values', () => {
  const svg = lossCurve([1, 0.1, 0.01]).markup;
  const [a, b, c] = points(svg, 'raw');
  assert.ok(Math.abs(b[1] - a[1] - (c[1] - b[1])) <= 0.1);
  assert.ok(b[0] - a[0] > 100 && Math.abs(b[0] - a[0] - (c[0] - b[0])) <= 0.1);
  const marks = Array.from(svg.matchAll(/text-anchor="end">([\d.]+)<\/text>/g), ([, mark]) => mark);
  assert.deepEqual(marks, ['0.01', '0.02', '0.05', '0.1', '0.2', '0.5', '1', '3']);
});

test('whatever the losses, every point is within the frame', () => {
  const losses = fc.array(fc.double({ min: 1e-9, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 60 });
  fc.assert(
    fc.property(
      fc.oneof(
        losses,
        fc.constant([0.1, 0.1]),
        fc.constant([1, 1, 1]),
        fc.constant([999999.999999999, 999999.999999999]),
      ),
      (values) => {
        const svg = lossCurve(values).markup;
        for (const [x, y] of [...points(svg, 'raw'), ...points(svg, 'mean')]) {
          assert.ok(x >= 56 && x <= 628 && y >= 11.9 && y <= 204.1, `${x}, ${y}`);
        }
      },
    ),
    { numRuns: 200 },
  );
});
