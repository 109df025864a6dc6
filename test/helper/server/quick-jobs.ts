/**
 * Jobs in a spool of their own, worked on by quick-worker.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type Logger, pino } from 'pino';
import { PHASES, type Phase } from '../../../helper/kernelfusion/method.ts';
import { bytesOf, type JobId, type JobInfo, type Jobs, type LayerShape } from '../../../helper/server/jobs.ts';
import { openJobs, type QueueOptions } from '../../../helper/server/queue.ts';
import type { Kernel } from '../../../shared/kernel.ts';
import { parseOptions } from '../../../shared/options.ts';

export const BEHAVIOURS = ['well', 'fail', 'exit', 'abort', 'hang', 'full'] as const;
export const OWNER = 'chrome-extension://one';
export const QUICK_WORKER = new URL('./quick-worker.js', import.meta.url);

export const shapeOf = (width: number, height = width): LayerShape => ({ width, height, channels: 4, depth: 8 });
export const quiet: Logger = pino({ level: 'silent' });

/** Pixels of a layer whose job misbehaves as told, in a phase. */
export interface Behaviour {
  /** Milliseconds a step; there are four a phase. */
  readonly pause?: number;
  readonly behaviour?: (typeof BEHAVIOURS)[number];
  readonly phase?: Phase;
}

export function pixelsOf(shape: LayerShape, { pause = 0, behaviour = 'well', phase = 'prior' }: Behaviour = {}) {
  const pixels = Uint8Array.from({ length: bytesOf(shape) }, (_, i) => (i * 37) % 251);
  pixels.set([pause, BEHAVIOURS.indexOf(behaviour), PHASES.indexOf(phase), 255]);
  return pixels;
}

export interface Bench {
  /** The spool. */
  readonly folder: string;
  open(options?: Partial<QueueOptions>): Promise<Jobs>;
  /** Deletes the spool. */
  remove(): void;
}

export function makeBench(parent = tmpdir()): Bench {
  const home = mkdtempSync(path.join(parent, 'kf-queue-'));
  const folder = path.join(home, 'jobs');
  return {
    folder,
    open: (options = {}) => openJobs({ folder, log: quiet, worker: QUICK_WORKER, ...options }),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Makes the computer's free memory as little as told, until it is called again (without: as it is) or the test ends. */
export function makeFreeMemory(t: TestContext): (bytes?: number) => void {
  const real = { free: os.freemem, total: os.totalmem };
  let bytes: number | undefined;
  t.mock.method(os, 'freemem', () => bytes ?? real.free());
  // Half of it counts as free on macOS.
  t.mock.method(os, 'totalmem', () => bytes ?? real.total());
  return (left) => {
    bytes = left;
  };
}

export interface Wanted extends Behaviour {
  readonly side?: number;
  readonly owner?: string;
  readonly options?: object;
  readonly kernel?: Kernel;
}

/** Uploads a layer in two pieces. */
export async function submit(jobs: Jobs, { side = 16, owner = OWNER, options = {}, kernel, ...how }: Wanted = {}) {
  const shape = shapeOf(side);
  const pixels = pixelsOf(shape, how);
  const upload = await jobs.create(owner, shape, parseOptions(options), kernel);
  await upload.write(0, pixels.subarray(0, 100));
  await upload.write(100, pixels.subarray(100));
  await upload.finish();
  return upload.id;
}

/** Waits until something is so of a job; fails after a while, telling how it is instead. */
export function until(jobs: Jobs, id: JobId, is: (info: JobInfo) => boolean, owner = OWNER): Promise<JobInfo> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => end(() => reject(new Error(`It is still so: ${JSON.stringify(last)}`))), 60_000);
    const end = (settle: () => void) => {
      clearTimeout(limit);
      unsubscribe();
      settle();
    };
    let last: JobInfo;
    const look = (info: JobInfo) => {
      last = info;
      if (is(info)) end(() => resolve(info));
    };
    const unsubscribe = jobs.subscribe(owner, id, look);
    look(jobs.info(owner, id));
  });
}

export const untilState = (jobs: Jobs, id: JobId, state: JobInfo['state'], owner = OWNER) =>
  until(jobs, id, (info) => info.state === state, owner);

export async function readResult(jobs: Jobs, id: JobId, owner = OWNER): Promise<Uint8Array> {
  const reader = await jobs.openResult(owner, id);
  try {
    return await reader.read(0, reader.bytes);
  } finally {
    await reader.close();
  }
}
