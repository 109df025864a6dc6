/**
 * The real listening end, gate, pairing and connections in this process, with jobs in memory; and ways to knock: bytes as they
 * are, or a panel.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { serveConnection } from '../../helper/server/connection.ts';
import { listen } from '../../helper/server/http-server.ts';
import { createLog } from '../../helper/server/log.ts';
import { createRedeemer, offerCode } from '../../helper/server/pairing.ts';
import { openTokenStore, type TokenStore } from '../../helper/server/token-store.ts';
import { SOCKET_PATH, socketUrl } from '../../shared/protocol/address.ts';
import { SUBPROTOCOL, TOKEN_PREFIX } from '../../shared/protocol/limits.ts';
import { createFakeJobs, type FakeJobs } from '../helper/server/fake-jobs.ts';
import { type Client, createClient } from '../helper/server/loopback.ts';

export const CHROME_ID = 'abcdefghijklmnopabcdefghijklmnop';
export const CHROME = `chrome-extension://${CHROME_ID}`;
export const FIREFOX = 'moz-extension://11111111-2222-4333-8444-555555555555';

export interface Gatehouse {
  readonly port: number;
  /** Where pairings and the code are kept. */
  readonly folder: string;
  readonly tokens: TokenStore;
  readonly jobs: FakeJobs;
  /** All that was logged, at the most talkative level. */
  log(): string;
  offer(): Promise<string>;
  close(): Promise<void>;
  /** A panel's socket: open, or the status with which it was refused. */
  knock(origin: string, token?: string): Promise<Client | number>;
  /** As `knock`, for sockets that have to open. */
  enter(origin: string, token?: string): Promise<Client>;
}

/** Closed and deleted at the end of the test. */
export async function startGatehouse(t: TestContext): Promise<Gatehouse> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kf-gate-'));
  let logged = '';
  const log = createLog('trace', {
    write: (line) => {
      logged += line;
    },
  });
  const tokens = openTokenStore(path.join(folder, 'panels'));
  const jobs = createFakeJobs();
  const redeem = createRedeemer(folder);
  const server = await listen({ port: 0, chromeIds: new Set([CHROME_ID]), tokens, redeem, log });
  server.open((socket, peer) => serveConnection(socket, peer, jobs, log));
  const { port } = server;
  t.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const knock: Gatehouse['knock'] = async (origin, token) => {
    const protocols = [SUBPROTOCOL, ...(token === undefined ? [] : [`${TOKEN_PREFIX}${token}`])];
    const client = createClient(new WebSocket(socketUrl(port), protocols, { origin }));
    return Promise.race([
      once(client.socket, 'open').then(() => client),
      new Promise<number>((resolve) => {
        client.socket.once('unexpected-response', (request, response) => {
          request.destroy();
          resolve(response.statusCode ?? 0);
        });
      }),
    ]);
  };

  return {
    port,
    folder,
    tokens,
    jobs,
    log: () => logged,
    offer: async () => (await offerCode(folder)).code,
    close: () => server.close(),
    knock,
    async enter(origin, token) {
      const client = await knock(origin, token);
      if (typeof client === 'number') throw new Error(`refused with ${client}`);
      return client;
    },
  };
}

/** Sends bytes as they are; resolves to all that comes back until the helper lets go, or until a socket has opened. */
export async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  socket.on('data', (bytes) => {
    if (String(bytes).startsWith('HTTP/1.1 101 ')) socket.destroy();
  });
  return everythingFrom(socket);
}

export async function everythingFrom(socket: Socket): Promise<string> {
  let heard = '';
  socket.setEncoding('latin1').on('data', (text) => {
    heard += text;
  });
  socket.on('error', () => {});
  await once(socket, 'close');
  return heard;
}

type Headers = readonly (readonly [name: string, value: string])[];

/** What a browser sends to open a socket from our extension; `replace` leaves out all headers of a name it has. */
export function upgradeRequest(port: number, replace: Headers = [], line = `GET ${SOCKET_PATH} HTTP/1.1`): string {
  const usual: Headers = [
    ['Host', `127.0.0.1:${port}`],
    ['Origin', CHROME],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
    ['Sec-WebSocket-Protocol', SUBPROTOCOL],
  ];
  const kept = usual.filter(([name]) => !replace.some(([other]) => other === name));
  const headers = [...kept, ...replace].filter(([, value]) => value !== ABSENT);
  return `${[line, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`;
}

/** As a header's value: that header is left out. */
export const ABSENT = '(absent)';

/** The status of an answer; 0 where there was none. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
