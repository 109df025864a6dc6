/**
 * A connection over a real socket, without the gate: a server on a port of its own, and a client that says and hears messages.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import pino from 'pino';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { type Connection, type ConnectionTimes, serveConnection } from '../../../helper/server/connection.ts';
import { PANEL_SOCKETS } from '../../../helper/server/http-server.ts';
import type { LayerShape } from '../../../helper/server/jobs.ts';
import { decodeFrame, encodeFrame, type Frame } from '../../../shared/protocol/frames.ts';
import { CHUNK, SUBPROTOCOL } from '../../../shared/protocol/limits.ts';
import { type ClientMessage, type HelperMessage, parseHelperMessage } from '../../../shared/protocol/messages.ts';
import { createFakeJobs, type FakeJobs } from './fake-jobs.ts';

export const ORIGIN = 'chrome-extension://abcdefghijklmnopabcdefghijklmnop';
export const HELPER_KEY = Buffer.alloc(32, 7);
/** Milliseconds after which a test gives up waiting. */
const PATIENCE = 5000;

export interface Loopback {
  readonly jobs: FakeJobs;
  readonly port: number;
  /** The helper's side, in the order of their coming. */
  readonly connections: { readonly connection: Connection; readonly socket: WebSocket }[];
  /** A client that has said nothing yet. */
  open(options?: ClientOptions): Promise<Client>;
  /** A client that has been welcomed. */
  connect(options?: ClientOptions): Promise<Client>;
}

/** Closed, with all its clients, at the end of the test. The Origin a client sends is the owner of its jobs. */
export async function startLoopback(t: TestContext, times?: Partial<ConnectionTimes>): Promise<Loopback> {
  const jobs = createFakeJobs();
  const server = new WebSocketServer({ ...PANEL_SOCKETS, noServer: false, host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connections: Loopback['connections'] = [];
  server.on('connection', (socket, { headers }) => {
    const peer = { origin: headers.origin ?? ORIGIN, port, helperKey: HELPER_KEY };
    const connection = serveConnection(socket, peer, jobs, pino({ level: 'silent' }), {
      ...{ hello: 5000, idle: 5000, ping: 5000 },
      ...times,
    });
    connections.push({ connection, socket });
  });
  t.after(async () => {
    for (const socket of server.clients) socket.terminate();
    server.close();
    await Promise.all(connections.map(({ connection }) => connection.closed));
    assert.equal(jobs.openReaders, 0, 'a result was left open');
  });
  const open = async (options?: ClientOptions) => {
    const client = createClient(new WebSocket(`ws://127.0.0.1:${port}`, [SUBPROTOCOL], { origin: ORIGIN, ...options }));
    await once(client.socket, 'open');
    return client;
  };
  return {
    jobs,
    port,
    connections,
    open,
    async connect(options) {
      const client = await open(options);
      client.say(hello());
      await client.hear('welcome');
      return client;
    },
  };
}

export const hello = (protocol = 1): ClientMessage => ({
  type: 'hello',
  protocol,
  nonce: randomBytes(32).toString('base64url'),
  client: 'test 1',
});

type Heard<Type extends HelperMessage['type']> = Extract<HelperMessage, { type: Type }>;

export interface Client {
  readonly socket: WebSocket;
  /** Everything that came and was not yet taken by `hear` or `frame`. */
  readonly heard: (HelperMessage | Frame)[];
  readonly closed: Promise<number>;
  say(message: ClientMessage | object): void;
  /** Takes the first message of a type; fails when none comes in time, or an `error` comes instead. */
  hear<Type extends HelperMessage['type']>(type: Type): Promise<Heard<Type>>;
  frame(type: Frame['type']): Promise<Frame>;
  /** Sends a layer's frames without asking for room (the whole of a small layer fits into the window). */
  send(job: string, pixels: Uint8Array): void;
  /** Starts a job, sends its layer (of one frame) and queues it. */
  submit(layer: LayerShape, pixels: Uint8Array, more?: object): Promise<string>;
}

export function createClient(socket: WebSocket): Client {
  const heard: Client['heard'] = [];
  let look = () => {};
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    heard.push(isBinary ? decodeFrame(new Uint8Array(data)) : parseHelperMessage(data.toString()));
    look();
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  closed.then(() => look());
  socket.on('error', () => {});

  async function take<Item>(wanted: (item: HelperMessage | Frame) => boolean, name: string): Promise<Item> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const at = heard.findIndex(wanted);
      if (at >= 0) return heard.splice(at, 1)[0] as Item;
      const error = heard.find((item) => item.type === 'error');
      assert.ok(!error, `expected ${name}, heard ${JSON.stringify(error)}`);
      assert.ok(socket.readyState === socket.OPEN, `expected ${name}, the socket is closing`);
      const left = deadline - Date.now();
      assert.ok(left > 0, `no ${name} came`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        look = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  const client: Client = {
    socket,
    heard,
    closed,
    say: (message) => socket.send(JSON.stringify(message)),
    hear: (type) => take((item) => item.type === type && !('payload' in item), `"${type}"`),
    frame: (type) => take((item) => item.type === type && 'payload' in item, `frame "${type}"`),
    send(job, pixels) {
      for (let offset = 0, sequence = 0; offset < pixels.length; offset += CHUNK, sequence++) {
        const payload = pixels.subarray(offset, offset + CHUNK);
        socket.send(encodeFrame({ type: 'layer', job, sequence, offset, payload }));
      }
    },
    async submit(layer, pixels, more = {}) {
      client.say({ type: 'start', request: 1, layer, options: {}, ...more });
      const { job } = await client.hear('started');
      client.send(job, pixels);
      client.say({ type: 'uploaded', request: 2, job });
      await client.hear('received');
      await client.hear('job');
      return job;
    },
  };
  return client;
}

export const shape = (width: number, height: number): LayerShape => ({ width, height, channels: 4, depth: 8 });

/** Resolves when it holds; fails when that takes too long. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE; !holds(); ) {
    assert.ok(Date.now() < deadline, `never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
