/** The memory predicted is what a job takes, and the tiles fit into what may be used. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type JobSize, predictMemory, tileSideWithin } from '../../../helper/kernelfusion/memory.ts';
import type { Scale } from '../../../shared/kernel.ts';

const run = promisify(execFile);
const memoryRun = fileURLToPath(new URL('./memory-run.js', import.meta.url));

const square = (side: number, scale: number): JobSize => ({
  width: side,
  height: side,
  channels: 3,
  hasAlpha: true,
  scale: scale as Scale,
});

for (const [side, scale, tile] of [
  [128, 2, 640],
  [896, 1, 640],
  [448, 4, 192],
]) {
  test(`the peak of ${side} x ${side} at scale ${scale} in tiles of ${tile} is within 25 % of the prediction`, async () => {
    const { stdout } = await run(process.execPath, [memoryRun, `${side}`, `${scale}`, `${tile}`]);
    const measured = Number.parseInt(stdout, 10);
    const predicted = predictMemory(square(side, scale), tile);
    const off = measured / predicted;
    assert.ok(off > 0.75 && off < 1.25, `${measured / 1e6} MB, not ${predicted / 1e6} MB`);
  });
}

test('a layer of 4096 x 4096 at scale 2 stays below 4 GB, with transparency too', () => {
  assert.ok(predictMemory(square(4096, 2)) < 4e9);
});

test('the tiles are the largest that fit, and a job that fits in none is refused with both figures', () => {
  const size = square(1024, 2);
  assert.equal(tileSideWithin(8e9, size), 640);
  const tight = square(1024, 4);
  assert.equal(tileSideWithin(predictMemory(tight, 320), tight), 320);
  assert.equal(tileSideWithin(predictMemory(tight, 192), tight), 192);
  assert.throws(() => tileSideWithin(200e6, size), {
    code: 'NOT_ENOUGH_MEMORY',
    message: /need \d{3} MB of memory, and 200 MB may be used/,
  });
});

test("what the paper's method keeps comes on top of the training, not of the result", () => {
  const [small, large] = [square(256, 2), square(4096, 2)];
  const added = (size: JobSize, paper: number) => predictMemory({ ...size, paper }) - predictMemory(size);
  assert.equal(added(small, 4e9), 4e9);
  assert.equal(added(large, 1e6), 0);
  assert.throws(() => tileSideWithin(3e9, { ...small, paper: 4e9 }), { code: 'NOT_ENOUGH_MEMORY' });
});

test('a card is predicted to take more, since its driver has a process of its own', () => {
  const size = square(256, 2);
  assert.ok(predictMemory(size, 640, 'onnx-webgpu') > predictMemory(size, 640, 'onnx-cpu'));
  assert.ok(predictMemory(size, 640, 'tfjs-node') > predictMemory(size, 640, 'onnx-cpu'));
});
