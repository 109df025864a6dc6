/**
 * A helper killed with -9 while jobs are in every state at once, as panels see it: over sockets, with real processes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Panel } from '../../../helper/commands/bench-panel.ts';
import { CHUNK } from '../../../shared/protocol/limits.ts';
import { noProc } from '../../support/processes.ts';
import { type Behaviour, pixelsOf, shapeOf } from './quick-jobs.ts';
import { ORIGINS, openHouse } from './soak-house.ts';

async function submit(panel: Panel, side: number, how: Behaviour): Promise<string> {
  const { job } = await panel.ask('started', { type: 'start', layer: shapeOf(side), options: { scale: 2 } });
  await panel.upload(job, pixelsOf(shapeOf(side), how));
  await panel.ask('job', { type: 'uploaded', job });
  return job;
}

async function resultOf(panel: Panel, job: string, side: number): Promise<Uint8Array> {
  await panel.ask('job', { type: 'resume', job });
  await panel.until(() => panel.told(job).status?.state === 'done');
  const into = new Uint8Array(4 * (2 * side) ** 2);
  await panel.download(job, into);
  return into;
}

test('the next helper has the finished, runs the running and the waiting, and knows nothing of the half layer', {
  skip: noProc(),
}, async (t) => {
  const house = await openHouse(t);
  const panel = await house.connect(ORIGINS[0]);
  const slow = { pause: 60 };
  const done = await submit(panel, 16, slow);
  const before = await resultOf(panel, done, 16);
  const running = await submit(panel, 16, slow);
  const waiting = [await submit(panel, 32, {}), await submit(panel, 16, slow)];
  const { job: half } = await panel.ask('started', { type: 'start', layer: shapeOf(600), options: {} });
  await panel.upload(half, pixelsOf(shapeOf(600)).subarray(0, CHUNK));
  await panel.until(() => panel.told(running).progress !== undefined);
  assert.equal((await house.look()).folders.length, 5);

  await house.restart();
  const again = await house.connect(ORIGINS[0]);
  const { jobs } = await again.ask('jobs', { type: 'list' });
  assert.deepEqual(
    jobs.map(({ id }) => id),
    [done, running, ...waiting],
  );
  assert.equal(jobs[0].state, 'done');
  assert.deepEqual([jobs[2].state, jobs[3].state], ['queued', 'queued']);
  assert.deepEqual(await resultOf(again, done, 16), before);
  assert.deepEqual(await resultOf(again, running, 16), before, 'the same layer and options');
  assert.equal((await resultOf(again, waiting[0], 32)).length, 4 * 64 ** 2);
  assert.deepEqual(await resultOf(again, waiting[1], 16), before);
  await assert.rejects(again.ask('job', { type: 'resume', job: half }), { code: 'NO_SUCH_JOB' });
  for (const { id } of jobs) await again.ask('ok', { type: 'forget', job: id });
  await again.close();
  await house.settle();
  const { folders, workers } = await house.look();
  assert.deepEqual([folders, workers], [[], []]);
  await house.end();
});
