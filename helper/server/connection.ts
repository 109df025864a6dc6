/**
 * One socket after the gate, from hello to close: takes messages apart, answers every failure with a coded error, and sees to
 * it that a connection which is dead, silent or not ours ends.
 */
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import { type ErrorCode, KernelFusionError } from '../../shared/errors.ts';
import { CLOSE_CODES } from '../../shared/protocol/close-codes.ts';
import { decodeFrame } from '../../shared/protocol/frames.ts';
import { MOST_REQUESTS } from '../../shared/protocol/limits.ts';
import { type ClientMessage, parseClientMessage } from '../../shared/protocol/messages.ts';
import { toCoded } from '../failure.ts';
import { startHeartbeat } from './heartbeat.ts';
import { answerHello, type Peer } from './hello.ts';
import type { JobId, Jobs } from './jobs.ts';
import { createOutgoing } from './outgoing.ts';
import { createSession, type Request } from './session.ts';
import { createSlots } from './slots.ts';

export interface ConnectionTimes {
  /** Milliseconds in which `hello` has to come. */
  readonly hello: number;
  /** Milliseconds of silence after which a connection that waits for no job is closed. */
  readonly idle: number;
  /** Milliseconds between pings. */
  readonly ping: number;
}

const TIMES: ConnectionTimes = { hello: 5_000, idle: 600_000, ping: 15_000 };

export interface Connection {
  /** Resolves when the socket has closed and unfinished uploads are deleted. Never rejects. */
  readonly closed: Promise<void>;
  /** Ends it in order: frames that were begun, then the reason where there is one, then the close. */
  end(code: number, reason?: KernelFusionError): void;
}

/** Failures after which there is nothing more to say. */
const FATAL: Partial<Record<ErrorCode, number>> = {
  BAD_MESSAGE: CLOSE_CODES.BAD_MESSAGE,
  HELPER_OUTDATED: CLOSE_CODES.OUTDATED,
  PANEL_OUTDATED: CLOSE_CODES.OUTDATED,
};

/** Takes the socket over. Call it in the tick in which the socket opened: a message may follow in the next. */
export function serveConnection(
  socket: WebSocket,
  peer: Peer,
  jobs: Jobs,
  log: Logger,
  times: ConnectionTimes = TIMES,
): Connection {
  const outgoing = createOutgoing(socket);
  const session = createSession(peer.origin, jobs, outgoing, (error, job) => fail(error, { job }));
  const takeRequestSlot = createSlots(MOST_REQUESTS, 'Too many requests wait for an answer.');
  let isWelcome = false;
  let isOver = false;

  const stopHeartbeat = startHeartbeat(socket, times.ping);
  const helloTimer = setTimeout(() => {
    end(CLOSE_CODES.NO_HELLO, new KernelFusionError('NO_HELLO', 'The panel did not say hello in time.'));
  }, times.hello);
  const idleTimer = setTimeout(() => {
    if (session.isWaiting()) idleTimer.refresh();
    else end(CLOSE_CODES.IDLE);
  }, times.idle);

  function end(code: number, reason?: KernelFusionError) {
    if (isOver) return;
    isOver = true;
    void session.close();
    if (reason) outgoing.message({ type: 'error', code: reason.code, sentence: reason.message });
    socket.close(code);
  }

  function fail(error: unknown, about?: { request: number } | { job: JobId }) {
    const coded = toCoded(error);
    if (coded.code === 'INTERNAL') log.error({ err: coded.cause ?? coded }, 'a request met a mistake of ours');
    else log.debug({ code: coded.code, ...about }, 'a request was refused');
    const fatal = FATAL[coded.code] ?? (about ? undefined : CLOSE_CODES.INTERNAL);
    if (fatal !== undefined) return end(fatal, coded);
    if (!isOver) outgoing.message({ type: 'error', ...about, code: coded.code, sentence: coded.message });
  }

  function hear(message: ClientMessage) {
    if (message.type === 'hello' || message.type === 'pair' || !isWelcome) return greet(message);
    if (message.type === 'ping') return outgoing.message({ type: 'pong' });
    if (message.type === 'received') return session.received(message.job, message.bytes);
    void answer(message);
  }

  function greet(message: ClientMessage) {
    if (isWelcome || message.type !== 'hello') {
      throw new KernelFusionError('BAD_MESSAGE', `A message came out of turn: "${message.type}".`);
    }
    outgoing.message(answerHello(message, peer));
    isWelcome = true;
    clearTimeout(helloTimer);
    log.info({ client: message.client }, 'a panel said hello');
  }

  async function answer(request: Request): Promise<void> {
    try {
      const freeSlot = takeRequestSlot();
      await session.answer(request).finally(freeSlot);
    } catch (error) {
      fail(error, { request: request.request });
    }
  }

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isOver) return;
    idleTimer.refresh();
    try {
      if (!isBinary) hear(parseClientMessage(data.toString()));
      else if (isWelcome) session.take(decodeFrame(data));
      else throw new KernelFusionError('BAD_MESSAGE', 'A frame came before the hello.');
    } catch (error) {
      fail(error);
    }
  });
  // A breach of RFC 6455 or of the size limits: ws closes the socket with the fitting code, there is nothing left to do.
  socket.on('error', (error: NodeJS.ErrnoException) => log.debug({ code: error.code }, 'a socket broke'));

  const closed = new Promise<void>((resolve) => {
    socket.once('close', async (code: number) => {
      isOver = true;
      stopHeartbeat();
      clearTimeout(helloTimer);
      clearTimeout(idleTimer);
      await session.close();
      log.info({ code }, 'a connection has ended');
      resolve();
    });
  });

  return { closed, end };
}
