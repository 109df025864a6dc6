/**
 * Layers on their way in, over a real socket: what is counted, acknowledged, refused and left behind.
 */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { KernelFusionError } from '../../../shared/errors.ts';
import { encodeFrame, type Frame } from '../../../shared/protocol/frames.ts';
import { ACKNOWLEDGE_EVERY, CHUNK, MOST_TRANSFERS, WINDOW } from '../../../shared/protocol/limits.ts';
import { type Client, eventually, ORIGIN, shape, startLoopback } from './loopback.ts';

/** A frame is 1 MiB: 256 rows of this width. */
const WIDTH = 1024;
const layerOf = (frames: number) => shape(WIDTH, 256 * frames);

async function begin(client: Client, frames: number): Promise<string> {
  client.say({ type: 'start', request: 1, layer: layerOf(frames), options: {} });
  return (await client.hear('started')).job;
}

function send(client: Client, job: string, part: Partial<Frame> & { sequence: number }) {
  const offset = part.sequence * CHUNK;
  client.socket.send(encodeFrame({ type: 'layer', job, offset, payload: new Uint8Array(CHUNK), ...part }));
}

test('what is written is acknowledged every few frames and at the end, never before it is written', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await begin(client, 10);
  const told: number[] = [];
  let written = 0;
  jobs.beforeWrite = async (offset) => {
    written = offset;
  };
  for (let sequence = 0; sequence < 10; sequence++) {
    if (sequence * CHUNK - (told.at(-1) ?? 0) === WINDOW) {
      const { bytes } = await client.hear('received');
      assert.ok(bytes <= written + CHUNK);
      told.push(bytes);
    }
    send(client, job, { sequence });
  }
  while (told.at(-1) !== 10 * CHUNK) told.push((await client.hear('received')).bytes);
  assert.deepEqual(told, [ACKNOWLEDGE_EVERY, 2 * ACKNOWLEDGE_EVERY, 10 * CHUNK]);
});

test('more, fewer, doubled, missing or odd pieces end the upload with a coded error, and leave no job', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const cases: [string, (Partial<Frame> & { sequence: number })[], RegExp][] = [
    ['a frame too many', [{ sequence: 0 }, { sequence: 1 }, { sequence: 2 }], /More bytes/],
    ['a frame twice', [{ sequence: 0 }, { sequence: 0 }], /missing/],
    ['a frame left out', [{ sequence: 1 }], /missing/],
    ['an offset that does not fit', [{ sequence: 0, offset: 2 ** 40 }], /missing/],
    ['a small frame', [{ sequence: 0, payload: new Uint8Array(1) }], /has 1 bytes/],
  ];
  for (const [name, frames, sentence] of cases) {
    const job = await begin(client, 2);
    for (const frame of frames) send(client, job, frame);
    const error = await client.hear('error');
    assert.deepEqual([error.code, error.job, error.request], ['BAD_UPLOAD', job, undefined], name);
    assert.match(error.sentence, sentence, name);
    assert.deepEqual(jobs.list(ORIGIN), [], name);
    client.heard.length = 0;
  }
  const job = await begin(client, 2);
  send(client, job, { sequence: 0 });
  client.say({ type: 'uploaded', request: 5, job });
  const error = await client.hear('error');
  assert.deepEqual([error.code, error.request], ['BAD_UPLOAD', 5]);
  assert.deepEqual(jobs.list(ORIGIN), []);
});

test('the last frame of a layer has what is left, no more and no less', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const layer = shape(WIDTH, 257);
  for (const length of [WIDTH * 4 - 1, WIDTH * 4 + 1, WIDTH * 4]) {
    client.say({ type: 'start', request: 1, layer, options: {} });
    const { job } = await client.hear('started');
    send(client, job, { sequence: 0 });
    send(client, job, { sequence: 1, payload: new Uint8Array(length) });
    if (length === WIDTH * 4) assert.equal((await client.hear('received')).bytes, WIDTH * 257 * 4);
    else assert.equal((await client.hear('error')).code, 'BAD_UPLOAD');
  }
  assert.equal(jobs.list(ORIGIN).length, 1);
});

