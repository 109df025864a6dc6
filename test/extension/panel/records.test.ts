/** Which finished jobs are let go; that records outlive a panel is tried in browsers, by test/e2e. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JobFacts, surplus } from '../../../extension/panel/records.ts';

const MEBIBYTE = 2 ** 20;

/** What is told of a job whose layer and result have so many bytes of pixels. */
function record(id: number, layerBytes: number, resultBytes: number | null): JobFacts {
  const size = (bytes: number) => ({ width: bytes / 4, height: 1 });
  const result = resultBytes === null ? null : { picture: size(resultBytes) };
  return { id: String(id), original: { x: 0, y: 0, ...size(layerBytes) }, result } as JobFacts;
}

const records = (count: number, layerBytes: number, resultBytes: number | null) =>
  Array.from({ length: count }, (_, id) => record(id, layerBytes, resultBytes));

test('twelve finished jobs are kept, the newest', () => {
  assert.deepEqual(surplus(records(12, 4, 16)), []);
  assert.deepEqual(surplus(records(14, 4, 16)), ['12', '13']);
});

test('they are kept as long as layers and results together have no more than 512 MiB', () => {
  assert.deepEqual(surplus(records(4, 32 * MEBIBYTE, 96 * MEBIBYTE)), []);
  assert.deepEqual(surplus(records(5, 32 * MEBIBYTE, 96 * MEBIBYTE)), ['4']);
});

test('the newest is kept however large it is', () => {
  assert.deepEqual(surplus([record(0, 256 * MEBIBYTE, 1024 * MEBIBYTE), record(1, 4, 16)]), ['1']);
});

test('a job that is not finished is never let go, and takes no place of others', () => {
  const waiting = Array.from({ length: 20 }, (_, id) => record(100 + id, 64 * MEBIBYTE, null));
  assert.deepEqual(surplus([...waiting, ...records(12, 4, 16)]), []);
});
