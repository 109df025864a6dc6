/**
 * One job on the disk: a folder that only its owner can enter, whose files appear whole or not at all.
 *
 *   job.json      what was asked for; written when all pixels have come: a folder without it is no job yet, or no longer one
 *   input.raw     the layer; deleted when the job has ended
 *   checkpoint    the phases that are finished; likewise
 *   starts        a byte for each time a worker began, since the last checkpoint
 *   result.raw    the result's pixels
 *   result.json   all about the result; written last, so where it is, the job is done
 *   end.json      how it ended without a result
 *
 * The one idea: no file is ever changed, and which ones are there tells the state. So whatever is killed at whatever moment,
 * the next helper reads what happened from the folder.
 */
import { appendFile, type FileHandle, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import type { ErrorCode } from '../../shared/errors.ts';
import type { Kernel } from '../../shared/kernel.ts';
import { parseOptions, type UpscaleOptions } from '../../shared/options.ts';
import { failure, kernel, layer } from '../../shared/protocol/fields.ts';
import { writeAtomic } from '../atomic-file.ts';
import { bytesOf, type Failure, type LayerShape, type ResultInfo } from './jobs.ts';
import { damaged, isAbsent, onDisk } from './spool-errors.ts';

/** What was asked for. */
export interface JobRecord {
  readonly owner: string;
  readonly layer: LayerShape;
  readonly options: UpscaleOptions;
  /** The kernel, where it is known. */
  readonly kernel: Kernel | null;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** How a job ended without a result: `error` is null where it was cancelled. */
export interface Ending {
  readonly error: Failure | null;
}

/** What a folder says became of its job, and when (milliseconds since 1970; null while there is still work to do). */
export interface Outcome {
  readonly ended: number | null;
  readonly result: ResultInfo | null;
  readonly ending: Ending | null;
}

const FILE_MODE = 0o600;
const JOB = 'job.json';
const INPUT = 'input.raw';
const CHECKPOINT = 'checkpoint';
const STARTS = 'starts';
const RESULT_PIXELS = 'result.raw';
const RESULT = 'result.json';
const END = 'end.json';
const KEPT_AT_THE_END = [JOB, RESULT_PIXELS, RESULT, END];

const number = v.pipe(v.number(), v.finite());

const jobFile = v.object({
  owner: v.string(),
  layer,
  options: v.unknown(),
  kernel: v.nullable(kernel),
  created: number,
});

const resultFile = v.object({
  layer,
  bytes: number,
  kernel,
  kernelSource: v.picklist(['estimated', 'given', 'bicubic']),
  /** An earlier helper did not find out. */
  confidence: v.optional(v.nullable(number), null),
  notes: v.array(v.string()),
  noise: number,
  lrConsistency: number,
  timings: v.object({ prior: number, kernel: number, image: number, alpha: number, total: number }),
  versions: v.object({ kernelfusion: v.string(), node: v.string(), sharp: v.string(), onnxruntime: v.string() }),
  seed: number,
});

const endFile = v.object({ error: v.nullable(failure) });

/** JSON keeps every bit of a double; `makeKernel` would divide by a sum that is not exactly 1. */
const revived = ({ size, scale, data }: v.InferOutput<typeof kernel>): Kernel => {
  if (data.length !== size * size) throw damaged();
  return { size, scale, data: Float64Array.from(data) };
};
const plain = (k: Kernel) => ({ ...k, data: Array.from(k.data) });

/** Every function throws `SPOOL_UNAVAILABLE` where the disk fails or a file is damaged, `SPOOL_FULL` where it is full. */
export class JobFolder {
  readonly path: string;

  constructor(folder: string) {
    this.path = folder;
  }

  /** Makes the folder and the file its pixels go into. */
  begin(): Promise<FileHandle> {
    return onDisk(async () => {
      await mkdir(this.path, { mode: 0o700 });
      return open(this.file(INPUT), 'wx', FILE_MODE);
    });
  }

  writeRecord(record: JobRecord): Promise<void> {
    return this.write(JOB, JSON.stringify({ ...record, kernel: record.kernel && plain(record.kernel) }));
  }

  async readRecord(): Promise<JobRecord> {
    const found = await this.readJson(JOB, jobFile);
    if (!found) throw damaged();
    const { options, kernel, ...rest } = found;
    try {
      return { ...rest, options: parseOptions(options), kernel: kernel && revived(kernel) };
    } catch (error) {
      throw damaged(error);
    }
  }

  readInput(): Promise<Uint8Array> {
    return onDisk(() => readFile(this.file(INPUT)));
  }

  writeCheckpoint(pieces: readonly Uint8Array[]): Promise<void> {
    return this.write(CHECKPOINT, pieces);
  }

  readCheckpoint(): Promise<Uint8Array | null> {
    return onDisk(() => readFile(this.file(CHECKPOINT)).catch(nullWhereAbsent));
  }

  /** Counts a start; returns how many there were since `forgetStarts`, this one included. */
  countStart(): Promise<number> {
    return onDisk(async () => {
      await appendFile(this.file(STARTS), '.', { mode: FILE_MODE });
      return (await stat(this.file(STARTS))).size;
    });
  }

  forgetStarts(): Promise<void> {
    return onDisk(() => rm(this.file(STARTS), { force: true }));
  }

  async writeResult(info: ResultInfo, pixels: Uint8Array): Promise<void> {
    await this.write(RESULT_PIXELS, pixels);
    await this.write(RESULT, JSON.stringify({ ...info, kernel: plain(info.kernel) }));
  }

  openResult(): Promise<FileHandle> {
    return onDisk(() => open(this.file(RESULT_PIXELS), 'r'));
  }

  writeEnding(ending: Ending): Promise<void> {
    return this.write(END, JSON.stringify(ending));
  }

  /** What became of the job; throws `SPOOL_UNAVAILABLE` where something that is needed is missing or damaged. */
  async outcome({ layer }: JobRecord): Promise<Outcome> {
    const ending = await this.readJson(END, endFile);
    if (ending) {
      const { error } = ending;
      const told = error && { ...error, code: error.code as ErrorCode };
      return { ending: { error: told }, result: null, ended: await this.timeOf(END) };
    }
    const result = await this.readJson(RESULT, resultFile);
    if (result) {
      if ((await this.sizeOf(RESULT_PIXELS)) !== result.bytes) throw damaged();
      const info: ResultInfo = { ...result, kernel: revived(result.kernel) };
      return { ending: null, result: info, ended: await this.timeOf(RESULT) };
    }
    if ((await this.sizeOf(INPUT)) !== bytesOf(layer)) throw damaged();
    return { ending: null, result: null, ended: null };
  }

  /** Deletes what only work needs: input, checkpoint, what a worker was writing when it ended. */
  deleteWork(): Promise<void> {
    return this.deleteAllBut(KEPT_AT_THE_END);
  }

  /** The same where no result is wanted. */
  deletePixels(): Promise<void> {
    return this.deleteAllBut([JOB, END]);
  }

  /** Deletes what writers that were ended have left behind. */
  deleteRemains(): Promise<void> {
    return this.deleteAllBut([...KEPT_AT_THE_END, INPUT, CHECKPOINT, STARTS]);
  }

  /** Deletes everything. The record goes first: should this be interrupted, what is left is no job. */
  delete(): Promise<void> {
    return onDisk(async () => {
      await rm(this.file(JOB), { force: true });
      await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
    });
  }

  private file(name: string): string {
    return path.join(this.path, name);
  }

  private write(name: string, bytes: Parameters<typeof writeAtomic>[1]): Promise<void> {
    return onDisk(() => writeAtomic(this.file(name), bytes, undefined, FILE_MODE));
  }

  private deleteAllBut(names: readonly string[]): Promise<void> {
    return onDisk(async () => {
      for (const name of await readdir(this.path)) {
        if (!names.includes(name)) await rm(this.file(name), { recursive: true, force: true });
      }
    });
  }

  private async readJson<S extends v.GenericSchema>(name: string, schema: S): Promise<v.InferOutput<S> | null> {
    const text = await onDisk(() => readFile(this.file(name), 'utf8').catch(nullWhereAbsent));
    if (text === null) return null;
    try {
      return v.parse(schema, JSON.parse(text));
    } catch (error) {
      throw damaged(error);
    }
  }

  private async sizeOf(name: string): Promise<number | null> {
    return onDisk(async () => (await stat(this.file(name)).catch(nullWhereAbsent))?.size ?? null);
  }

  private timeOf(name: string): Promise<number> {
    return onDisk(async () => (await stat(this.file(name))).mtimeMs);
  }
}

function nullWhereAbsent(error: unknown): null {
  if (isAbsent(error)) return null;
  throw error;
}
