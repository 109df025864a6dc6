/**
 * A panel that got through the gate and means harm (or is broken): what it costs the helper, and that others do not notice.
 * Each test is a line of the list of attacks the helper was designed against.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { encodeFrame, LARGEST_MESSAGE } from '../../shared/protocol/frames.ts';
import { type ClientMessage, parseHelperMessage } from '../../shared/protocol/messages.ts';
import { hello, type Loopback, ORIGIN, shape, startLoopback } from '../helper/server/loopback.ts';

const MIB = 2 ** 20;

/** A socket on which the handshake is done, for bytes that no library would send. */
async function openRaw({ port }: Loopback): Promise<Socket> {
  const request = get({
    host: '127.0.0.1',
    port,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      Origin: ORIGIN,
      'Sec-WebSocket-Version': 13,
      'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
      'Sec-WebSocket-Protocol': 'kernelfusion.v1',
    },
  });
  const [, socket] = (await once(request, 'upgrade')) as [unknown, Socket];
  socket.on('error', () => {});
  return socket;
}

/** The code of the close frame a raw socket gets, once it has ended. */
async function closeCode(socket: Socket): Promise<number> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  const bytes = Buffer.concat(chunks);
  const at = bytes.lastIndexOf(0x88); // A final close frame, then its length and its code.
  assert.ok(at >= 0, 'no close frame came');
  return bytes.readUInt16BE(at + 2);
}

/** Memory the process came to hold while something went on (client and helper together). */
async function memoryOf(run: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let highest = before;
  const timer = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss());
  }, 2);
  await run();
  clearInterval(timer);
  return Math.max(highest, process.memoryUsage.rss()) - before;
}

/** A header that announces a masked binary message of so many bytes. */
function announce(bytes: bigint): Buffer {
  const header = Buffer.alloc(14);
  header.writeUInt16BE(0x82ff);
  header.writeBigUInt64BE(bytes, 2);
  return header;
}

test('a message that announces too many bytes is refused with 1009 before any of them is kept', async (t) => {
  const loopback = await startLoopback(t);
  for (const bytes of [BigInt(LARGEST_MESSAGE + 1), 2n ** 32n, 2n ** 52n]) {
    const grown = await memoryOf(async () => {
      const socket = await openRaw(loopback);
      socket.write(announce(bytes));
      assert.equal(await closeCode(socket), 1009);
    });
    assert.ok(grown < 32 * MIB, `${grown} bytes`);
  }
});

test('a million fragments of one byte are refused with 1008, and memory stays flat', async (t) => {
  const loopback = await startLoopback(t);
  const grown = await memoryOf(async () => {
    const socket = await openRaw(loopback);
    const closed = closeCode(socket);
    const first = [0x02, 0x81, 0, 0, 0, 0, 1];
    const next = [0x00, 0x81, 0, 0, 0, 0, 1];
    socket.write(Buffer.from(first));
    const fragments = Buffer.from(Array(10_000).fill(next).flat());
    for (let i = 0; i < 100 && !socket.destroyed; i++) {
      if (!socket.write(fragments)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    }
    assert.equal(await closed, 1008);
  });
  assert.ok(grown < 64 * MIB, `${grown} bytes`);
});

test('a message in as many pieces as a browser may make of it is taken', async (t) => {
  const loopback = await startLoopback(t);
  const client = await loopback.connect();
  const [side, pieces] = [512, 64]; // One frame of a layer.
  const pixels = Uint8Array.from({ length: 4 * side ** 2 }, (_, i) => i % 251);
  client.say({ type: 'start', request: 1, layer: shape(side, side), options: {} });
  const { job } = await client.hear('started');
  const frame = encodeFrame({ type: 'layer', job, sequence: 0, offset: 0, payload: pixels });
  const step = Math.ceil(frame.length / pieces);
  for (let at = 0; at < frame.length; at += step) {
    client.socket.send(frame.subarray(at, at + step), { binary: true, fin: at + step >= frame.length });
  }
  client.say({ type: 'uploaded', request: 2, job });
  await client.hear('job');
  assert.deepEqual(loopback.jobs.pixels(job), pixels);
});

test('what cannot be a layer is refused with a code, whatever its numbers are', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const numbers = ['0', '-1', '1.5', '-0', 'null', '"8"', '1e999', '-1e999', '9007199254740992', '[1]', '{}', 'true'];
  for (const number of numbers) {
    const client = await loopback.connect();
    client.socket.send(
      `{"type":"start","request":1,"layer":{"width":${number},"height":8,"channels":4,"depth":8},"options":{}}`,
    );
    assert.equal((await client.hear('error')).code, 'BAD_MESSAGE', number);
    assert.equal(await client.closed, 4400);
  }
  assert.deepEqual(jobs.list(ORIGIN), []);
});