test('a panel that sends ahead of the window is refused, so memory is bounded however slow the disk is', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await begin(client, 40);
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let begun = 0;
  jobs.beforeWrite = () => {
    begun++;
    return held;
  };
  for (let sequence = 0; sequence <= WINDOW / CHUNK; sequence++) send(client, job, { sequence });
  const { code, sentence } = await client.hear('error');
  assert.equal(code, 'BAD_UPLOAD');
  assert.match(sentence, /faster/);
  assert.equal(begun, 1, 'writes follow one another');
  goOn();
  await eventually(() => jobs.list(ORIGIN).length === 0, 'the job is deleted');
});

test('where the disk fails, the panel hears why once; the frames that were on their way are overlooked', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await begin(client, 8);
  jobs.beforeWrite = async (offset) => {
    if (offset === 2 * CHUNK) throw new KernelFusionError('SPOOL_FULL', 'The disk is full.');
  };
  for (let sequence = 0; sequence < 8; sequence++) send(client, job, { sequence });
  const error = await client.hear('error');
  assert.deepEqual([error.code, error.job], ['SPOOL_FULL', job]);
  client.say({ type: 'uploaded', request: 3, job });
  const { code, request } = await client.hear('error');
  assert.deepEqual([code, request], ['NO_SUCH_JOB', 3]);
  assert.deepEqual(client.heard, []);
  assert.deepEqual(jobs.list(ORIGIN), []);
});

test('an upload ends with its connection', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const job = await begin(client, 3);
  send(client, job, { sequence: 0 });
  await eventually(() => jobs.list(ORIGIN).length === 1, 'the job is there');
  client.socket.terminate();
  await loopback.connections[0].connection.closed;
  assert.deepEqual(jobs.list(ORIGIN), []);
});

test('an upload that is opened while its connection closes is deleted', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const { create } = jobs;
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let opened = false;
  jobs.create = async (...asked) => {
    await held;
    const upload = await create(...asked);
    opened = true;
    return upload;
  };
  client.say({ type: 'start', request: 1, layer: layerOf(1), options: {} });
  client.say({ type: 'ping' });
  await client.hear('pong');
  client.socket.terminate();
  await loopback.connections[0].connection.closed;
  goOn();
  await eventually(() => opened && jobs.list(ORIGIN).length === 0, 'the job is deleted');
});

test('cancelling or forgetting an upload deletes it, and frees its place', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const uploading = [];
  for (let i = 0; i < MOST_TRANSFERS; i++) uploading.push(await begin(client, 2));
  client.say({ type: 'start', request: 9, layer: layerOf(1), options: {} });
  const { code, request } = await client.hear('error');
  assert.deepEqual([code, request], ['TOO_MANY_REQUESTS', 9]);
  for (const [i, type] of (['cancel', 'forget'] as const).entries()) {
    client.say({ type, request: 2, job: uploading[i] });
    await client.hear('ok');
    send(client, uploading[i], { sequence: 0 });
  }
  assert.deepEqual(jobs.list(ORIGIN), []);
  await begin(client, 1);
});

test('two layers that come mixed are kept apart', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const client = await loopback.connect();
  const pixels = [0, 1].map(() => randomFillSync(new Uint8Array(3 * CHUNK)));
  const ids = [await begin(client, 3), await begin(client, 3)];
  for (let sequence = 0; sequence < 3; sequence++) {
    for (const i of [0, 1]) {
      const payload = pixels[i].subarray(sequence * CHUNK, (sequence + 1) * CHUNK);
      send(client, ids[i], { sequence, payload });
    }
  }
  for (const i of [0, 1]) {
    client.say({ type: 'uploaded', request: i, job: ids[i] });
    await client.hear('job');
    assert.deepEqual(jobs.pixels(ids[i]), pixels[i]);
  }
});

test("nobody writes into another connection's upload", async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const [one, two] = [await loopback.connect(), await loopback.connect()];
  const job = await begin(one, 1);
  send(two, job, { sequence: 0, payload: new Uint8Array(CHUNK).fill(255) });
  two.say({ type: 'ping' });
  await two.hear('pong');
  assert.ok(jobs.pixels(job).every((value) => value === 0));
});
