/**
 * The listening end: this computer's own address and no other, and of HTTP only what it takes to become a WebSocket. Whatever
 * else is asked gets an empty 404, without a word about what this is.
 *
 * On its way in a request meets the gate (gate.ts), then its token is looked up; only then the 101 is sent. A request without
 * a token gets a socket on which it can pair, and nothing else.
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { KernelFusionError } from '../../shared/errors.ts';
import { CLOSE_CODES } from '../../shared/protocol/close-codes.ts';
import { LARGEST_MESSAGE } from '../../shared/protocol/frames.ts';
import { SUBPROTOCOL } from '../../shared/protocol/limits.ts';
import type { Connection } from './connection.ts';
import { judge } from './gate.ts';
import type { Peer } from './hello.ts';
import { type Doorkeeper, servePairing } from './pairing-dialogue.ts';
import { createTokenTries } from './token-tries.ts';

/** Sockets of any kind, also those that have not said anything yet. */
const MOST_SOCKETS = 64;
const MOST_PANELS = 16;
const MOST_PAIRING = 4;
/** Milliseconds in which a request has to be complete. */
const REQUEST_LIMIT = 5_000;
/** Milliseconds between looks for connections whose pairing was revoked, by another process perhaps. */
const REVOCATION_CHECK = 2_000;
/** Milliseconds that connections may take to end in order. */
const CLOSE_LIMIT = 2_000;

/** `closeTimeout` is in ws since 8.20; its types do not know it yet. */
export const PANEL_SOCKETS: ServerOptions & { closeTimeout: number } = {
  noServer: true,
  handleProtocols: () => SUBPROTOCOL,
  perMessageDeflate: false,
  maxPayload: LARGEST_MESSAGE,
  // Firefox sends a long message whole; Chromium splits it where its own pipe of 128 KiB happens to end: measured (156), the
  // largest of ours comes in 9 fragments, in 17 where it is read slowly, and nothing says that these are the most. A thousand
  // cost a few hundred kilobytes of bookkeeping, and keep a flood of tiny ones out all the same.
  maxFragments: 1024,
  // Pieces of one fragment as they came from the network, 64 KiB each as a rule.
  maxBufferedChunks: 4096,
  closeTimeout: 3_000,
};
const PAIRING_SOCKETS = { ...PANEL_SOCKETS, maxPayload: 1024, maxFragments: 4 };

export interface GateOptions extends Doorkeeper {
  /** 0: any that is free. */
  readonly port: number;
  readonly chromeIds: ReadonlySet<string>;
}

/** Takes over the socket of a panel that is known; called in the tick in which it opened. */
export type ServePanel = (socket: WebSocket, peer: Peer) => Connection;

export interface GateServer {
  readonly port: number;
  /** From now on panels are let in; before, every request is answered with 503. */
  open(serve: ServePanel): void;
  /** Takes no more connections, ends those there are, within three seconds. */
  close(): Promise<void>;
}

/** Listens. Throws `PORT_IN_USE`. */
export async function listen(options: GateOptions): Promise<GateServer> {
  const { chromeIds, tokens, log } = options;
  const panels = new WebSocketServer(PANEL_SOCKETS);
  const pairings = new WebSocketServer(PAIRING_SOCKETS);
  /** What goes on, and for panels the id of the pairing it goes on by. */
  const connections = new Map<Connection, string | null>();
  const judgeToken = createTokenTries();
  let serve: ServePanel | null = null;

  const http = createServer(
    {
      headersTimeout: REQUEST_LIMIT,
      requestTimeout: REQUEST_LIMIT,
      connectionsCheckingInterval: 500,
      maxHeaderSize: 8192,
    },
    (_, response) => {
      response.sendDate = false;
      response.writeHead(404, { Connection: 'close', 'Content-Length': 0 }).end();
    },
  );
  http.maxConnections = MOST_SOCKETS;
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    admit(request, socket, head).catch((err) => {
      log.error({ err }, 'a connection could not be let in');
      socket.destroy();
    });
  });
  const port = await bind(http, options.port);
  http.on('error', (err) => log.error({ err }, 'a connection could not be accepted'));

  function keep(connection: Connection, pairing: string | null): void {
    connections.set(connection, pairing);
    void connection.closed.then(() => connections.delete(connection));
  }

  async function admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const verdict = judge(request, { port, chromeIds });
    if (!verdict.admitted) {
      // Any web page can cause as many of these as it likes: they must not fill a log.
      log.debug({ rule: verdict.rule }, 'a connection was refused');
      return refuse(socket, verdict.status);
    }
    const { origin, token } = verdict;
    if (token === null) {
      if (serve === null || pairings.clients.size >= MOST_PAIRING) return refuse(socket, 503);
      return pairings.handleUpgrade(request, socket, head, (opened) => {
        keep(servePairing(opened, origin, options), null);
      });
    }
    const judged = await judgeToken(() => tokens.find(origin, token));
    if (judged.kind === 'busy') return refuse(socket, 503);
    if (judged.kind === 'wrong') {
      log[judged.late ? 'debug' : 'warn']({ origin, rule: 'token' }, 'a connection was refused');
      return refuse(socket, 401);
    }
    if (serve === null || panels.clients.size >= MOST_PANELS) return refuse(socket, 503);
    const { helperKey, id } = judged.known;
    const take = serve;
    panels.handleUpgrade(request, socket, head, (opened) => {
      log.info({ origin, pairing: id }, 'a panel connected');
      keep(take(opened, { origin, port, helperKey }), id);
    });
  }

  async function endRevoked(): Promise<void> {
    for (const [connection, pairing] of connections) {
      if (pairing === null || (await tokens.has(pairing))) continue;
      log.info({ pairing }, 'the pairing of a connected panel was revoked');
      const reason = new KernelFusionError('NOT_PAIRED', 'The pairing was revoked: pair this panel again.');
      connection.end(CLOSE_CODES.REVOKED, reason);
    }
  }
  const revocationCheck = setInterval(() => {
    endRevoked().catch((err) => log.error({ err }, 'revoked pairings could not be looked for'));
  }, REVOCATION_CHECK);

  return {
    port,
    open(serving) {
      serve = serving;
    },
    async close() {
      serve = null;
      clearInterval(revocationCheck);
      const stopped = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      for (const connection of connections.keys()) connection.end(CLOSE_CODES.GOING_AWAY);
      const limit = new AbortController();
      const late = wait(CLOSE_LIMIT, undefined, { signal: limit.signal }).then(
        () => {
          for (const socket of [...panels.clients, ...pairings.clients]) socket.terminate();
        },
        () => undefined,
      );
      await Promise.all([...connections.keys()].map(({ closed }) => closed));
      await stopped;
      limit.abort();
      await late;
    },
  };
}

/** Resolves to the port. */
function bind(http: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'is used by another program' : `cannot be used here (${cause.code})`;
      reject(new KernelFusionError('PORT_IN_USE', `Port ${port} ${why}: choose another with --port.`, { cause }));
    };
    http.once('error', fail).listen(port, '127.0.0.1', () => {
      http.off('error', fail);
      resolve((http.address() as AddressInfo).port);
    });
  });
}

/** Answers with a status and nothing else, and lets go. */
function refuse(socket: Duplex, status: number): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
