import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchEngine } from '../../../helper/commands/bench-engine.ts';
import { findTorch } from '../../../helper/commands/bench-engine-torch.ts';

const SMALL = { width: 16, channels: 3, batch: 2, crop: 16 };
const torch = await findTorch();

test('the engine benchmark times both libraries, which agree on the loss', {
  skip: torch ? false : 'no Python with torch and numpy',
}, async () => {
  const lines: string[] = [];
  const result = await benchEngine({ threads: 1, rounds: 2, steps: 3, size: SMALL, print: (line) => lines.push(line) });
  assert.ok(result.milliseconds > 0 && result.torchMilliseconds! > 0);
  assert.equal(result.ratio, result.milliseconds / result.torchMilliseconds!);
  assert.match(result.torch!, /^\d+\.\d+/);
  assert.equal(lines.filter((line) => line.startsWith('round')).length, 2);
  assert.match(lines.at(-1)!, /times as long as in PyTorch/);
});

test('the engine benchmark stops between turns when cancelled', async () => {
  const controller = new AbortController();
  const stop = (line: string) => {
    if (line.startsWith('round 1')) controller.abort();
  };
  const running = benchEngine({
    threads: 1,
    rounds: 50,
    steps: 1,
    size: SMALL,
    signal: controller.signal,
    print: stop,
  });
  await assert.rejects(running, { code: 'CANCELLED' });
});