test('job ids cannot be guessed into another job, a path or the prototype', async (t) => {
  const { jobs, ...loopback } = await startLoopback(t);
  const owner = await loopback.connect();
  const job = await owner.submit(shape(2, 2), new Uint8Array(16));
  const guesses = [
    '..',
    '../../etc/passwd',
    `${job}/..`,
    `../${job.slice(3)}`,
    '__proto__',
    'constructor',
    `${job}\0`,
    '',
  ];
  for (const guess of guesses) {
    const client = await loopback.connect({ origin: 'moz-extension://11111111-2222-4333-8444-555555555555' });
    client.say({ type: 'forget', request: 1, job: guess });
    assert.equal((await client.hear('error')).code, 'BAD_MESSAGE', guess);
  }
  assert.equal(jobs.list(ORIGIN).length, 1);
});

test('whatever is said, in whatever order, gets an answer or a coded end; nothing is thrown, and others go on', async (t) => {
  const loopback = await startLoopback(t);
  const other = await loopback.connect();
  const job = fc.constantFrom('job00000000000000000000000', 'job00000000000000000000001', 'zzzzzzzzzzzzzzzzzzzzzzzzzz');
  const request = fc.nat(3);
  const layer = fc.record({ width: fc.integer({ min: 1, max: 4 }), height: fc.constant(2) });
  const said: fc.Arbitrary<object> = fc.oneof(
    fc.record({ type: fc.constantFrom('uploaded', 'resume', 'cancel', 'forget'), request, job }),
    fc.record({ type: fc.constant('fetch'), request, job, offset: fc.nat(20) }),
    fc.record({ type: fc.constant('received'), job, bytes: fc.nat(20) }),
    fc
      .record({
        type: fc.constantFrom('estimate', 'start'),
        request,
        layer,
        options: fc.dictionary(fc.string(), fc.json()),
      })
      .map((message) => ({ ...message, layer: { ...message.layer, channels: 4, depth: 8 } })),
    fc
      .record({ type: fc.constantFrom('start'), request, layer })
      .map((message) => ({ ...message, layer: { ...message.layer, channels: 4, depth: 8 }, options: {} })),
    fc.constant({ type: 'list', request: 1 }),
    fc.constant({ type: 'ping' }),
  );
  const unexpected: unknown[] = [];
  const note = (error: unknown) => unexpected.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 9, arbitrary: said }, fc.uint8Array({ maxLength: 80 })), { maxLength: 20 }),
      async (items) => {
        const client = await loopback.open();
        client.say(hello() as ClientMessage);
        for (const item of items) client.socket.send(item instanceof Uint8Array ? item : JSON.stringify(item));
        client.say({ type: 'ping' });
        const answered = () => client.heard.some((item) => item.type === 'pong');
        while (!answered() && client.socket.readyState === client.socket.OPEN) await wait(1);
        if (!answered()) assert.equal(await client.closed, 4400);
        for (const item of client.heard) {
          if (item.type !== 'error') continue;
          const { code } = parseHelperMessage(JSON.stringify(item)) as { code: string };
          assert.notEqual(code, 'INTERNAL');
        }
        client.socket.terminate();
      },
    ),
    { numRuns: 150 },
  );
  assert.deepEqual(unexpected, []);
  other.say({ type: 'ping' });
  await other.hear('pong');
});
