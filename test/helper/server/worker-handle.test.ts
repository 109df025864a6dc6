import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorker } from '../../../helper/server/worker-handle.ts';

test('a worker that outlives its signal is killed after three seconds, however often it is told to stop', async () => {
  let began = () => {};
  const ready = new Promise<void>((resolve) => {
    began = resolve;
  });
  const worker = startWorker(new URL('./deaf-worker.js', import.meta.url), { folder: 'nowhere' }, () => began());
  await ready;
  const asked = performance.now();
  const [end, again] = await Promise.all([worker.stop(), worker.stop()]);
  const seconds = (performance.now() - asked) / 1000;
  assert.deepEqual([end.exitCode, end.signal], [null, 'SIGKILL']);
  assert.deepEqual(again, end);
  assert.ok(seconds > 2.9 && seconds < 4.5, `it took ${seconds} s`);
  assert.throws(() => process.kill(worker.pid!, 0), { code: 'ESRCH' });
});

test('a worker whose program is not there ends with words about it', async () => {
  const worker = startWorker(new URL('./no-such-worker.js', import.meta.url), { folder: 'nowhere' }, () => {});
  const { exitCode, lastWords } = await worker.ended;
  assert.equal(exitCode, 1);
  assert.match(lastWords, /Cannot find module/);
});
