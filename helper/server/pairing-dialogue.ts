/**
 * What may be said on a socket whose panel is not known: the code, and nothing else. The right one is answered with the
 * panel's secrets; then the socket closes, and the panel comes back with its token.
 */
import type { Logger } from 'pino';
import type { RawData, WebSocket } from 'ws';
import { KernelFusionError } from '../../shared/errors.ts';
import { CLOSE_CODES } from '../../shared/protocol/close-codes.ts';
import { type HelperMessage, parseClientMessage } from '../../shared/protocol/messages.ts';
import { toCoded } from '../failure.ts';
import type { Connection } from './connection.ts';
import type { TokenStore } from './token-store.ts';

const NORMAL = 1000;
/** Long enough to fetch the code from another window and type it; then the panel opens a new socket. */
const LIMIT = 60_000;

export interface Doorkeeper {
  /** Uses up a code, or throws (pairing.ts). */
  readonly redeem: (code: string) => Promise<void>;
  readonly tokens: TokenStore;
  readonly log: Logger;
}

/** @param limit milliseconds after which the socket is closed. Call it in the same tick in which the socket opened. */
export function servePairing(
  socket: WebSocket,
  origin: string,
  { redeem, tokens, log }: Doorkeeper,
  limit = LIMIT,
): Connection {
  const send = (message: HelperMessage) => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  };
  const tell = ({ code, message }: KernelFusionError) => send({ type: 'error', code, sentence: message });
  const end = (code: number, reason?: KernelFusionError) => {
    if (reason) tell(reason);
    socket.close(code);
  };

  const late = new KernelFusionError('NO_CODE', 'No pairing code came in time: connect again to type one.');
  const timer = setTimeout(() => end(CLOSE_CODES.NO_PAIRING, late), limit);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });

  async function pair(code: string): Promise<void> {
    try {
      await redeem(code);
      const secrets = await tokens.add(origin);
      log.info({ origin }, 'paired');
      send({ type: 'paired', ...secrets });
      socket.close(NORMAL);
    } catch (error) {
      const coded = toCoded(error);
      log.warn({ origin, err: error }, 'not paired');
      tell(coded);
    }
  }

  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (socket.readyState !== socket.OPEN) return;
    try {
      const message = isBinary ? null : parseClientMessage(data.toString());
      if (message?.type !== 'pair') {
        throw new KernelFusionError('BAD_MESSAGE', 'This panel is not paired yet: only a pairing code is expected.');
      }
      void pair(message.code);
    } catch (error) {
      end(CLOSE_CODES.BAD_MESSAGE, toCoded(error));
    }
  });
  // What the socket itself refused (a message too long, say): it closes by itself.
  socket.on('error', (err) => log.info({ err }, 'a pairing connection broke'));

  return { closed, end };
}
