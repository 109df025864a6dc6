import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeCheckpoint, encodeCheckpoint } from '../../../helper/server/checkpoint-file.ts';
import { bicubicKernel } from '../../../shared/kernel.ts';

const prior = { prior: { width: 4, channels: 3, parameters: Float32Array.of(0.1, -1e-30, 3) }, losses: [0.5, 1 / 3] };
const kernel = {
  kernel: bicubicKernel(3),
  kernelSource: 'estimated',
  confidence: 1 / 3,
  notes: ['née'],
  kernels: [],
} as const;
const image = { width: 3, height: 2, channels: 1, data: Float32Array.of(1, 2, 3, 4, 5, -0.3) };
const joint = {
  step: 2,
  learnt: { net: Float32Array.of(1, 2), netM: Float32Array.of(0, -0) },
  x0: Float32Array.of(0.25),
  noise: Float32Array.of(-1.5),
  kernels: [bicubicKernel(2)],
  losses: [0.1],
};
const STAMP = 'versions';

const bytesOf = (...[checkpoint, stamp]: Parameters<typeof encodeCheckpoint>) =>
  Buffer.concat(encodeCheckpoint(checkpoint, stamp));

test('every checkpoint comes back bit for bit', () => {
  for (const checkpoint of [{ prior }, { prior, joint }, { prior, kernel }, { prior, kernel, image }]) {
    assert.deepEqual(decodeCheckpoint(bytesOf(checkpoint, STAMP), STAMP), checkpoint);
  }
});

test('a checkpoint of other versions is of no use', () => {
  assert.equal(decodeCheckpoint(bytesOf({ prior }, 'older'), STAMP), null);
});

test('whatever single byte is changed, wherever it is cut: it is seen to be damaged', () => {
  const bytes = bytesOf({ prior, kernel, image }, STAMP);
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = Buffer.from(bytes);
    changed[at] ^= 1;
    assert.equal(decodeCheckpoint(changed, STAMP), null, `byte ${at}`);
    assert.equal(decodeCheckpoint(bytes.subarray(0, at), STAMP), null, `${at} bytes`);
  }
});
