import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { directories, jobsFolder } from '../../../helper/server/directories.ts';
import { openJobs } from '../../../helper/server/queue.ts';
import { start } from '../cli-process.ts';
import { OWNER, QUICK_WORKER, quiet, submit, untilState } from '../server/quick-jobs.ts';

const home = mkdtempSync(path.join(tmpdir(), 'kf-purge-'));
after(() => rmSync(home, { recursive: true }));
const env = { KERNELFUSION_HOME: home };
const folder = jobsFolder(directories(env));
const purge = () => start(['purge', '--json'], env).ended;

test('where no helper ever ran there is nothing to delete, and nothing is made', async () => {
  const { code, stdout, stderr } = await purge();
  assert.deepEqual([code, JSON.parse(stdout), stderr], [0, { deleted: 0 }, '']);
  assert.deepEqual(readdirSync(home), []);
});

test('every job is deleted, finished, waiting or running, and remains of others; the helper survives it', async () => {
  const jobs = await openJobs({ folder, log: quiet, worker: QUICK_WORKER });
  try {
    const done = await submit(jobs);
    await untilState(jobs, done, 'done');
    const [running, waiting] = [await submit(jobs, { pause: 200 }), await submit(jobs)];
    writeFileSync(path.join(folder, 'notes.txt'), 'not ours');

    const { code, stdout } = await purge();
    assert.deepEqual([code, JSON.parse(stdout)], [0, { deleted: 3 }]);
    assert.deepEqual(readdirSync(folder), ['notes.txt']);

    await assert.rejects(jobs.openResult(OWNER, done), { code: 'NO_SUCH_JOB' });
    for (const id of [running, waiting]) {
      assert.equal((await untilState(jobs, id, 'failed')).error?.code, 'SPOOL_UNAVAILABLE');
      await jobs.forget(OWNER, id);
    }
    await untilState(jobs, await submit(jobs), 'done');
    assert.ok(existsSync(folder));
  } finally {
    await jobs.close();
  }
});
