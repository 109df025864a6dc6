/**
 * Whatever is killed, whatever the disk does: no finished result is lost, no process stays behind, and work goes on from the
 * last finished phase to the same bytes.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PHASES, type Phase } from '../../../helper/kernelfusion/method.ts';
import type { JobInfo, Jobs } from '../../../helper/server/jobs.ts';
import { openJobs } from '../../../helper/server/queue.ts';
import { MOST_STARTS } from '../../../helper/server/verdict.ts';
import { parseOptions } from '../../../shared/options.ts';
import { childrenOf, endsWithin, noProc } from '../../support/processes.ts';
import {
  type Bench,
  makeBench,
  makeFreeMemory,
  OWNER,
  pixelsOf,
  quiet,
  readResult,
  shapeOf,
  submit,
  until,
  untilState,
} from './quick-jobs.ts';

let bench: Bench;
let jobs: Jobs;
beforeEach(async () => {
  bench = makeBench();
  jobs = await bench.open();
});
afterEach(async () => {
  await jobs.close();
  assert.deepEqual(noProc() ? [] : childrenOf(process.pid), [], 'no worker stays behind');
  bench.remove();
});

/** Slow enough to be caught in a phase. */
const SLOW = { pause: 40 };

/** The pixels of a slow job that nobody interrupted. */
let undisturbed: Uint8Array;
before(async () => {
  const own = makeBench();
  const itsJobs = await own.open();
  const id = await submit(itsJobs, SLOW);
  await untilState(itsJobs, id, 'done');
  undisturbed = await readResult(itsJobs, id);
  await itsJobs.close();
  own.remove();
});

async function assertUndisturbed(id: string, computed: readonly Phase[]): Promise<void> {
  const { result } = await untilState(jobs, id, 'done');
  assert.deepEqual(await readResult(jobs, id), undisturbed);
  assert.match(String(result?.notes), new RegExp(`computed ${computed}$`));
}

const inPhase = (phase: Phase) => (info: JobInfo) => info.progress?.phase === phase;

async function killWorker(signal: NodeJS.Signals): Promise<void> {
  const [worker, ...others] = childrenOf(process.pid);
  assert.deepEqual(others, [], 'one worker at a time');
  process.kill(worker, signal);
  assert.ok(await endsWithin(worker, 1000));
}

