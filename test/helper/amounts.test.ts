import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesInWords, pixelsInWords } from '../../helper/amounts.ts';

test('small amounts are told in a unit in which they are not 0.0', () => {
  assert.deepEqual([100, 999_999, 1e6, 2 ** 24].map(pixelsInWords), [
    '100 pixels',
    '999999 pixels',
    '1.0 megapixels',
    '16.8 megapixels',
  ]);
  assert.deepEqual([10e6, 439.7e6, 1e9, 3.94e9].map(bytesInWords), ['10 MB', '440 MB', '1.0 GB', '3.9 GB']);
});
