/**
 * `Jobs` in memory, worked by the test: jobs go on when the test says so. It keeps to the contract of helper/server/jobs.ts,
 * and counts what is open so that tests can see what a connection leaves behind.
 */

import {
  bytesOf,
  type Failure,
  type JobId,
  type JobInfo,
  type JobProgress,
  type Jobs,
  type LayerShape,
  type ResultReader,
  type Upload,
} from '../../../helper/server/jobs.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { bicubicKernel, type Kernel } from '../../../shared/kernel.ts';
import type { UpscaleOptions } from '../../../shared/options.ts';

interface Kept {
  info: JobInfo;
  readonly pixels: Uint8Array;
  readonly kernel: Kernel | undefined;
  result: Uint8Array;
  readonly listeners: Set<(info: JobInfo) => void>;
}

export interface FakeJobs extends Jobs {
  /** Awaited before each write; throw in it to break the disk. */
  beforeWrite: (offset: number) => Promise<void>;
  /** Awaited in each cancel. */
  beforeCancel: () => Promise<void>;
  /** What `create` and `estimate` refuse. */
  refusal: Failure | null;
  /** Bytes read of results. */
  bytesRead: number;
  openReaders: number;
  pixels(id: JobId): Uint8Array;
  kernel(id: JobId): Kernel | undefined;
  subscribers(id: JobId): number;
  queue(id: JobId, position: number, shortage?: Failure): void;
  run(id: JobId, progress: JobProgress): void;
  /** Ends a job with these pixels, as many rows and columns as the layer has. */
  finish(id: JobId, result: Uint8Array): void;
  fail(id: JobId, error: Failure): void;
}

export function createFakeJobs(): FakeJobs {
  const kept = new Map<JobId, Kept>();
  let made = 0;

  const find = (owner: string, id: JobId): Kept => {
    const job = kept.get(id);
    if (job?.info.owner !== owner) throw new KernelFusionError('NO_SUCH_JOB', 'There is no such job.');
    return job;
  };
  const change = (id: JobId, part: Partial<JobInfo>) => {
    const job = kept.get(id)!;
    job.info = { ...job.info, ...part };
    tell(job);
  };
  const tell = ({ info, listeners }: Kept) => {
    for (const listener of listeners) listener(info);
  };
  const remove = (id: JobId) => {
    const job = kept.get(id);
    kept.delete(id);
    if (job) tell(job);
  };
  const refuse = () => {
    if (fake.refusal) throw new KernelFusionError(fake.refusal.code, fake.refusal.sentence);
  };

  const fake: FakeJobs = {
    beforeWrite: async () => {},
    beforeCancel: async () => {},
    refusal: null,
    bytesRead: 0,
    openReaders: 0,

    estimate: (layer) => ({ seconds: 3, memory: bytesOf(layer) * 10, disk: bytesOf(layer) * 5, refusal: fake.refusal }),

    async create(owner: string, layer: LayerShape, options: UpscaleOptions, kernel?: Kernel): Promise<Upload> {
      refuse();
      const id = `job${String(made++).padStart(23, '0')}`;
      const pixels = new Uint8Array(bytesOf(layer));
      const info: JobInfo = { id, owner, state: 'uploading', position: 0, layer, options, created: 1 };
      kept.set(id, { info, pixels, kernel, result: new Uint8Array(0), listeners: new Set() });
      let written = 0;
      return {
        id,
        async write(offset, bytes) {
          await fake.beforeWrite(offset);
          if (offset !== written || written + bytes.length > pixels.length)
            throw new Error('the receiver let this pass');
          pixels.set(bytes, offset);
          written += bytes.length;
        },
        async finish() {
          if (written < pixels.length) {
            remove(id);
            throw new KernelFusionError('BAD_UPLOAD', `${pixels.length - written} bytes are missing.`);
          }
          change(id, { state: 'queued', position: 1 });
        },
        async abandon() {
          if (kept.get(id)?.info.state === 'uploading') remove(id);
        },
      };
    },

    info: (owner, id) => find(owner, id).info,
    list: (owner) => [...kept.values()].map(({ info }) => info).filter((info) => info.owner === owner),

    subscribe(owner, id, listener) {
      const { listeners } = find(owner, id);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async cancel(owner, id) {
      const { state } = find(owner, id).info;
      await fake.beforeCancel();
      if (state === 'queued' || state === 'running') change(id, { state: 'cancelled', position: 0 });
    },

    async forget(owner, id) {
      find(owner, id);
      remove(id);
    },

    async openResult(owner, id): Promise<ResultReader> {
      const { info, result } = find(owner, id);
      if (info.state !== 'done') throw new KernelFusionError('JOB_NOT_DONE', 'The job has no result yet.');
      fake.openReaders++;
      return {
        bytes: result.length,
        async read(offset, length) {
          fake.bytesRead += length;
          return result.slice(offset, offset + length);
        },
        async close() {
          fake.openReaders--;
        },
      };
    },

    startNoMore() {},
    async close() {},

    pixels: (id) => kept.get(id)!.pixels,
    kernel: (id) => kept.get(id)!.kernel,
    subscribers: (id) => kept.get(id)?.listeners.size ?? 0,
    queue: (id, position, shortage) => change(id, { state: 'queued', position, ...(shortage && { shortage }) }),
    run: (id, progress) => change(id, { state: 'running', position: 0, progress }),
    fail: (id, error) => change(id, { state: 'failed', position: 0, error }),

    finish(id, result) {
      const job = kept.get(id)!;
      job.result = result;
      const kernel = bicubicKernel(2);
      change(id, {
        state: 'done',
        position: 0,
        result: {
          layer: job.info.layer,
          bytes: result.length,
          kernel,
          kernelSource: 'estimated',
          confidence: 0.75,
          notes: [],
          noise: 0.5,
          lrConsistency: 44,
          timings: { prior: 1, kernel: 1, image: 1, alpha: 0, total: 3 },
          versions: { kernelfusion: '0', node: '0', sharp: '0', onnxruntime: '0' },
          seed: job.info.options.seed,
        },
      });
    },
  };
  return fake;
}
