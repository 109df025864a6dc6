import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { peakMemory } from '../../helper/peak-memory.ts';

test('the peak counts memory that is free again', () => {
  const script = `import { peakMemory } from ${JSON.stringify(new URL('../../helper/peak-memory.js', import.meta.url))};
    const before = peakMemory();
    let held = Buffer.alloc(2e8, 1);
    held = null;
    gc();
    console.log(JSON.stringify({ before, peak: peakMemory(), now: process.memoryUsage.rss() }));`;
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  const { before, peak, now } = JSON.parse(stdout);
  assert.ok(peak - before > 1.8e8 && peak - before < 2.6e8, `${before} to ${peak}`);
  assert.ok(now < peak - 1e8, 'the memory is free again');
});

test('a small process started by a large one is small', () => {
  const held = Buffer.alloc(3e8, 1);
  const script = `import { peakMemory } from ${JSON.stringify(new URL('../../helper/peak-memory.js', import.meta.url))};
    console.log(peakMemory());`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.ok(Number(stdout) < 2e8, stdout);
  assert.ok(peakMemory() > held.length);
});
