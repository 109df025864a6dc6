/**
 * A result on its way out: read and sent piece by piece, each when there is room. Room is both what the socket still holds and
 * what the client has not yet said it received, so neither side ever keeps more than a window in memory.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import { CHUNK, WINDOW } from '../../shared/protocol/limits.ts';
import type { JobId, ResultReader } from './jobs.ts';
import type { Outgoing } from './outgoing.ts';

export interface Download {
  /** The client has everything before this byte. Throws `BAD_MESSAGE` where that cannot be. */
  received(bytes: number): void;
  /** Sends nothing more. */
  stop(): void;
  /** Resolves when all is sent or it was stopped, rejects with what reading threw; the reader is then closed. */
  readonly done: Promise<void>;
}

/** @param start the first byte to send */
export function sendResult(reader: ResultReader, job: JobId, start: number, outgoing: Outgoing): Download {
  let sent = start;
  let acknowledged = start;
  let stopped = false;

  const hasRoom = () => stopped || (!outgoing.isFull() && sent + CHUNK - acknowledged <= WINDOW);
  const sendAll = async () => {
    try {
      for (let sequence = 0; sent < reader.bytes; sequence++) {
        await outgoing.until(hasRoom);
        if (stopped) return;
        const payload = await reader.read(sent, Math.min(CHUNK, reader.bytes - sent));
        if (stopped) return;
        outgoing.frame({ type: 'result', job, sequence, offset: sent, payload });
        sent += payload.length;
      }
    } finally {
      await reader.close();
    }
  };

  return {
    received(bytes) {
      if (bytes > sent || bytes < acknowledged) {
        throw new KernelFusionError('BAD_MESSAGE', 'The result was said to be received further than it was sent.');
      }
      acknowledged = bytes;
      outgoing.look();
    },
    stop() {
      stopped = true;
      outgoing.look();
    },
    done: sendAll(),
  };
}
