/**
 * The queue with real worker processes and a real spool, and a method that is quick.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { PHASES } from '../../../helper/kernelfusion/method.ts';
import { useGiven } from '../../../helper/kernelfusion/methods/layer-work.ts';
import type { JobInfo, Jobs } from '../../../helper/server/jobs.ts';
import { bicubicKernel, makeKernel } from '../../../shared/kernel.ts';
import { parseOptions } from '../../../shared/options.ts';
import { JOB_ID } from '../../../shared/protocol/fields.ts';
import {
  type Bench,
  makeBench,
  makeFreeMemory,
  OWNER,
  pixelsOf,
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
  bench.remove();
});

const OTHER = 'chrome-extension://other';
const filesOf = (id: string) => readdirSync(path.join(bench.folder, id)).sort();

/** Closes the helper and opens another on the same spool. */
async function reopen(): Promise<void> {
  await jobs.close();
  jobs = await bench.open();
}

test('jobs are told which device to compute on, and what they note on the way is told with their progress', async () => {
  await jobs.close();
  jobs = await bench.open({ device: 'onnx-webgpu' });
  const id = await submit(jobs, { pause: 5 });
  const { progress } = await until(jobs, id, (info) => info.progress?.note !== undefined);
  assert.equal(progress?.note, 'This was to be computed on onnx-webgpu.');
  await untilState(jobs, id, 'done');
});

test('a job goes from its upload to its result, and tells its progress on the way', async () => {
  const shape = shapeOf(16);
  const kernel = makeKernel(4, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17]);
  const options = parseOptions({ seed: 5 });
  const upload = await jobs.create(OWNER, shape, options, kernel);
  assert.match(upload.id, JOB_ID);
  assert.equal(jobs.info(OWNER, upload.id).state, 'uploading');
  const heard: JobInfo[] = [];
  jobs.subscribe(OWNER, upload.id, (info) => heard.push(info));
  await upload.write(0, pixelsOf(shape));
  await upload.finish();
  const { result, progress } = await untilState(jobs, upload.id, 'done');

  assert.equal(progress, undefined);
  assert.deepEqual([result?.layer, result?.bytes], [shapeOf(32), 4 * 32 * 32]);
  assert.deepEqual(result?.kernel, kernel);
  assert.deepEqual([result?.kernelSource, result?.confidence], ['given', null]);
  assert.deepEqual([result?.seed, result?.lrConsistency], [5, 50]);
  assert.match(String(result?.notes), /computed prior,kernel,image,alpha/);
  assert.equal(result?.versions.node, process.versions.node);
  assert.equal((await readResult(jobs, upload.id)).length, 4096);

  const running = heard.filter(({ state }) => state === 'running');
  const fractions = running.flatMap((info) => info.progress?.fraction ?? []);
  assert.deepEqual(fractions, [...fractions].sort());
  assert.equal(fractions.length, 16);
  assert.equal(fractions.at(-1), 1);
  assert.deepEqual([...new Set(running.flatMap((info) => info.progress?.phase ?? []))], [...PHASES]);
  const last = running.at(-1)?.progress;
  assert.deepEqual([last?.preview?.width, last?.preview?.rgba.length], [32, 4096], 'the preview stays');
  assert.deepEqual(last?.kernel, kernel, 'so does the kernel');
});

test('the largest kernel that can be given ends as a result at every scale, and can be given again', async () => {
  for (const scale of [1, 2, 3, 4] as const) {
    const options = parseOptions({ scale });
    const given = makeKernel(64, scale, new Float64Array(64 ** 2).fill(1));
    const { kernel } = useGiven(given, options);
    const upload = await jobs.create(OWNER, shapeOf(16), options, kernel);
    await upload.write(0, pixelsOf(shapeOf(16)));
    await upload.finish();
    const { result } = await untilState(jobs, upload.id, 'done');
    assert.deepEqual(result?.kernel, kernel);
    assert.deepEqual(useGiven(kernel, options).kernel, kernel);
  }
});

test('a kernel of another scale than the job is refused before its pixels are sent', async () => {
  const started = jobs.create(OWNER, shapeOf(16), parseOptions({ scale: 2 }), bicubicKernel(3));
  await assert.rejects(started, { code: 'BAD_KERNEL' });
});

