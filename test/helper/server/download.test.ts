/**
 * Results on their way out, over a real socket: from where, how far ahead, and what stays open.
 */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { KernelFusionError } from '../../../shared/errors.ts';
import { CLOSE_CODES } from '../../../shared/protocol/close-codes.ts';
import { CHUNK, MOST_TRANSFERS, WINDOW } from '../../../shared/protocol/limits.ts';
import { type Client, eventually, type Loopback, ORIGIN, shape, startLoopback } from './loopback.ts';

/** A job that is done, with a result of its own size. */
async function finished(
  { jobs }: Loopback,
  client: Client,
  bytes: number,
): Promise<{ job: string; result: Uint8Array }> {
  const job = await client.submit(shape(1, 1), new Uint8Array(4));
  const result = randomFillSync(new Uint8Array(bytes));
  jobs.finish(job, result);
  await client.hear('job');
  await client.hear('kernel');
  return { job, result };
}

const ask = (client: Client, job: string, offset = 0) => client.say({ type: 'fetch', request: 3, job, offset });

/** Takes the frames of a result from `at` to its end, saying so after each. */
async function collect(client: Client, job: string, bytes: number, at = 0): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let have = at; have < bytes; ) {
    const { payload, offset } = await client.frame('result');
    assert.equal(offset, have);
    pieces.push(payload);
    have += payload.length;
    client.say({ type: 'received', job, bytes: have });
  }
  return Buffer.concat(pieces);
}

test('a result larger than the window arrives whole when the panel says what it has', async (t) => {
  const loopback = await startLoopback(t);
  const client = await loopback.connect();
  const { job, result } = await finished(loopback, client, 20 * CHUNK + 5);
  ask(client, job);
  await client.hear('sending');
  assert.ok((await collect(client, job, result.length)).equals(result));
  await eventually(() => loopback.jobs.openReaders === 0, 'the result is closed');
});

test('no more is read and sent than the window while the panel says nothing', async (t) => {
  const loopback = await startLoopback(t);
  const client = await loopback.connect();
  const { job, result } = await finished(loopback, client, 20 * CHUNK);
  ask(client, job);
  await client.hear('sending');
  for (let i = 0; i < WINDOW / CHUNK; i++) await client.frame('result');
  client.say({ type: 'ping' });
  await client.hear('pong');
  assert.deepEqual(client.heard, []);
  assert.equal(loopback.jobs.bytesRead, WINDOW);
  client.say({ type: 'received', job, bytes: WINDOW });
  assert.ok((await collect(client, job, result.length, WINDOW)).equals(result.subarray(WINDOW)));
});

test('a panel that acknowledges but does not read fills no memory', async (t) => {
  const loopback = await startLoopback(t);
  const client = await loopback.connect();
  const { job } = await finished(loopback, client, 64 * CHUNK);
  ask(client, job);
  await client.hear('sending');
  client.socket.pause();
  const { socket } = loopback.connections[0];
  let highest = 0;
  let before = -1;
  while (loopback.jobs.bytesRead !== before) {
    before = loopback.jobs.bytesRead;
    client.say({ type: 'received', job, bytes: before });
    await new Promise((resolve) => setTimeout(resolve, 50));
    highest = Math.max(highest, socket.bufferedAmount);
  }
  assert.ok(before < 32 * CHUNK, `${before} bytes were read`);
  assert.ok(highest >= 4 * CHUNK && highest <= 5 * CHUNK + 1000, `${highest} bytes were kept`);
});

