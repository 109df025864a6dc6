/**
 * A connection from hello to close, over a real socket, with jobs in memory.
 */
import assert from 'node:assert/strict';
import { createHmac, randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { answerHello } from '../../../helper/server/hello.ts';
import type { JobProgress } from '../../../helper/server/jobs.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { bicubicKernel } from '../../../shared/kernel.ts';
import { CLOSE_CODES } from '../../../shared/protocol/close-codes.ts';
import { decodePreview, encodeFrame } from '../../../shared/protocol/frames.ts';
import { CHUNK, MOST_REQUESTS } from '../../../shared/protocol/limits.ts';
import { proofText } from '../../../shared/protocol/proof.ts';
import { HELPER_KEY, hello, ORIGIN, shape, startLoopback } from './loopback.ts';

const STRANGER = 'moz-extension://11111111-2222-4333-8444-555555555555';
const NOBODY = 'zzzzzzzzzzzzzzzzzzzzzzzzzz';

const small = shape(8, 6);
const smallPixels = Uint8Array.from({ length: 8 * 6 * 4 }, (_, i) => i);
const running = (part: Partial<JobProgress> = {}): JobProgress => ({
  phase: 'prior',
  fraction: 0.25,
  etaSeconds: 9,
  ...part,
});
const preview = (width: number, height: number) => ({
  width,
  height,
  rgba: Uint8Array.from({ length: width * height * 4 }, (_, i) => i % 251),
});

test('the helper proves that it has the key of the pairing, for this nonce and this port', async (t) => {
  const loopback = await startLoopback(t);
  const client = await loopback.open();
  const greeting = hello();
  client.say(greeting);
  const { proof, protocol, helper } = await client.hear('welcome');
  const text = proofText((greeting as { nonce: string }).nonce, loopback.port);
  assert.equal(proof, createHmac('sha256', HELPER_KEY).update(text).digest('base64url'));
  assert.equal(protocol, 1);
  assert.match(helper, /^kernelfusion \d/);
});

test('where versions differ, the helper says which side to update, and closes', async (t) => {
  const loopback = await startLoopback(t);
  const newer = await loopback.open();
  newer.say({ ...hello(2), comes: 'later' });
  const forHelper = await newer.hear('error');
  assert.equal(forHelper.code, 'HELPER_OUTDATED');
  assert.match(forHelper.sentence, /update the helper/);
  assert.equal(await newer.closed, CLOSE_CODES.OUTDATED);

  const older = { ...hello(), protocol: 0 } as Parameters<typeof answerHello>[0];
  assert.throws(() => answerHello(older, { origin: ORIGIN, port: 1, helperKey: HELPER_KEY }), {
    code: 'PANEL_OUTDATED',
    message: /update the browser extension/,
  });
});

test('who does not say hello in time is asked to leave', async (t) => {
  const loopback = await startLoopback(t, { hello: 30 });
  const client = await loopback.open();
  assert.equal((await client.hear('error')).code, 'NO_HELLO');
  assert.equal(await client.closed, CLOSE_CODES.NO_HELLO);
});

test('nothing but a hello is heard first, and no hello or pairing later', async (t) => {
  const loopback = await startLoopback(t);
  const frame = encodeFrame({ type: 'layer', job: NOBODY, sequence: 0, offset: 0, payload: Uint8Array.of(1) });
  for (const first of [{ type: 'list', request: 1 }, { type: 'ping' }, { type: 'pair', code: '123456' }, frame]) {
    const client = await loopback.open();
    if (first === frame) client.socket.send(frame);
    else client.say(first);
    assert.equal((await client.hear('error')).code, 'BAD_MESSAGE');
    assert.equal(await client.closed, CLOSE_CODES.BAD_MESSAGE);
  }
  for (const late of [hello(), { type: 'pair', code: '123456' }]) {
    const client = await loopback.connect();
    client.say(late);
    assert.equal((await client.hear('error')).code, 'BAD_MESSAGE');
    assert.equal(await client.closed, CLOSE_CODES.BAD_MESSAGE);
  }
});

test('what is no part of the protocol ends the connection with a coded error, and no other connection', async (t) => {
  const loopback = await startLoopback(t);
  const other = await loopback.connect();
  const garbage: (string | Uint8Array)[] = [
    '',
    'hello',
    '{"type":"list"',
    '{"type":"shutdown"}',
    '{"type":"list","request":1,"path":"/etc/passwd"}',
    `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
    new Uint8Array(0),
    new Uint8Array(300),
    Buffer.from(JSON.stringify({ type: 'list', request: 1 })),
    encodeFrame({ type: 'result', job: NOBODY, sequence: 0, offset: 0, payload: Uint8Array.of(1) }),
  ];
  for (const bytes of garbage) {
    const client = await loopback.connect();
    client.socket.send(bytes);
    const { code, sentence, request } = await client.hear('error');
    assert.deepEqual([code, request], ['BAD_MESSAGE', undefined]);
    assert.doesNotMatch(sentence, /passwd|at .*\.[jt]s/);
    assert.equal(await client.closed, CLOSE_CODES.BAD_MESSAGE);
  }
  other.say({ type: 'ping' });
  await other.hear('pong');
});

test('a text that is not UTF-8 closes with 1007, a message too long with 1009', async (t) => {
  const loopback = await startLoopback(t);
  const wrong = await loopback.connect();
  wrong.socket.send(Buffer.from([0x22, 0xc3, 0x28, 0x22]), { binary: false });
  assert.equal(await wrong.closed, 1007);
  const long = await loopback.connect();
  long.socket.send(new Uint8Array(CHUNK + 49));
  assert.equal(await long.closed, 1009);
});

test('a whole job: the layer goes in, news come, the result comes out, and forgetting it ends it', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const layer = shape(1024, 640); // 2.5 frames
  const pixels = randomFillSync(new Uint8Array(1024 * 640 * 4));

  client.say({ type: 'estimate', request: 1, layer, options: { scale: 2 } });
  const bytes = pixels.length;
  const estimated = await client.hear('estimated');
  assert.deepEqual(estimated, {
    ...{ type: 'estimated', request: 1, seconds: 3, memory: bytes * 10, disk: bytes * 5, refusal: null },
  });

  const kernel = { size: 2, scale: 2, data: [0.1, 0.2, 0.3, 0.4] };
  client.say({ type: 'start', request: 2, layer, options: { seed: 5 }, kernel });
  const { job } = await client.hear('started');
  client.send(job, pixels);
  client.say({ type: 'uploaded', request: 3, job });
  assert.deepEqual(await client.hear('received'), { type: 'received', job, bytes });
  const queued = await client.hear('job');
  assert.deepEqual(queued, {
    type: 'job',
    request: 3,
    job: {
      ...{ id: job, state: 'queued', position: 1, layer, created: 1 },
      options: { scale: 2, preset: 'balanced', seed: 5, kernelSide: null, noise: null },
    },
  });
  assert.deepEqual(jobs.pixels(job), pixels);
  assert.deepEqual(jobs.kernel(job)?.data, Float64Array.from(kernel.data));

  jobs.run(job, running());
  const started = await client.hear('job');
  assert.deepEqual([started.job.state, started.job.position, started.request], ['running', 0, undefined]);
  const estimate = bicubicKernel(2);
  const picture = preview(3, 2);
  jobs.run(job, running({ phase: 'kernel', fraction: 0.5, kernel: estimate, preview: picture }));
  const told = await client.hear('kernel');
  assert.deepEqual(told, { type: 'kernel', job, kernel: { size: 8, scale: 2, data: Array.from(estimate.data) } });
  assert.deepEqual(decodePreview((await client.frame('preview')).payload), picture);
  assert.deepEqual(await client.hear('progress'), {
    ...{ type: 'progress', job, phase: 'kernel', fraction: 0.5, etaSeconds: 9 },
  });
  // What was shown is not shown again.
  jobs.run(job, running({ phase: 'kernel', fraction: 0.6, kernel: estimate, preview: picture }));
  await client.hear('progress');
  assert.deepEqual(client.heard, []);

  const result = randomFillSync(new Uint8Array(bytes));
  jobs.finish(job, result);
  const done = await client.hear('job');
  assert.deepEqual([done.job.state, done.job.result?.bytes, done.job.result?.confidence], ['done', bytes, 0.75]);
  assert.equal((await client.hear('kernel')).kernel.size, 8);

  client.say({ type: 'fetch', request: 4, job, offset: 0 });
  assert.deepEqual(await client.hear('sending'), { type: 'sending', request: 4, job, offset: 0, bytes });
  const received = new Uint8Array(bytes);
  for (let at = 0, sequence = 0; at < bytes; sequence++) {
    const frame = await client.frame('result');
    assert.deepEqual([frame.job, frame.sequence, frame.offset], [job, sequence, at]);
    received.set(frame.payload, at);
    at += frame.payload.length;
  }
  assert.deepEqual(received, result);

  client.say({ type: 'forget', request: 5, job });
  await client.hear('gone');
  assert.equal((await client.hear('ok')).request, 5);
  client.say({ type: 'list', request: 6 });
  assert.deepEqual((await client.hear('jobs')).jobs, []);
});

test('what a person can get wrong is the answer to the request, and the connection goes on', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const refused = async (message: object, code: string) => {
    client.say({ request: 7, ...message });
    const error = await client.hear('error');
    assert.deepEqual([error.request, error.code], [7, code]);
  };
  const start = { type: 'start', layer: small, options: {} };
  await refused({ ...start, options: { scale: 9 } }, 'BAD_OPTION');
  await refused({ ...start, options: { colour: 'red' } }, 'BAD_OPTION');
  await refused({ ...start, kernel: { size: 3, scale: 2, data: [1] } }, 'BAD_KERNEL');
  await refused({ ...start, kernel: { size: 1, scale: 2, data: [-1] } }, 'BAD_KERNEL');
  jobs.refusal = { code: 'NOT_ENOUGH_MEMORY', sentence: 'There is not enough memory.' };
  await refused(start, 'NOT_ENOUGH_MEMORY');
  jobs.refusal = null;
  for (const type of ['uploaded', 'resume', 'cancel', 'forget']) await refused({ type, job: NOBODY }, 'NO_SUCH_JOB');
  await refused({ type: 'fetch', job: NOBODY, offset: 0 }, 'NO_SUCH_JOB');
  const job = await client.submit(small, smallPixels);
  await refused({ type: 'fetch', job, offset: 0 }, 'JOB_NOT_DONE');
  assert.equal(client.socket.readyState, client.socket.OPEN);
});

test('a mistake of ours is told without its words', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  jobs.estimate = () => {
    throw new Error("ENOENT: no such file or directory, open '/home/somebody/secret.png'");
  };
  client.say({ type: 'estimate', request: 1, layer: small, options: {} });
  const { code, sentence, request } = await client.hear('error');
  assert.deepEqual([code, request], ['INTERNAL', 1]);
  assert.doesNotMatch(sentence, /secret|ENOENT/);
});

test('jobs of another panel cannot be seen, told about, fetched, cancelled or forgotten', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await client.submit(small, smallPixels);
  jobs.finish(job, smallPixels);
  const stranger = await loopback.connect({ origin: STRANGER });
  for (const message of [
    { type: 'resume', request: 1, job },
    { type: 'fetch', request: 1, job, offset: 0 },
    { type: 'cancel', request: 1, job },
    { type: 'forget', request: 1, job },
  ]) {
    stranger.say(message);
    assert.equal((await stranger.hear('error')).code, 'NO_SUCH_JOB');
  }
  stranger.say({ type: 'list', request: 2 });
  assert.deepEqual((await stranger.hear('jobs')).jobs, []);
  assert.equal(jobs.info(ORIGIN, job).state, 'done');
});

test('a panel that comes back hears how its job stands, with kernel and preview, and how it goes on', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const first = await loopback.connect();
  const job = await first.submit(small, smallPixels);
  jobs.run(job, running({ kernel: bicubicKernel(2), preview: preview(4, 4) }));
  first.socket.terminate();
  await loopback.connections[0].connection.closed;
  assert.equal(jobs.subscribers(job), 0);

  const second = await loopback.connect();
  second.say({ type: 'resume', request: 8, job });
  const before: string[] = [];
  const { job: status, request } = await second.hear('job');
  for (const item of second.heard.splice(0)) before.push(item.type);
  assert.deepEqual(before, ['kernel', 'preview']);
  assert.deepEqual([request, status.state, status.progress?.fraction], [8, 'running', 0.25]);
  jobs.fail(job, { code: 'WORKER_DIED', sentence: 'The worker ended.' });
  const failed = await second.hear('job');
  assert.deepEqual(failed.job.error, { code: 'WORKER_DIED', sentence: 'The worker ended.' });
  second.say({ type: 'resume', request: 9, job });
  await second.hear('job');
  assert.equal(jobs.subscribers(job), 1, 'asking twice does not tell twice');
});

test('positions in the queue are told as they change', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await client.submit(small, smallPixels);
  for (const position of [3, 2, 1]) {
    jobs.queue(job, position);
    assert.equal((await client.hear('job')).job.position, position);
  }
});

test('what a job that waits is short of is told as it changes', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await client.submit(small, smallPixels);
  jobs.run(job, running());
  await client.hear('job');
  for (const free of ['1.0 GB', '1.2 GB']) {
    const shortage = { code: 'NOT_ENOUGH_MEMORY', sentence: `${free} are free.` } as const;
    jobs.queue(job, 0, shortage);
    const { state, shortage: told } = (await client.hear('job')).job;
    assert.deepEqual([state, told], ['queued', shortage]);
    jobs.queue(job, 0, shortage);
  }
  client.say({ type: 'ping' });
  await client.hear('pong');
  assert.deepEqual(client.heard, [], 'and only then');
});

test('a cancel is answered when nothing computes any more, and does not hold up other requests', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await client.submit(small, smallPixels);
  jobs.run(job, running());
  await client.hear('job');
  let stopped = () => {};
  jobs.beforeCancel = () =>
    new Promise((resolve) => {
      stopped = resolve;
    });
  client.say({ type: 'cancel', request: 3, job });
  client.say({ type: 'list', request: 4 });
  assert.equal((await client.hear('jobs')).jobs[0].state, 'running');
  assert.deepEqual(client.heard, []);
  stopped();
  assert.equal((await client.hear('job')).job.state, 'cancelled');
  assert.equal((await client.hear('ok')).request, 3);
});

test('a job forgotten from one panel is gone for the other', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const [one, two] = [await loopback.connect(), await loopback.connect()];
  const job = await one.submit(small, smallPixels);
  two.say({ type: 'forget', request: 1, job });
  await two.hear('ok');
  assert.equal((await one.hear('gone')).job, job);
  assert.equal(jobs.subscribers(job), 0);
});

test('too many requests at once are refused, one by one', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await client.submit(small, smallPixels);
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  jobs.beforeCancel = () => stopped;
  for (let request = 0; request < MOST_REQUESTS; request++) client.say({ type: 'cancel', request, job });
  client.say({ type: 'list', request: 99 });
  const { code, request } = await client.hear('error');
  assert.deepEqual([code, request], ['TOO_MANY_REQUESTS', 99]);
  stop();
  for (let answered = 0; answered < MOST_REQUESTS; answered++) await client.hear('ok');
  client.say({ type: 'list', request: 100 });
  await client.hear('jobs');
});

test('a silent connection is closed, unless it waits for a job', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t, { idle: 60 });
  const silent = await loopback.connect();
  const waiting = await loopback.connect();
  const job = await waiting.submit(small, smallPixels);
  assert.equal(await silent.closed, CLOSE_CODES.IDLE);
  await wait(120);
  assert.equal(waiting.socket.readyState, waiting.socket.OPEN);
  jobs.finish(job, smallPixels);
  assert.equal(await waiting.closed, CLOSE_CODES.IDLE);
});

test('a peer that answers no ping is cut off, one that does is not', async (t) => {
  const loopback = await startLoopback(t, { ping: 30 });
  const alive = await loopback.connect();
  const dead = await loopback.connect({ autoPong: false });
  assert.equal(await dead.closed, 1006);
  assert.equal(alive.socket.readyState, alive.socket.OPEN);
});

test('a helper that stops says so, after the reason', async (t) => {
  const loopback = await startLoopback(t);
  const client = await loopback.connect();
  loopback.connections[0].connection.end(CLOSE_CODES.GOING_AWAY, new KernelFusionError('WORKER_DIED', 'Bye.'));
  assert.equal((await client.hear('error')).sentence, 'Bye.');
  assert.equal(await client.closed, CLOSE_CODES.GOING_AWAY);
  await loopback.connections[0].connection.closed;
});

test('while a panel reads nothing, progress is dropped instead of kept; changes of state arrive', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await client.submit(small, smallPixels);
  client.socket.pause();
  const { socket } = loopback.connections[0];
  let highest = 0;
  for (let step = 0; step < 200; step++) {
    jobs.run(job, running({ fraction: step / 200, kernel: bicubicKernel(2), preview: preview(256, 256) })); // 256 KiB
    highest = Math.max(highest, socket.bufferedAmount);
    if (step % 20 === 0) await wait(1);
  }
  assert.ok(highest > CHUNK && highest < 2 * CHUNK, `${highest} bytes were kept`);
  jobs.finish(job, smallPixels);
  client.socket.resume();
  let last = '';
  while (last !== 'done') last = (await client.hear('job')).job.state;
  const previews = client.heard.filter((item) => item.type === 'preview');
  assert.ok(previews.length < 100, `${previews.length} of 200 previews came`);
});

test('a panel that asks and never reads is cut off before the answers fill the memory', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await client.submit(small, smallPixels);
  jobs.list = () => Array(500).fill(jobs.info(ORIGIN, job)); // An answer of about 130 kB.
  client.socket.pause();
  const { socket } = loopback.connections[0];
  let highest = 0;
  let asked = 0;
  while (socket.readyState === socket.OPEN && asked < 2000) {
    for (let i = 0; i < MOST_REQUESTS; i++) client.say({ type: 'list', request: asked++ });
    await wait(5);
    highest = Math.max(highest, socket.bufferedAmount);
  }
  assert.notEqual(socket.readyState, socket.OPEN, 'it was not cut off');
  assert.ok(highest > 4 * CHUNK && highest < 17 * CHUNK, `${highest} bytes were kept`);
});
