import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { freeMemory } from '../../../helper/free-memory.ts';
import { diskNeeded, memoryRefusal, predictMemory, workOf } from '../../../helper/server/estimate.ts';
import { parseOptions } from '../../../shared/options.ts';
import { shapeOf } from './quick-jobs.ts';

const at = (scale: number) => parseOptions({ scale });

test('the memory predicted is within a tenth of what whole jobs took', () => {
  for (const [side, scale, measured] of [
    [128, 2, 423e6],
    [512, 2, 442e6],
    [1024, 2, 533e6],
  ]) {
    const predicted = predictMemory(shapeOf(side), at(scale));
    assert.ok(Math.abs(predicted / measured - 1) < 0.1, `${side} x${scale}: ${predicted / 1e6} MB`);
  }
});

test('the disk holds the layer, the result and three floats a pixel of it, 100 x 50 pixels at x3', () => {
  assert.equal(diskNeeded(shapeOf(100, 50), at(3)), 4 * 5000 + (4 + 12) * 45_000 + 4 * 2 ** 20);
});

test("the paper's presets need more of everything than the default, and the published one the most", () => {
  const of = (preset: string) => {
    const options = parseOptions({ scale: 4, preset });
    const shape = shapeOf(128);
    return [predictMemory(shape, options), diskNeeded(shape, options), workOf(shape, options)];
  };
  const [usual, small, published] = ['fast', 'paper-small', 'paper'].map(of);
  for (const i of [0, 1, 2])
    assert.ok(usual[i] < small[i] && small[i] < published[i], `${usual}; ${small}; ${published}`);
});

test('a known kernel saves the search and nothing else', () => {
  const work = (known: boolean) => workOf(shapeOf(256), at(2), known ? 14 : undefined);
  assert.ok(work(true) < work(false) && work(true) > work(false) / 2);
});

test('a job that does not fit into free memory is refused with both figures; what will be free soon counts', () => {
  const [small, large] = [shapeOf(16), shapeOf(4096)];
  assert.equal(memoryRefusal(small, at(1), 0), null);
  const refusal = memoryRefusal(large, at(2), 5e8 - freeMemory());
  assert.equal(refusal?.code, 'NOT_ENOUGH_MEMORY');
  assert.match(String(refusal?.sentence), /need 2\.\d GB of memory, and \d+ MB are free/);
  assert.equal(memoryRefusal(small, at(1), os.totalmem()), null);
});