test('the confidence in a kernel is kept with its result; one of an earlier helper, which kept none, is read all the same', async () => {
  const id = await submit(jobs);
  assert.equal((await untilState(jobs, id, 'done')).result?.confidence, 0.75);
  await reopen();
  assert.equal(jobs.info(OWNER, id).result?.confidence, 0.75);
  await jobs.close();
  const file = path.join(bench.folder, id, 'result.json');
  const { confidence: _, ...earlier } = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify(earlier));
  jobs = await bench.open();
  assert.equal(jobs.info(OWNER, id).result?.confidence, null);
});

test('only files that are still needed are kept, and nobody else can read them', async () => {
  const id = await submit(jobs);
  await untilState(jobs, id, 'done');
  while (filesOf(id).includes('input.raw')) await wait(10);
  assert.deepEqual(filesOf(id), ['job.json', 'result.json', 'result.raw']);
  if (process.platform === 'win32') return;
  const mode = (...names: string[]) => (statSync(path.join(bench.folder, ...names)).mode & 0o777).toString(8);
  assert.deepEqual([mode(), mode(id)], ['700', '700']);
  for (const name of filesOf(id)) assert.equal(mode(id, name), '600', name);
});

test('one job runs at a time, the others know how many are before them, and each takes its turn', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await submit(jobs, { pause: 20 }));
  const position = (id: string) => jobs.info(OWNER, id).position;
  assert.deepEqual(ids.map(position), [0, 1, 2]);
  assert.deepEqual(
    jobs.list(OWNER).map(({ id, state }) => [id, state]),
    [
      [ids[0], 'running'],
      [ids[1], 'queued'],
      [ids[2], 'queued'],
    ],
  );
  const heard: string[] = [];
  ids.forEach((id, i) => {
    jobs.subscribe(OWNER, id, ({ state, position }) => heard.push(`${i} ${state} ${position}`));
  });
  await untilState(jobs, ids[2], 'done');
  assert.deepEqual(
    [...new Set(heard)],
    [...['0 running 0', '0 done 0', '1 running 0', '2 queued 1', '1 done 0', '2 running 0', '2 done 0']],
  );
});

test('the same layer, options and seed give the same bytes, another seed others', async () => {
  const results: string[] = [];
  for (const seed of [1, 1, 2]) {
    const id = await submit(jobs, { options: { seed } });
    await untilState(jobs, id, 'done');
    results.push(Buffer.from(await readResult(jobs, id)).toString('hex'));
  }
  assert.equal(results[0], results[1]);
  assert.notEqual(results[0], results[2]);
});

test('a job of somebody else is no job, for every question', async () => {
  const id = await submit(jobs);
  await untilState(jobs, id, 'done');
  const none = { code: 'NO_SUCH_JOB' };
  for (const [owner, name] of [
    [OTHER, id],
    [OWNER, id.replace(/./, (first) => (first === 'a' ? 'b' : 'a'))],
    [OWNER, '../../../etc/passwd'],
    [OWNER, '__proto__'],
  ]) {
    assert.throws(() => jobs.info(owner, name), none);
    assert.throws(() => jobs.subscribe(owner, name, () => {}), none);
    assert.throws(() => jobs.cancel(owner, name), none);
    await assert.rejects(jobs.forget(owner, name), none);
    await assert.rejects(jobs.openResult(owner, name), none);
  }
  assert.deepEqual(jobs.list(OTHER), []);
  assert.equal(jobs.info(OWNER, id).state, 'done');
});

test('a result can be read in any pieces, and not beyond its ends; before the end there is none', async () => {
  const id = await submit(jobs, { pause: 30 });
  await assert.rejects(jobs.openResult(OWNER, id), { code: 'JOB_NOT_DONE' });
  await untilState(jobs, id, 'done');
  const whole = await readResult(jobs, id);
  const reader = await jobs.openResult(OWNER, id);
  assert.deepEqual(await reader.read(1000, 24), whole.slice(1000, 1024));
  assert.deepEqual(await reader.read(4096, 0), new Uint8Array(0));
  for (const [offset, length] of [
    [-1, 2],
    [4090, 7],
    [0.5, 1],
    [0, Number.NaN],
    [2 ** 53, 1],
  ]) {
    await assert.rejects(reader.read(offset, length), RangeError);
  }
  await reader.close();
});

