/**
 * A layer on its way in. Its frames are taken in order and written one after the other; how much is written is told every few
 * frames, and a client that sends further ahead than the window is no client of ours.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Frame } from '../../shared/protocol/frames.ts';
import { ACKNOWLEDGE_EVERY, CHUNK, WINDOW } from '../../shared/protocol/limits.ts';
import type { Upload } from './jobs.ts';

export interface LayerReceiver {
  take(frame: Frame): void;
  /** Queues the job when all is written. Throws `BAD_UPLOAD` where bytes are missing; the job is then gone. */
  finish(): Promise<void>;
  /** Deletes what came; further frames are overlooked. */
  abandon(): Promise<void>;
  /** Resolves when it was finished or abandoned, rejects with what went wrong before that; the job is then gone. */
  readonly done: Promise<void>;
}

/**
 * @param bytes the layer's size, as declared
 * @param acknowledge told how many bytes are written
 */
export function receiveLayer(upload: Upload, bytes: number, acknowledge: (bytes: number) => void): LayerReceiver {
  let frames = 0;
  let arrived = 0;
  let written = 0;
  let acknowledged = 0;
  let isOver = false;
  /** Ends when everything taken so far is written. Never rejects. */
  let writing: Promise<void> = Promise.resolve();
  let settle: { resolve: () => void; reject: (error: unknown) => void };
  const done = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });

  const fail = async (error: unknown) => {
    if (isOver) return;
    isOver = true;
    await upload.abandon().catch(() => undefined); // What went wrong first is what should be told.
    settle.reject(error);
  };
  const refuse = (sentence: string) => void fail(new KernelFusionError('BAD_UPLOAD', sentence));
  const write = async (offset: number, payload: Uint8Array) => {
    if (isOver) return;
    await upload.write(offset, payload);
    written += payload.length;
    const isDue = written - acknowledged >= ACKNOWLEDGE_EVERY || written === bytes;
    if (isOver || !isDue) return;
    acknowledged = written;
    acknowledge(written);
  };

  return {
    done,

    take({ sequence, offset, payload }) {
      if (isOver) return;
      const wanted = Math.min(CHUNK, bytes - arrived);
      if (wanted === 0) return refuse('More bytes came than the layer has.');
      if (sequence !== frames || offset !== arrived) return refuse('A piece of the layer is missing.');
      if (payload.length !== wanted) return refuse(`A piece of the layer has ${payload.length} bytes, not ${wanted}.`);
      if (arrived + wanted - acknowledged > WINDOW) return refuse('The layer came faster than allowed.');
      frames++;
      arrived += wanted;
      writing = writing.then(() => write(offset, payload)).catch(fail);
    },

    async finish() {
      await writing;
      if (isOver) throw new KernelFusionError('BAD_UPLOAD', 'The upload has ended before.');
      isOver = true;
      await upload.finish().finally(settle.resolve);
    },

    async abandon() {
      isOver = true;
      await upload.abandon().finally(settle.resolve);
    },
  };
}
