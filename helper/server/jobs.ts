/**
 * What a connection may ask of the jobs. A job is not a connection: it belongs to an owner (the Origin that made it), outlives
 * every socket, and is found again by its id.
 *
 * Every function throws `KernelFusionError`s. Somebody else's job is `NO_SUCH_JOB`: that it exists is nobody's business.
 */
import type { ErrorCode } from '../../shared/errors.ts';
import type { Kernel } from '../../shared/kernel.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import type { KernelSource, Phase } from '../kernelfusion/method.ts';
import type { Timings } from '../progress.ts';
import type { Versions } from '../versions.ts';

/** See `JOB_ID` in shared/protocol/fields.ts. */
export type JobId = string;

/** `uploading` -> `queued` -> `running` -> `done`, `failed` or `cancelled`; a running job that is interrupted, or meets a shortage, is queued again. */
export type JobState = 'uploading' | 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** Rows of RGBA pixels, 8 bits a value, alpha not premultiplied: width * height * 4 bytes. */
export interface LayerShape {
  readonly width: number;
  readonly height: number;
  readonly channels: 4;
  readonly depth: 8;
}

export const bytesOf = ({ width, height, channels }: LayerShape): number => width * height * channels;

export interface Failure {
  readonly code: ErrorCode;
  readonly sentence: string;
}

export interface JobInfo {
  readonly id: JobId;
  readonly owner: string;
  readonly state: JobState;
  /** Jobs that come before this one; 0 for one that runs or has ended. */
  readonly position: number;
  readonly layer: LayerShape;
  readonly options: UpscaleOptions;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Of a running job, and the last of one that failed or was cancelled. */
  readonly progress?: JobProgress;
  /** Where `queued`: what there is too little of at the moment (memory, room on the disk), and what to do about it. */
  readonly shortage?: Failure;
  /** Where `done`. */
  readonly result?: ResultInfo;
  /** Where `failed`. */
  readonly error?: Failure;
}

/** A small picture of how the result looks so far: RGBA, at most 256 pixels a side. */
export interface Preview {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

export interface JobProgress {
  readonly phase: Phase;
  /** Share of the whole job that is done, 0 .. 1. */
  readonly fraction: number;
  /** `null` while nothing is known about the speed. */
  readonly etaSeconds: number | null;
  /** What made it go on in another way than it began, if anything did: a sentence for the person. */
  readonly note?: string;
  /** The latest there is: both stay until a newer one replaces them. */
  readonly kernel?: Kernel;
  readonly preview?: Preview;
}

export interface ResultInfo {
  readonly layer: LayerShape;
  /** Size of the result's pixels. */
  readonly bytes: number;
  readonly kernel: Kernel;
  readonly kernelSource: KernelSource;
  /** Probability, 0 .. 1, that the kernel found is better than the plain one; `null` where that is not known. */
  readonly confidence: number | null;
  /** Sentences for the person: a fall-back that was taken and why. */
  readonly notes: readonly string[];
  /** Standard deviation of the noise that was assumed, in 8-bit levels. */
  readonly noise: number;
  /** PSNR in dB between the layer and the result blurred and reduced again. */
  readonly lrConsistency: number;
  /** Seconds of the run that finished it: what an earlier one had done before it was interrupted is not counted. */
  readonly timings: Timings;
  readonly versions: Versions;
  readonly seed: number;
}

/** What a job would take, told before a pixel is sent. */
export interface Estimate {
  readonly seconds: number;
  /** Bytes of memory at its peak. */
  readonly memory: number;
  /** Bytes on the disk, until the result is fetched. */
  readonly disk: number;
  /** Why `create` would refuse it at this moment; `null` where it would not. */
  readonly refusal: Failure | null;
}

/** The pixels of a new job on their way in: in order, without gaps, exactly as many as the shape says. */
export interface Upload {
  readonly id: JobId;
  /**
   * Throws `BAD_UPLOAD` (not where the last one ended, beyond the declared size, or after the end), `SPOOL_FULL`,
   * `SPOOL_UNAVAILABLE`; the job is then gone.
   */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** All is there: queues the job. Throws `BAD_UPLOAD` where bytes are missing (the job is then gone), and as `write` does. */
  finish(): Promise<void>;
  /** Deletes what came so far. May be called at any time, also twice or after `finish` (then it does nothing). */
  abandon(): Promise<void>;
}

/** The pixels of a result: rows of RGBA. Stay readable while open, even if the job is forgotten meanwhile. */
export interface ResultReader {
  readonly bytes: number;
  /** Exactly `length` bytes. Throws `RangeError` outside of 0 .. bytes, `SPOOL_UNAVAILABLE` where the disk fails. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface Jobs {
  /** Throws `INPUT_TOO_LARGE`, `INPUT_TOO_SMALL`, `BAD_OPTION`: what no moment could change. */
  estimate(layer: LayerShape, options: UpscaleOptions, givenSide?: number): Estimate;

  /**
   * Opens a job for its pixels. `kernel`: skips the estimation.
   * Throws what `estimate` throws, `BAD_KERNEL`, `NOT_ENOUGH_MEMORY`, `TOO_MANY_JOBS`, `SPOOL_FULL`, `SPOOL_UNAVAILABLE`.
   */
  create(owner: string, layer: LayerShape, options: UpscaleOptions, kernel?: Kernel): Promise<Upload>;

  /** Throws `NO_SUCH_JOB`. */
  info(owner: string, id: JobId): JobInfo;

  /** The owner's jobs, oldest first. */
  list(owner: string): JobInfo[];

  /**
   * Calls `listener` at every change of state, position or progress until the returned function is called, and once more when
   * the job is forgotten or expires (its state then is the last it had). It is not called at once: ask `info`.
   * Throws `NO_SUCH_JOB`.
   */
  subscribe(owner: string, id: JobId, listener: (info: JobInfo) => void): () => void;

  /**
   * Resolves when the job is `cancelled` and nothing of it computes any more (an upload: when it is gone). Does nothing to a
   * job that has ended. Throws `NO_SUCH_JOB`.
   */
  cancel(owner: string, id: JobId): Promise<void>;

  /** Deletes the job and its files: acknowledges a result, or cancels first where needed. Throws `NO_SUCH_JOB`. */
  forget(owner: string, id: JobId): Promise<void>;

  /** Throws `NO_SUCH_JOB`, `JOB_NOT_DONE`, `SPOOL_UNAVAILABLE`. */
  openResult(owner: string, id: JobId): Promise<ResultReader>;

  /** Starts no job any more; what runs goes on until `close`, which has to follow. */
  startNoMore(): void;

  /** Stops the worker where it stands and keeps all queued, running and finished jobs for the next start. */
  close(): Promise<void>;
}