test('a result that is being read stays readable when its job is forgotten, and nothing is left on the disk', async () => {
  const id = await submit(jobs);
  await untilState(jobs, id, 'done');
  const whole = await readResult(jobs, id);
  const reader = await jobs.openResult(OWNER, id);
  let told = 0;
  jobs.subscribe(OWNER, id, () => {
    told++;
    assert.throws(() => jobs.info(OWNER, id), { code: 'NO_SUCH_JOB' });
  });
  await jobs.forget(OWNER, id);
  assert.equal(told, 1);
  assert.deepEqual(readdirSync(bench.folder), []);
  assert.deepEqual(await reader.read(0, 4096), whole);
  await reader.close();
});

for (const phase of PHASES) {
  test(`a job is cancelled within a second in phase ${phase}, though its process listens to nothing`, async () => {
    const id = await submit(jobs, { behaviour: 'hang', phase, side: 64 });
    const next = await submit(jobs);
    const at = PHASES.indexOf(phase) / PHASES.length;
    await until(
      jobs,
      id,
      ({ state, progress }) =>
        (state === 'running' && (progress?.fraction ?? 0) === at) || (phase === 'prior' && state === 'running'),
    );
    const asked = performance.now();
    await jobs.cancel(OWNER, id);
    assert.ok(performance.now() - asked < 1000);
    assert.equal(jobs.info(OWNER, id).state, 'cancelled');
    assert.deepEqual(filesOf(id), ['end.json', 'job.json'], 'no pixel is kept');
    await untilState(jobs, next, 'done');
    await jobs.cancel(OWNER, id);
    await reopen();
    assert.equal(jobs.info(OWNER, id).state, 'cancelled');
  });
}

test('a job that waits is cancelled or forgotten without a trace of work, and the others move up', async () => {
  const [running, cancelled, forgotten, last] = [
    await submit(jobs, { pause: 50 }),
    await submit(jobs),
    await submit(jobs),
    await submit(jobs),
  ];
  assert.equal(jobs.info(OWNER, last).position, 3);
  await jobs.cancel(OWNER, cancelled);
  assert.equal(jobs.info(OWNER, last).position, 2);
  await jobs.forget(OWNER, forgotten);
  assert.equal(jobs.info(OWNER, last).position, 1);
  assert.equal(jobs.info(OWNER, cancelled).progress, undefined);
  assert.equal(existsSync(path.join(bench.folder, forgotten)), false);
  await jobs.forget(OWNER, running);
  assert.throws(() => jobs.info(OWNER, running), { code: 'NO_SUCH_JOB' });
  await untilState(jobs, last, 'done');
});

