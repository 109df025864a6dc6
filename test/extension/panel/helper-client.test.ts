/** The panel's connection against the helper itself, and against programs that stand in its place. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocketServer, WebSocket as WsSocket } from 'ws';
import {
  connectHelper,
  type HelperConnection,
  type JobNews,
  knock,
  pairWithHelper,
  type Secrets,
  type SocketMaker,
} from '../../../extension/panel/helper-client.ts';
import type { KernelFusionError } from '../../../shared/errors.ts';
import { EXTENSION_ID } from '../../../shared/extension-id.ts';
import { bicubicKernel } from '../../../shared/kernel.ts';
import { DEFAULT_OPTIONS } from '../../../shared/options.ts';
import { SUBPROTOCOL } from '../../../shared/protocol/limits.ts';
import { colourful } from '../../doubles/photopea/scene.ts';
import { type Helper, startHelper } from '../../e2e/helper.ts';

const CLIENT = 'panel 0';
/** A browser's own says the page's origin, and so has this one to. */
const makeSocket: SocketMaker = (url, protocols) =>
  new WsSocket(url, protocols, { origin: `chrome-extension://${EXTENSION_ID}` }) as unknown as WebSocket;

const code = (expected: string) => (error: KernelFusionError) => error.code === expected;

let helper: Helper;
let secrets: Secrets;
const connections: HelperConnection[] = [];

const address = () => ({ port: helper.port, makeSocket });

before(async () => {
  helper = await startHelper('exact');
  secrets = await pairWithHelper(address(), await helper.code());
});
after(async () => {
  for (const { close } of connections) close();
  await helper?.end();
});

async function connect(): Promise<HelperConnection> {
  const connection = await connectHelper(address(), secrets, CLIENT);
  connections.push(connection);
  return connection;
}

const shape = ({ width, height }: { width: number; height: number }) =>
  ({ width, height, channels: 4, depth: 8 }) as const;

/** Resolves to the news that `wanted` picks out. */
function heard<T>(connection: HelperConnection, job: string, wanted: (news: JobNews) => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const unwatch = connection.watch(job, (news) => {
      const found = wanted(news);
      if (found === undefined) return;
      unwatch();
      resolve(found);
    });
  });
}

const done = (news: JobNews) => (news.of === 'status' && news.status.state === 'done' ? news.status : undefined);
const inKernel = (news: JobNews) => (news.of === 'progress' && news.progress.phase === 'kernel' ? true : undefined);

/** What the exact helper makes of a picture. */
function expected({ width, height, rgba }: ReturnType<typeof colourful>): Uint8Array {
  return Uint8Array.from({ length: 16 * width * height }, (_, at) => {
    const [x, y] = [((at >> 2) % (2 * width)) >> 1, Math.floor((at >> 2) / (2 * width)) >> 1];
    const own = rgba[4 * (width * y + x) + (at & 3)];
    return (at & 3) === 3 ? own : 255 - own;
  });
}

test('a wrong code does not pair; one that pairs is good once', async () => {
  const offered = await helper.code();
  const wrong = offered === '000000' ? '000001' : '000000';
  await assert.rejects(pairWithHelper(address(), wrong), code('WRONG_CODE'));
  const other = await pairWithHelper(address(), offered);
  assert.notEqual(other.token, secrets.token);
  await assert.rejects(pairWithHelper(address(), offered), code('NO_CODE'));
});

test('a token that the helper does not know is told from a helper that is not there', async () => {
  const unknown = { ...secrets, token: `${'A'.repeat(42)}A` };
  await assert.rejects(connectHelper(address(), unknown, CLIENT), code('NOT_PAIRED'));
  const { port, close } = await standIn(() => {});
  await close();
  await assert.rejects(connectHelper({ port, makeSocket }, secrets, CLIENT), code('HELPER_NOT_RUNNING'));
  await assert.rejects(knock({ port, makeSocket }), code('HELPER_NOT_RUNNING'));
});

test('a program that cannot prove that it was at the pairing is given nothing', async () => {
  const stranger = { ...secrets, helperKey: `${'A'.repeat(42)}A` };
  await assert.rejects(connectHelper(address(), stranger, CLIENT), code('NOT_THE_HELPER'));
});

test('a whole job: shares that rise to 1, news in their order, the result, and nothing left', async () => {
  const connection = await connect();
  const picture = colourful(64, 48);
  const options = { ...DEFAULT_OPTIONS, scale: 2 } as const;
  const estimate = await connection.estimate(shape(picture), options);
  assert.ok(estimate.seconds > 0 && estimate.memory > 0 && !('type' in estimate));
  const job = await connection.start(shape(picture), options);
  const kinds: string[] = [];
  connection.watch(job, (news) => kinds.push(news.of === 'status' ? news.status.state : news.of));
  const kernel = heard(connection, job, (news) => (news.of === 'kernel' ? news.kernel : undefined));
  const preview = heard(connection, job, (news) => (news.of === 'preview' ? news.preview : undefined));
  const finished = heard(connection, job, done);
  const shares: number[] = [];
  await connection.upload(job, picture.rgba, (share) => shares.push(share));
  const { result } = await finished;
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(
    shares,
    [...shares].sort((a, b) => a - b),
  );
  assert.deepEqual(await kernel, bicubicKernel(2));
  assert.deepEqual([(await preview).width > 0, kinds.at(-1)], [true, 'done']);
  assert.equal(result?.bytes, 16 * 64 * 48);
  const bytes = new Uint8Array(result?.bytes ?? 0);
  await connection.fetch(job, { bytes, arrived: 0 });
  assert.deepEqual(bytes, expected(picture));
  await connection.forget(job);
  assert.deepEqual(await connection.list(), []);
});