test('a transfer that was cut goes on from the byte the panel has', async (t) => {
  const loopback = await startLoopback(t);
  const first = await loopback.connect();
  const { job, result } = await finished(loopback, first, 6 * CHUNK);
  ask(first, job);
  const { payload } = await first.frame('result');
  first.socket.terminate();
  await loopback.connections[0].connection.closed;
  await eventually(() => loopback.jobs.openReaders === 0, 'the result is closed');

  const second = await loopback.connect();
  const have = payload.length - 3;
  ask(second, job, have);
  assert.equal((await second.hear('sending')).offset, have);
  assert.ok((await collect(second, job, result.length, have)).equals(result.subarray(have)));
  ask(second, job, result.length);
  await second.hear('sending');
  ask(second, job, result.length + 1);
  assert.equal((await second.hear('error')).code, 'BAD_MESSAGE');
});

test('what cannot have been received ends the connection', async (t) => {
  const loopback = await startLoopback(t);
  const start = async () => {
    const client = await loopback.connect();
    const { job } = await finished(loopback, client, 20 * CHUNK);
    ask(client, job);
    for (let i = 0; i < WINDOW / CHUNK; i++) await client.frame('result');
    return { client, job };
  };
  const ahead = await start();
  ahead.client.say({ type: 'received', job: ahead.job, bytes: WINDOW + 1 });
  assert.equal(await ahead.client.closed, CLOSE_CODES.BAD_MESSAGE);
  const back = await start();
  back.client.say({ type: 'received', job: back.job, bytes: 10 });
  back.client.say({ type: 'received', job: back.job, bytes: 9 });
  assert.equal(await back.client.closed, CLOSE_CODES.BAD_MESSAGE);
});

test('the same result twice, or too many results, are not sent at the same time', async (t) => {
  const loopback = await startLoopback(t);
  const client = await loopback.connect();
  const large: string[] = [];
  for (let i = 0; i <= MOST_TRANSFERS; i++) large.push((await finished(loopback, client, 20 * CHUNK)).job);
  ask(client, large[0]);
  await client.hear('sending');
  ask(client, large[0]);
  assert.match((await client.hear('error')).sentence, /on its way already/);
  ask(client, large[1]);
  await client.hear('sending');
  ask(client, large[2]);
  assert.equal((await client.hear('error')).code, 'TOO_MANY_REQUESTS');
  assert.equal(loopback.jobs.openReaders, MOST_TRANSFERS);
  // Forgetting one ends its transfer and frees its place.
  client.say({ type: 'forget', request: 4, job: large[0] });
  await client.hear('ok');
  ask(client, large[2]);
  await client.hear('sending');
});

test('where reading fails on the way, the panel hears why, and can ask again', async (t) => {
  const loopback = await startLoopback(t);
  const { jobs } = loopback;
  const client = await loopback.connect();
  const { job, result } = await finished(loopback, client, 3 * CHUNK);
  const { openResult } = jobs;
  jobs.openResult = async (owner, id) => {
    const reader = await openResult(owner, id);
    return {
      ...reader,
      read: async (offset, length) => {
        if (offset >= CHUNK) throw new KernelFusionError('SPOOL_UNAVAILABLE', 'The disk cannot be read.');
        return reader.read(offset, length);
      },
    };
  };
  ask(client, job);
  await client.frame('result');
  const error = await client.hear('error');
  assert.deepEqual([error.code, error.job, error.request], ['SPOOL_UNAVAILABLE', job, undefined]);
  jobs.openResult = openResult;
  client.heard.length = 0;
  ask(client, job, CHUNK);
  assert.ok((await collect(client, job, result.length, CHUNK)).equals(result.subarray(CHUNK)));
  assert.equal(jobs.info(ORIGIN, job).state, 'done');
});

test('a result that is forgotten elsewhere still arrives where it was on its way', async (t) => {
  const loopback = await startLoopback(t);
  const [one, two] = [await loopback.connect(), await loopback.connect()];
  const { job, result } = await finished(loopback, one, 12 * CHUNK);
  ask(one, job);
  await one.hear('sending');
  two.say({ type: 'forget', request: 1, job });
  await two.hear('ok');
  await one.hear('gone');
  assert.ok((await collect(one, job, result.length)).equals(result));
});