for (const [i, phase] of PHASES.entries()) {
  const rest = PHASES.slice(i);

  test(`a worker killed in phase ${phase} is followed by one that goes on from there`, { skip: noProc() }, async () => {
    const id = await submit(jobs, SLOW);
    await until(jobs, id, inPhase(phase));
    await killWorker('SIGKILL');
    await assertUndisturbed(id, rest);
  });

  test(`a helper that ends in phase ${phase} leaves a job that the next one goes on with`, async () => {
    const id = await submit(jobs, SLOW);
    await until(jobs, id, inPhase(phase));
    const asked = performance.now();
    await jobs.close();
    assert.ok(performance.now() - asked < 1000);
    jobs = await bench.open();
    await assertUndisturbed(id, rest);
  });

  test(`a helper killed in phase ${phase} takes its worker along, and the next one goes on`, {
    skip: noProc(),
  }, async () => {
    await jobs.close();
    const program = fileURLToPath(new URL('./quick-helper.js', import.meta.url));
    const helper = spawn(process.execPath, [program, bench.folder, JSON.stringify(SLOW)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let id = '';
    for await (const line of createInterface(helper.stdout)) {
      id = line.split(' ')[0];
      if (line.endsWith(` ${phase}`)) break;
    }
    const [worker] = childrenOf(helper.pid!);
    helper.kill('SIGKILL');
    assert.ok(await endsWithin(worker, 2000), 'the worker is gone');
    jobs = await bench.open();
    await assertUndisturbed(id, rest);
  });
}

test('a signal for the whole group (a service manager, a terminal that closes) costs the job nothing, and no worker follows', {
  skip: noProc(),
}, async () => {
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    const id = await submit(jobs, SLOW);
    await until(jobs, id, inPhase('kernel'));
    jobs.startNoMore();
    await killWorker(signal);
    await until(jobs, id, ({ state }) => state === 'queued');
    assert.deepEqual(childrenOf(process.pid), []);
    await jobs.close();
    jobs = await bench.open();
    await assertUndisturbed(id, PHASES.slice(1));
  }
});

test('Ctrl+C, which reaches the worker too, does not end it: the helper does', { skip: noProc() }, async () => {
  const id = await submit(jobs, SLOW);
  await until(jobs, id, inPhase('kernel'));
  const [worker] = childrenOf(process.pid);
  process.kill(worker, 'SIGINT');
  await until(jobs, id, inPhase('image'));
  assert.deepEqual(childrenOf(process.pid), [worker]);
  await assertUndisturbed(id, PHASES);
});

test('a job whose worker is killed again and again is given up, and the next one runs', {
  skip: noProc(),
}, async () => {
  const id = await submit(jobs, { pause: 200 });
  const next = await submit(jobs);
  for (let i = 0; i < MOST_STARTS; i++) {
    await until(jobs, id, ({ state }) => state === 'running' && childrenOf(process.pid).length === 1);
    await killWorker('SIGKILL');
  }
  const { error } = await untilState(jobs, id, 'failed');
  assert.equal(error?.code, 'WORKER_DIED');
  assert.match(String(error?.sentence), /memory ran out/);
  await untilState(jobs, next, 'done');
});

test('results, failures and the order of the queue outlive the helper', async () => {
  const done = await submit(jobs);
  await untilState(jobs, done, 'done');
  const bytes = await readResult(jobs, done);
  const failed = await submit(jobs, { behaviour: 'fail' });
  await untilState(jobs, failed, 'failed');
  const waiting = [await submit(jobs, SLOW), await submit(jobs), await submit(jobs)];
  const before = jobs.list(OWNER);
  const unfinished = await jobs.create(OWNER, shapeOf(16), parseOptions({}));
  await unfinished.write(0, new Uint8Array(100));
  await jobs.close();

  jobs = await bench.open();
  const facts = ({ id, state, position, created, layer, options, error }: JobInfo) =>
    [id, state, position, created, layer, options, error] as const;
  assert.deepEqual(jobs.list(OWNER).map(facts), before.map(facts));
  assert.deepEqual(await readResult(jobs, done), bytes);
  const order: string[] = [];
  for (const id of waiting) jobs.subscribe(OWNER, id, ({ state }) => state === 'done' && order.push(id));
  await untilState(jobs, waiting[2], 'done');
  assert.deepEqual(order, waiting);
});

test('where memory is short when the next helper starts, a job keeps what was finished and waits', async (t) => {
  const id = await submit(jobs, SLOW);
  await until(jobs, id, inPhase('alpha'));
  await jobs.close();
  const memory = makeFreeMemory(t);
  memory(1e6);
  jobs = await bench.open({ lookAgainAfter: 20 });
  assert.equal(jobs.info(OWNER, id).shortage?.code, 'NOT_ENOUGH_MEMORY');
  memory();
  await assertUndisturbed(id, ['alpha']);
});

test('a damaged checkpoint costs time, not the job', async () => {
  const id = await submit(jobs, SLOW);
  await until(jobs, id, inPhase('image'));
  await jobs.close();
  const checkpoint = path.join(bench.folder, id, 'checkpoint');
  writeFileSync(checkpoint, 'not a checkpoint');
  jobs = await bench.open();
  await assertUndisturbed(id, PHASES);
});

test('a layer cut short on the disk fails its job in a sentence', async () => {
  const [first, second] = [await submit(jobs, SLOW), await submit(jobs)];
  await jobs.close();
  writeFileSync(path.join(bench.folder, second, 'input.raw'), 'short');
  jobs = await bench.open();
  assert.equal(jobs.info(OWNER, second).error?.code, 'SPOOL_UNAVAILABLE');
  await untilState(jobs, first, 'done');
});

/** A disk of its own, of a few megabytes; where that cannot be had, why. */
function smallDisk(): { folder: string; mount(...options: string[]): void } | string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can make a small disk';
  const folder = mkdtempSync(path.join(tmpdir(), 'kf-disk-'));
  const mount = (...options: string[]) => spawnSync('mount', ['-t', 'tmpfs', '-o', options.join(), 'kf', folder]);
  if (mount('size=24m').status !== 0) {
    rmSync(folder, { recursive: true });
    return 'no small disk can be mounted here';
  }
  return {
    folder,
    mount: (...options) => assert.equal(mount('remount', 'size=24m', ...options).status, 0),
  };
}

const disk = smallDisk();
after(() => {
  if (typeof disk === 'string') return;
  spawnSync('umount', [disk.folder]);
  rmSync(disk.folder, { recursive: true });
});