test('a kernel that is given with a job is the one that comes back', async () => {
  const connection = await connect();
  const picture = colourful(16, 16);
  const kernel = { ...bicubicKernel(2), data: Float64Array.from(bicubicKernel(2).data).reverse() };
  const job = await connection.start(shape(picture), DEFAULT_OPTIONS, kernel);
  const finished = heard(connection, job, done);
  const back = heard(connection, job, (news) => (news.of === 'kernel' ? news.kernel : undefined));
  await connection.upload(job, picture.rgba);
  assert.equal((await finished).result?.kernelSource, 'given');
  assert.deepEqual(await back, kernel);
  await connection.forget(job);
});

test('what the helper refuses is thrown with its code, and the connection goes on', async () => {
  const connection = await connect();
  const tiny = { width: 8, height: 8, channels: 4, depth: 8 } as const;
  await assert.rejects(connection.start(tiny, DEFAULT_OPTIONS), code('INPUT_TOO_SMALL'));
  await assert.rejects(connection.resume('a'.repeat(26)), code('NO_SUCH_JOB'));
  assert.deepEqual(await connection.list(), []);
});

test('an upload can be cancelled in the middle; its job is gone when it is cancelled too', async () => {
  const connection = await connect();
  // Larger than the window: the client has to wait for the helper in between.
  const picture = colourful(2048, 1100);
  const job = await connection.start(shape(picture), DEFAULT_OPTIONS);
  const stop = new AbortController();
  await assert.rejects(
    connection.upload(job, picture.rgba, () => stop.abort(), stop.signal),
    code('CANCELLED'),
  );
  await connection.cancel(job);
  assert.deepEqual(await connection.list(), []);
});

test('a helper that is killed ends what waits on it; its job is found again by the next connection', async () => {
  const connection = await connect();
  const picture = colourful(32, 24);
  helper.hold();
  const job = await connection.start(shape(picture), DEFAULT_OPTIONS);
  const reached = heard(connection, job, inKernel);
  await connection.upload(job, picture.rgba);
  await reached;
  const port = helper.port;
  await helper.kill();
  assert.equal((await connection.ended).code, 'CONNECTION_LOST');
  await assert.rejects(connection.list(), code('CONNECTION_LOST'));
  await assert.rejects(connection.upload(job, picture.rgba), code('CONNECTION_LOST'));
  await helper.start();
  assert.equal(helper.port, port);
  const next = await connect();
  const finished = heard(next, job, done);
  assert.ok(['queued', 'running'].includes((await next.resume(job)).state));
  helper.release();
  const { result } = await finished;
  const bytes = new Uint8Array(result?.bytes ?? 0);
  await next.fetch(job, { bytes, arrived: 0 });
  assert.deepEqual(bytes, expected(picture));
  await next.forget(job);
});

test('a result whose way was cut comes from there on', async () => {
  const first = await connect();
  const picture = colourful(600, 400);
  const job = await first.start(shape(picture), DEFAULT_OPTIONS);
  const finished = heard(first, job, done);
  await first.upload(job, picture.rgba);
  const download = { bytes: new Uint8Array((await finished).result?.bytes ?? 0), arrived: 0 };
  await assert.rejects(first.fetch(job, download, first.close), code('CONNECTION_LOST'));
  const arrived = download.arrived;
  assert.ok(arrived > 0 && arrived < download.bytes.length);
  const next = await connect();
  await next.resume(job);
  let least = 1;
  await next.fetch(job, download, (share) => {
    least = Math.min(least, share);
  });
  assert.ok(least > arrived / download.bytes.length);
  assert.deepEqual(download.bytes, expected(picture));
  await next.forget(job);
});

for (const [what, say] of [
  ['what is no JSON', 'hello'],
  ['an answer to another question', '{"type":"pong"}'],
  ['a message with more in it than there may be', '{"type":"welcome","protocol":1,"more":1}'],
] as const) {
  test(`a program that answers the greeting with ${what} is left`, async () => {
    const { port, close, closed } = await standIn((socket) => socket.once('message', () => socket.send(say)));
    await assert.rejects(connectHelper({ port, makeSocket }, secrets, CLIENT), code('BAD_MESSAGE'));
    await closed;
    await close();
  });
}

test('the last word of a helper that will not have us is what the person is told', async () => {
  const error = { type: 'error', code: 'PANEL_OUTDATED', sentence: 'Update the extension.' };
  const { port, close } = await standIn((socket) => socket.once('message', () => socket.send(JSON.stringify(error))));
  await assert.rejects(connectHelper({ port, makeSocket }, secrets, CLIENT), {
    code: 'PANEL_OUTDATED',
    message: 'Update the extension.',
  });
  await close();
});

/** Any program on a port of this computer. `closed`: its first guest has left. */
async function standIn(serve: (socket: WsSocket) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => SUBPROTOCOL });
  await once(server, 'listening');
  const closed = once(server, 'connection').then(([socket]) => once(socket, 'close'));
  server.on('connection', serve);
  return {
    port: (server.address() as AddressInfo).port,
    closed,
    close: async () => {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
