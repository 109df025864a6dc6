/** An executor in a process of its own gives the same numbers, and its death is an error like others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApart } from '../../../helper/devices/apart.ts';
import { probeSpeed } from '../../../helper/devices/probe.ts';
import { GraphBuilder } from '../../../helper/tensor/graph.ts';
import { childrenOf, noProc } from '../../support/processes.ts';

function counting() {
  const g = new GraphBuilder();
  const [sum, x] = [g.input('sum', [2]), g.input('x', [2])];
  return g.build({ next: g.add(sum, x), seen: sum });
}

test('state stays with the other process, and every program is released', async () => {
  const executor = await openApart('onnx-cpu', 1);
  assert.deepEqual([executor.name, executor.threads, executor.software], ['onnx-cpu', 1, null]);
  const program = await executor.compile(counting(), { state: { sum: 'next' } });
  await program.writeState({ sum: Float32Array.of(1, 10) });
  assert.deepEqual(await program.run({ x: Float32Array.of(2, 20) }), { seen: Float32Array.of(1, 10) });
  assert.deepEqual(await program.readState(), { sum: Float32Array.of(3, 30) });
  assert.equal(executor.livePrograms, 1);
  await program.release();
  assert.equal(executor.livePrograms, 0);
  await assert.rejects(program.run({ x: Float32Array.of(2, 20) }), /released/);
  await executor.close();
  await assert.rejects(executor.compile(counting()), { code: 'CANCELLED' });
  if (!noProc()) assert.deepEqual(childrenOf(process.pid), []);
});

test('a process that dies is ENGINE_FAILED to whoever waits and whoever comes', {
  skip: noProc(),
}, async () => {
  const executor = await openApart('onnx-cpu', 1);
  const program = await executor.compile(counting(), { state: { sum: 'next' } });
  await program.writeState({ sum: Float32Array.of(1, 10) });
  const [pid] = childrenOf(process.pid);
  process.kill(pid, 'SIGSTOP');
  const waiting = assert.rejects(program.run({ x: Float32Array.of(2, 20) }), { code: 'ENGINE_FAILED' });
  process.kill(pid, 'SIGKILL');
  await waiting;
  await assert.rejects(program.readState(), { code: 'ENGINE_FAILED' });
  await program.release();
  assert.equal(executor.livePrograms, 0);
  await executor.close();
});

test('a device that cannot be opened leaves no process behind', async () => {
  await assert.rejects(openApart('onnx-coreml'), { code: 'ENGINE_UNAVAILABLE' });
  if (!noProc()) assert.deepEqual(childrenOf(process.pid), []);
});

test('the probe measures multiply-adds a second and releases its program', async () => {
  const executor = await openApart('onnx-cpu', 1);
  const size = { width: 8, channels: 1, batch: 1, crop: 8 };
  const speed = await probeSpeed(executor, undefined, { size, seconds: 0.05 });
  // A processor does between a million and a million million.
  assert.ok(speed > 1e6 && speed < 1e12, `${speed}`);
  assert.equal(executor.livePrograms, 0);
  await assert.rejects(probeSpeed(executor, AbortSignal.abort(), { size, seconds: 0.05 }), { code: 'CANCELLED' });
  await executor.close();
});