describe('on a disk of its own', { skip: typeof disk === 'string' && disk }, () => {
  const { folder, mount } = disk as Exclude<typeof disk, string>;
  const filler = () => path.join(folder, 'filler');
  /** Takes all room but some bytes. No job may be writing. */
  const fill = (left = 0) => {
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(filler(), new Uint8Array(Math.max(0, bavail * bsize - left)));
  };
  /** Steps so long that the worker is stopped between the writes at the ends of a phase. */
  const SLOWER = { pause: 200 };
  /** Does something to the disk while a job is in a phase and its worker stands still, however long it takes. */
  async function within(phase: Phase, id: string, act: () => void): Promise<void> {
    await until(jobs, id, inPhase(phase));
    const [worker] = childrenOf(process.pid);
    process.kill(worker, 'SIGSTOP');
    try {
      act();
    } finally {
      process.kill(worker, 'SIGCONT');
    }
  }

  beforeEach(async () => {
    await jobs.close();
    bench.remove();
    bench = makeBench(folder);
    jobs = await bench.open({ lookAgainAfter: 20 });
  });
  afterEach(() => rmSync(filler(), { force: true }));

  test('a disk that is full from the start takes no job', async () => {
    fill(1e6);
    const { refusal } = jobs.estimate(shapeOf(16), parseOptions({}));
    assert.equal(refusal?.code, 'SPOOL_FULL');
    await assert.rejects(submit(jobs), { code: 'SPOOL_FULL', message: refusal?.sentence });
    assert.deepEqual(readdirSync(bench.folder), []);
  });

  test('a disk that fills up while a layer comes ends the upload, and nothing of it stays', async () => {
    const shape = shapeOf(512);
    const pixels = pixelsOf(shape);
    const upload = await jobs.create(OWNER, shape, parseOptions({ scale: 1 }));
    await upload.write(0, pixels.subarray(0, 1000));
    fill();
    await assert.rejects(upload.write(1000, pixels.subarray(1000)), { code: 'SPOOL_FULL' });
    assert.deepEqual(jobs.list(OWNER), []);
    assert.deepEqual(readdirSync(bench.folder), []);
  });

  test('a disk that fills up while a job runs has it wait with all it has finished; a finished result stays', async () => {
    const done = await submit(jobs);
    await untilState(jobs, done, 'done');
    const bytes = await readResult(jobs, done);
    const id = await submit(jobs, { ...SLOWER, side: 256 });
    await within('image', id, fill);
    const { state } = await until(jobs, id, ({ shortage }) => shortage?.code === 'SPOOL_FULL');
    assert.equal(state, 'queued');
    assert.deepEqual(await readResult(jobs, done), bytes);
    const kept = readdirSync(path.join(bench.folder, id));
    for (const name of ['checkpoint', 'input.raw']) assert.ok(kept.includes(name), name);

    rmSync(filler());
    const { result } = await untilState(jobs, id, 'done');
    assert.match(String(result?.notes), /computed (image,)?alpha$/);
    await untilState(jobs, await submit(jobs), 'done');
  });

  test('a job outlives a checkpoint that finds no room', async () => {
    const side = 256;
    const id = await submit(jobs, { ...SLOWER, side, options: { scale: 4 } });
    await within('prior', id, () => fill(4 * (4 * side) ** 2 + 200_000)); // Room for the result, not for three floats a pixel of it.
    const { result } = await untilState(jobs, id, 'done');
    assert.equal((await readResult(jobs, id)).length, result?.bytes);
  });

  test('a read-only disk gives out results, and answers everything else in a code', async () => {
    const done = await submit(jobs);
    await untilState(jobs, done, 'done');
    const bytes = await readResult(jobs, done);
    const running = await submit(jobs, SLOWER);
    await within('kernel', running, () => mount('ro'));
    try {
      const unusable = { code: 'SPOOL_UNAVAILABLE' };
      assert.equal((await untilState(jobs, running, 'failed')).error?.code, 'SPOOL_UNAVAILABLE');
      await assert.rejects(submit(jobs), unusable);
      await assert.rejects(jobs.forget(OWNER, done), unusable);
      await jobs.close();
      jobs = await openJobs({ folder: bench.folder, log: quiet });
      assert.deepEqual(await readResult(jobs, done), bytes);
    } finally {
      mount('rw');
    }
    await jobs.forget(OWNER, done);
    assert.throws(() => jobs.info(OWNER, done), { code: 'NO_SUCH_JOB' });
  });
});

test('the method itself goes on from a real checkpoint to the bytes of the run that was not interrupted', async () => {
  await jobs.close();
  jobs = await openJobs({ folder: bench.folder, log: quiet });
  const shape = shapeOf(16);
  const pixels = Uint8Array.from({ length: 1024 }, (_, i) => {
    const [x, y, c] = [(i >> 2) % 16, i >> 6, i % 4];
    return c === 3 ? 255 : 120 + 80 * Math.sin(x * (1 + c / 9)) * Math.cos(0.8 * y) + ((x * y) % 7);
  });
  const upload = await jobs.create(OWNER, shape, parseOptions({ kernelSide: 6, preset: 'fast' }));
  await upload.write(0, pixels);
  await upload.finish();
  await until(jobs, upload.id, inPhase('image'));
  const copy = upload.id.replace(/./, (first) => (first === 'a' ? 'b' : 'a'));
  cpSync(path.join(bench.folder, upload.id), path.join(bench.folder, copy), { recursive: true });
  const { result } = await untilState(jobs, upload.id, 'done');

  await jobs.close();
  jobs = await openJobs({ folder: bench.folder, log: quiet });
  const resumed = await untilState(jobs, copy, 'done');
  assert.deepEqual(await readResult(jobs, copy), await readResult(jobs, upload.id));
  const { timings, ...facts } = resumed.result!;
  assert.deepEqual({ ...facts, timings: result?.timings }, result);
  assert.deepEqual([timings.prior, timings.kernel], [0, 0]);
});
