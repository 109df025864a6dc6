/**
 * What a connection sends. Two kinds of things, told apart because a peer may read slowly: control messages, which are few and
 * must arrive, and frames, which are many and wait for room. A peer that lets even control messages pile up is cut off.
 */
import type { WebSocket } from 'ws';
import { encodeFrame, type Frame } from '../../shared/protocol/frames.ts';
import { CHUNK } from '../../shared/protocol/limits.ts';
import type { HelperMessage } from '../../shared/protocol/messages.ts';

/** Bytes a socket keeps before frames of a transfer wait. */
const FULL = 4 * CHUNK;
/** Bytes a socket keeps before what can be dropped is dropped. */
const BEHIND = CHUNK;
/** Bytes a socket keeps before it is given up. Above what transfers may put there, so only unread answers reach it. */
const HOPELESS = 4 * FULL;

export interface Outgoing {
  message(message: HelperMessage): void;
  frame(frame: Frame): void;
  /** The peer reads slowly: what a later message makes up for should not be sent. */
  isBehind(): boolean;
  /** Frames of a transfer have to wait. */
  isFull(): boolean;
  /** Resolves once `holds()` does. It is asked whenever bytes have left, and at every `look()`. */
  until(holds: () => boolean): Promise<void>;
  look(): void;
}

/** Nothing is thrown for a socket that has closed: what is sent to it is lost. */
export function createOutgoing(socket: WebSocket): Outgoing {
  let waiting: (() => void)[] = [];
  const look = () => {
    const asked = waiting;
    waiting = [];
    for (const ask of asked) ask();
  };
  const send = (data: string | Uint8Array) => {
    if (socket.readyState === socket.OPEN) socket.send(data, look);
  };

  return {
    message(message) {
      send(JSON.stringify(message));
      if (socket.bufferedAmount > HOPELESS) socket.terminate();
    },
    frame: (frame) => send(encodeFrame(frame)),
    isBehind: () => socket.bufferedAmount > BEHIND,
    isFull: () => socket.bufferedAmount >= FULL,
    async until(holds) {
      while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    look,
  };
}
