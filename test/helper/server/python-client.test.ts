/**
 * The protocol as somebody else reads it: a client in another language, on another WebSocket library, does a whole job.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bicubicKernel } from '../../../shared/kernel.ts';
import { CHUNK } from '../../../shared/protocol/limits.ts';
import { needsPython, PYTHON } from '../../support/python.ts';
import { eventually, HELPER_KEY, ORIGIN, startLoopback } from './loopback.ts';

/** In the source tree: only TypeScript is compiled into build/. */
const client = fileURLToPath(new URL('../../../../test/helper/server/client.py', import.meta.url));

test('a Python client does a whole job', needsPython('websockets'), async (t) => {
  const { jobs, port } = await startLoopback(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'kf-python-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [input, output] = ['layer.raw', 'result.raw'].map((name) => path.join(folder, name));
  const [width, height] = [1500, 2000]; // 11.4 frames: more than the window
  const pixels = randomFillSync(new Uint8Array(width * height * 4));
  const result = randomFillSync(new Uint8Array(20 * CHUNK + 1));
  writeFileSync(input, pixels);

  const args = [
    `ws://127.0.0.1:${port}/panel`,
    ORIGIN,
    HELPER_KEY.toString('hex'),
    input,
    `${width}`,
    `${height}`,
    output,
  ];
  const ended = promisify(execFile)(PYTHON, [client, ...args], { timeout: 20_000 });
  const working = (async () => {
    await eventually(() => jobs.list(ORIGIN)[0]?.state === 'queued', 'the layer is there');
    const [{ id }] = jobs.list(ORIGIN);
    await eventually(() => jobs.subscribers(id) === 1, 'the panel is told about it');
    assert.deepEqual(jobs.pixels(id), pixels);
    const preview = { width: 7, height: 5, rgba: new Uint8Array(140) };
    jobs.run(id, { phase: 'kernel', fraction: 0.5, etaSeconds: null, kernel: bicubicKernel(2), preview });
    jobs.finish(id, result);
  })();
  const [{ stdout }] = await Promise.all([ended, working]);

  const { seen, previews, kernel } = JSON.parse(stdout);
  assert.deepEqual(previews, [[7, 5, 140]]);
  assert.deepEqual(kernel, { size: 8, scale: 2, data: Array.from(bicubicKernel(2).data) });
  assert.ok(readFileSync(output).equals(result));
  assert.deepEqual(jobs.list(ORIGIN), []);
  assert.deepEqual([seen[0], seen.at(-1)], ['welcome', 'ok']);
});