for (const [behaviour, code, words] of [
  ['fail', 'ENGINE_FAILED', /^The engine is out of order\.$/],
  ['exit', 'WORKER_DIED', /exit code 3/],
  ['abort', 'WORKER_DIED', /SIGABRT|exit code/],
] as const) {
  test(`a worker that ends by "${behaviour}" fails its job alone, in a sentence`, async () => {
    const id = await submit(jobs, { behaviour, phase: 'kernel' });
    const next = await submit(jobs);
    const { error } = await untilState(jobs, id, 'failed');
    assert.equal(error?.code, code);
    assert.match(String(error?.sentence), words);
    assert.doesNotMatch(String(error?.sentence), /\//);
    await untilState(jobs, next, 'done');
    assert.deepEqual(filesOf(id), ['end.json', 'job.json']);
    await reopen();
    assert.deepEqual(jobs.info(OWNER, id).error, error);
  });
}

test('a layer that is too small, too large or none is refused before anything is made of it', async () => {
  const options = parseOptions({ scale: 4 });
  const cases = [
    [15, 100, 'INPUT_TOO_SMALL'],
    [0, 100, 'INPUT_TOO_SMALL'],
    [-16, 100, 'INPUT_TOO_SMALL'],
    [Number.NaN, 100, 'INPUT_TOO_SMALL'],
    [16.5, 100, 'INPUT_TOO_SMALL'],
    [2 ** 31, 2 ** 31, 'INPUT_TOO_LARGE'],
    [2 ** 53, 2 ** 53, 'INPUT_TOO_LARGE'],
    [Number.POSITIVE_INFINITY, 16, 'INPUT_TOO_SMALL'],
    [4097, 4096, 'INPUT_TOO_LARGE'],
    [2049, 2048, 'INPUT_TOO_LARGE'],
  ] as const;
  for (const [width, height, code] of cases) {
    const shape = { width, height, channels: 4, depth: 8 } as const;
    assert.throws(() => jobs.estimate(shape, options), { code }, `${width} x ${height}`);
    await assert.rejects(jobs.create(OWNER, shape, options), { code }, `${width} x ${height}`);
  }
  assert.deepEqual(readdirSync(bench.folder), []);
});

test('an upload is exactly the bytes that were declared, in order; of any other nothing stays', async () => {
  const shape = shapeOf(16);
  const begin = () => jobs.create(OWNER, shape, parseOptions({}));
  const pixels = pixelsOf(shape);
  const wrong: [string, (upload: Awaited<ReturnType<typeof begin>>) => Promise<void>][] = [
    ['too few', (upload) => upload.write(0, pixels.subarray(1)).then(() => upload.finish())],
    ['none', (upload) => upload.finish()],
    ['too many', (upload) => upload.write(0, pixels).then(() => upload.write(1024, pixels.subarray(0, 1)))],
    ['a gap', (upload) => upload.write(1, pixels.subarray(1))],
    ['twice the same', (upload) => upload.write(0, pixels.subarray(0, 9)).then(() => upload.write(0, pixels))],
  ];
  for (const [name, send] of wrong) {
    const upload = await begin();
    await assert.rejects(send(upload), { code: 'BAD_UPLOAD' }, name);
    assert.throws(() => jobs.info(OWNER, upload.id), { code: 'NO_SUCH_JOB' }, name);
    await assert.rejects(upload.write(0, pixels), { code: 'BAD_UPLOAD' });
    await assert.rejects(upload.finish(), { code: 'BAD_UPLOAD' });
    await upload.abandon();
  }
  assert.deepEqual(readdirSync(bench.folder), []);
});

test('an upload that is abandoned, cancelled or forgotten, even in the middle of a write, is gone', async () => {
  const shape = shapeOf(1024);
  const pixels = pixelsOf(shape);
  const ends = [(id: string) => jobs.cancel(OWNER, id), (id: string) => jobs.forget(OWNER, id).catch(() => {})];
  for (const end of ends) {
    const upload = await jobs.create(OWNER, shape, parseOptions({}));
    const writing = upload.write(0, pixels).catch(() => {});
    await end(upload.id);
    await writing;
    assert.deepEqual(jobs.list(OWNER), []);
  }
  const upload = await jobs.create(OWNER, shape, parseOptions({}));
  await Promise.all([upload.abandon(), upload.abandon()]);
  assert.deepEqual(readdirSync(bench.folder), []);
});

test('abandoning a finished upload does nothing to its job', async () => {
  const shape = shapeOf(16);
  const upload = await jobs.create(OWNER, shape, parseOptions({}));
  await upload.write(0, pixelsOf(shape));
  await upload.finish();
  await upload.abandon();
  await untilState(jobs, upload.id, 'done');
});

test('an estimate grows with the layer and the scale, and says what would be refused', async () => {
  const at = (side: number, scale: number) => jobs.estimate(shapeOf(side), parseOptions({ scale }));
  const [small, large, larger] = [at(64, 2), at(1024, 2), at(1024, 4)];
  for (const quantity of ['seconds', 'memory', 'disk'] as const) {
    assert.ok(small[quantity] < large[quantity] && large[quantity] < larger[quantity], quantity);
  }
  assert.ok(small.seconds > 1 && small.seconds < 1000);
  // A kernel that is known need not be searched.
  assert.ok(jobs.estimate(shapeOf(64), parseOptions({ scale: 2 }), 14).seconds < small.seconds);
  // Layer, result, and a checkpoint of three floats a pixel of it.
  assert.ok(large.disk > 4 * 512 ** 2 + 4 * 1024 ** 2 + 12 * 1024 ** 2);
  assert.equal(small.refusal, null);
});

test('a job that has ended tells the speed of its kind: with nets, or without', async () => {
  const seconds = (preset: 'fast' | 'balanced') => jobs.estimate(shapeOf(64), parseOptions({ preset })).seconds;
  const before = [seconds('fast'), seconds('balanced')];
  const upload = await jobs.create(OWNER, shapeOf(16), parseOptions({ preset: 'fast' }));
  await upload.write(0, pixelsOf(shapeOf(16)));
  await upload.finish();
  await untilState(jobs, upload.id, 'done');
  assert.notEqual(seconds('fast'), before[0]);
  assert.equal(seconds('balanced'), before[1]);
  await submit(jobs, {}).then((id) => untilState(jobs, id, 'done'));
  assert.notEqual(seconds('balanced'), before[1]);
});

test('jobs are bounded in number and in bytes, and there is room again when finished ones are forgotten', async () => {
  const { disk } = jobs.estimate(shapeOf(16), parseOptions({}));
  await jobs.close();
  jobs = await bench.open({ mostBytes: 2.5 * disk });
  const begin = () => jobs.create(OWNER, shapeOf(16), parseOptions({}));
  const [first] = [await begin(), await begin()];
  await assert.rejects(begin(), { code: 'SPOOL_FULL' });
  assert.equal(jobs.estimate(shapeOf(16), parseOptions({})).refusal?.code, 'SPOOL_FULL');
  await first.abandon();
  await begin();

  await reopen();
  for (let i = 0; i < 32; i++) await begin();
  await assert.rejects(begin(), { code: 'TOO_MANY_JOBS' });
});

test('a job for which memory has become short waits, says so and lets others pass; it runs when there is enough', async (t) => {
  await jobs.close();
  jobs = await bench.open({ lookAgainAfter: 20 });
  const memory = makeFreeMemory(t);
  const memoryOf = (side: number) => jobs.estimate(shapeOf(side), parseOptions({})).memory;
  const first = await submit(jobs, { pause: 20 });
  const large = await submit(jobs, { side: 256 });
  const small = await submit(jobs);
  memory((memoryOf(16) + memoryOf(256)) / 2);
  await untilState(jobs, small, 'done');
  assert.equal(jobs.info(OWNER, first).state, 'done');
  const waits = await until(jobs, large, ({ position }) => position === 0);
  assert.deepEqual([waits.state, waits.shortage?.code], ['queued', 'NOT_ENOUGH_MEMORY']);
  memory();
  assert.equal((await untilState(jobs, large, 'running')).shortage, undefined);
  await untilState(jobs, large, 'done');
});

test('a job that waits for memory can be cancelled, and after a time it fails, with its files', async (t) => {
  await jobs.close();
  jobs = await bench.open({ keepFor: 1000 });
  const memory = makeFreeMemory(t);
  await submit(jobs, { pause: 20 });
  const [cancelled, failed] = [await submit(jobs), await submit(jobs)];
  memory(1e6);
  for (const id of [cancelled, failed]) await until(jobs, id, ({ shortage }) => shortage !== undefined);
  await jobs.cancel(OWNER, cancelled);
  assert.equal(jobs.info(OWNER, cancelled).state, 'cancelled');
  assert.deepEqual(filesOf(cancelled), ['end.json', 'job.json']);
  const { error } = await untilState(jobs, failed, 'failed');
  assert.equal(error?.code, 'NOT_ENOUGH_MEMORY');
  assert.deepEqual(filesOf(failed), ['end.json', 'job.json']);
});

test('a job whose files never find room, though there seems to be some, is given up after a few starts', async () => {
  await jobs.close();
  jobs = await bench.open({ lookAgainAfter: 20 });
  const id = await submit(jobs, { behaviour: 'full', phase: 'image' });
  const next = await submit(jobs);
  await until(jobs, id, ({ shortage }) => shortage?.code === 'SPOOL_FULL');
  assert.deepEqual(filesOf(id), ['checkpoint', 'input.raw', 'job.json']);
  await untilState(jobs, next, 'done');
  assert.equal((await untilState(jobs, id, 'failed')).error?.sentence, 'Nothing more can be written.');
});

test('an ended job expires, with its files', async () => {
  await jobs.close();
  jobs = await bench.open({ keepFor: 300 });
  const id = await submit(jobs);
  await untilState(jobs, id, 'done');
  const gone = new Promise<void>((resolve) => jobs.subscribe(OWNER, id, () => resolve()));
  await gone;
  assert.deepEqual(jobs.list(OWNER), []);
  assert.deepEqual(readdirSync(bench.folder), []);
});

test('a job that expired while no helper ran is gone when the next one starts; a clock set back keeps it', async () => {
  const id = await submit(jobs);
  await untilState(jobs, id, 'done');
  await jobs.close();
  const result = path.join(bench.folder, id, 'result.json');
  utimesSync(result, new Date(Date.now() + 10 * 86_400_000), new Date(Date.now() + 10 * 86_400_000));
  jobs = await bench.open();
  assert.equal(jobs.info(OWNER, id).state, 'done');
  await jobs.close();
  utimesSync(result, new Date(Date.now() - 86_400_000), new Date(Date.now() - 86_400_000));
  jobs = await bench.open();
  const gone = new Promise<void>((resolve) => jobs.subscribe(OWNER, id, () => resolve()));
  await gone;
  assert.deepEqual(readdirSync(bench.folder), []);
});

test('many cancelled jobs do not pile up, nor keep others out', async () => {
  for (let i = 0; i < 34; i++) await jobs.cancel(OWNER, await submit(jobs, { pause: 250 }));
  assert.equal(jobs.list(OWNER).length, 32);
  await untilState(jobs, await submit(jobs), 'done');
});

test('remains of uploads, damaged jobs and foreign files are told apart when a helper starts', async () => {
  const done = await submit(jobs);
  await untilState(jobs, done, 'done');
  const damaged = [await submit(jobs), await submit(jobs), await submit(jobs)];
  for (const id of damaged) await untilState(jobs, id, 'done');
  await jobs.close();
  const at = (...names: string[]) => path.join(bench.folder, ...names);
  writeFileSync(at(damaged[0], 'result.raw'), 'short');
  writeFileSync(at(damaged[1], 'result.json'), '{"layer":');
  writeFileSync(at(damaged[2], 'job.json'), '{"owner":"x","__proto__":{}}');
  const upload = 'u'.repeat(26);
  mkdirSync(at(upload));
  writeFileSync(at(upload, 'input.raw'), 'pixels');
  writeFileSync(at('notes.txt'), 'not ours');
  writeFileSync(at(done, '.kernelfusion-0123456789ab.tmp'), 'half a file');

  jobs = await bench.open();
  const states = jobs.list(OWNER).map(({ id, state, error }) => [id, state, error?.code]);
  assert.deepEqual(
    new Set(states.map(String)),
    new Set([`${done},done,`, `${damaged[0]},failed,SPOOL_UNAVAILABLE`, `${damaged[1]},failed,SPOOL_UNAVAILABLE`]),
  );
  assert.deepEqual(readdirSync(bench.folder).sort(), [done, damaged[0], damaged[1], 'notes.txt'].sort());
  assert.deepEqual(filesOf(done), ['job.json', 'result.json', 'result.raw']);
  for (const { id } of jobs.list(OWNER)) await jobs.forget(OWNER, id);
  assert.deepEqual(readdirSync(bench.folder), ['notes.txt']);
});

test('a spool that somebody emptied has no results, and takes new jobs', async () => {
  const id = await submit(jobs);
  await untilState(jobs, id, 'done');
  rmSync(path.join(bench.folder, id), { recursive: true });
  await assert.rejects(jobs.openResult(OWNER, id), { code: 'NO_SUCH_JOB' });
  assert.deepEqual(jobs.list(OWNER), []);
  await untilState(jobs, await submit(jobs), 'done');
});

test('a spool open to others is closed to them', {
  skip: process.platform === 'win32' && 'Windows has other rights',
}, async () => {
  await jobs.close();
  chmodSync(bench.folder, 0o755);
  jobs = await bench.open();
  assert.equal(statSync(bench.folder).mode & 0o777, 0o700);
});

test('a kernel is kept bit for bit while its job waits for another helper', async () => {
  await submit(jobs, { pause: 100 });
  const kernel = { ...bicubicKernel(2), data: bicubicKernel(2).data.map((v) => v * (1 + 1e-15)) };
  const id = await submit(jobs, { kernel });
  assert.deepEqual(JSON.parse(readFileSync(path.join(bench.folder, id, 'job.json'), 'utf8')).owner, OWNER);
  await reopen();
  assert.deepEqual((await untilState(jobs, id, 'done')).result?.kernel, kernel);
});
