import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partsOf, scattered, withoutSpecks } from '../../../helper/kernelfusion/kernel-parts.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';

const VALUES = [0, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0];

test('parts hang together along rows, columns and diagonals, and not around the border', () => {
  const parts = partsOf(VALUES, 4).map((part) => part.sort((a, b) => a - b));
  assert.deepEqual(parts, [[1, 4], [11], [12]]);
});

test('scattered is what light is not in the part with most of it', () => {
  assertClose([scattered(makeKernel(4, 2, VALUES))], [0.5], 1e-12);
  assert.equal(scattered(makeKernel(1, 1, [3])), 0);
});

test('parts with less than the share are cut off, but never the one with most', () => {
  const kernel = makeKernel(4, 2, VALUES);
  assert.deepEqual(
    [...withoutSpecks(kernel, 0.2).data.entries()].filter(([, v]) => v > 0).map(([i]) => i),
    [1, 4, 12],
  );
  assert.deepEqual(
    [...withoutSpecks(kernel, 0.9).data.entries()].filter(([, v]) => v > 0).map(([i]) => i),
    [1, 4],
  );
});
