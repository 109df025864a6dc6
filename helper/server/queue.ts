/**
 * The jobs of this computer, one worked on at a time: who waits, who runs, what became of the others.
 *
 * What has to outlive this process is in the job folders (job-folder.ts); here is what lives between starts: the order, the
 * worker, the progress, and who listens. Ended jobs are kept until their owner forgets them, or for a day.
 *
 * Where memory or disk is short a job that was taken waits, for a day at the most, with all it has finished: shortages pass.
 */
import type { Logger } from 'pino';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Kernel } from '../../shared/kernel.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import { bytesInWords } from '../amounts.ts';
import { toCoded } from '../failure.ts';
import {
  assumedSpeeds,
  checkShape,
  diskNeeded,
  kindOf,
  memoryRefusal,
  predictMemory,
  resultBytes,
  workOf,
} from './estimate.ts';
import type { JobFolder, JobRecord } from './job-folder.ts';
import type {
  Estimate,
  Failure,
  JobId,
  JobInfo,
  JobProgress,
  JobState,
  Jobs,
  LayerShape,
  ResultInfo,
  ResultReader,
  Upload,
} from './jobs.ts';
import { LayerUpload } from './layer-upload.ts';
import { resultReader } from './result-file.ts';
import { type FoundJob, folderOf, freeDisk, newJobId, openSpool } from './spool.ts';
import { isAbsent, spoolFull } from './spool-errors.ts';
import { givenUp, judge, judgeFailure, MOST_STARTS, type Verdict } from './verdict.ts';
import { type RunningWorker, startWorker } from './worker-handle.ts';
import type { WorkerMessage } from './worker-messages.ts';

export interface QueueOptions {
  /** The spool: <state folder>/jobs. */
  readonly folder: string;
  readonly log: Logger;
  /** What jobs compute on; by default the fastest. */
  readonly device?: string;
  /** The program a worker process runs. */
  readonly worker?: URL;
  /** Milliseconds an ended job is kept. */
  readonly keepFor?: number;
  /** Bytes all jobs together may take on the disk. */
  readonly mostBytes?: number;
  /** Milliseconds between looks whether there is room again for jobs that wait for it. */
  readonly lookAgainAfter?: number;
}

const DAY = 24 * 3600 * 1000;
const MOST_BYTES = 4 * 2 ** 30;
const LOOK_AGAIN_AFTER = 60_000;
/** Bytes on the disk for what a job writes besides its result's pixels. */
const SMALL_FILES = 2 ** 17;
/** Jobs that hold pixels; and, apart from them, ended ones without. */
const MOST_JOBS = 32;

const OPEN: readonly JobState[] = ['uploading', 'queued', 'running'];
const EMPTY: readonly JobState[] = ['failed', 'cancelled'];

/** A job as this process knows it. */
interface Job {
  readonly id: JobId;
  readonly folder: JobFolder;
  readonly record: JobRecord;
  readonly listeners: Set<(info: JobInfo) => void>;
  state: JobState;
  /** While it is uploaded. */
  upload: LayerUpload | null;
  progress: JobProgress | null;
  result: ResultInfo | null;
  error: Failure | null;
  /** What there was too little of when it was last tried. */
  shortage: Failure | null;
  /** When it first met one, as long as it has not got further since. */
  shortSince: number | null;
  /** It has met the shortage while it ran: it is not tried again at once. */
  isHeld: boolean;
  /** Deletes it when it has ended; ends it when it has waited for room in vain. */
  expiry: NodeJS.Timeout | null;
}

/** The job that is worked on. */
interface Running {
  readonly job: Job;
  worker: RunningWorker | null;
  /** Nobody wants the job any more. */
  unwanted: boolean;
  /** Settles when what became of the job is settled. Never rejects. */
  readonly over: Promise<void>;
}

/** Opens the jobs of a spool and goes on with those that wait. Throws `SETTINGS_UNAVAILABLE`, `SPOOL_UNAVAILABLE`. */
export async function openJobs(options: QueueOptions): Promise<Jobs> {
  return new JobQueue(options, await openSpool(options.folder, options.log));
}

class JobQueue implements Jobs {
  private readonly spool: string;
  private readonly log: Logger;
  private readonly device: string | undefined;
  private readonly worker: URL;
  private readonly keepFor: number;
  private readonly mostBytes: number;
  private readonly lookAgainAfter: number;
  private readonly jobs = new Map<JobId, Job>();
  private readonly waiting: Job[] = [];
  private running: Running | null = null;
  private nextLook: NodeJS.Timeout | null = null;
  private isClosing = false;
  /** Multiply-adds a second, by kind of work. */
  private readonly speeds = assumedSpeeds();

  constructor(
    {
      folder,
      log,
      device,
      worker,
      keepFor = DAY,
      mostBytes = MOST_BYTES,
      lookAgainAfter = LOOK_AGAIN_AFTER,
    }: QueueOptions,
    found: readonly FoundJob[],
  ) {
    this.spool = folder;
    this.log = log;
    this.device = device;
    this.worker = worker ?? new URL('./worker-process.js', import.meta.url);
    this.keepFor = keepFor;
    this.mostBytes = mostBytes;
    this.lookAgainAfter = lookAgainAfter;
    for (const job of found) this.takeUp(job);
    this.startNext();
  }

  private takeUp({ id, folder, record, outcome: { ended, result, ending } }: FoundJob): void {
    const state = result ? 'done' : ending ? (ending.error ? 'failed' : 'cancelled') : 'queued';
    const job = this.add(id, folder, record, state);
    job.result = result;
    job.error = ending?.error ?? null;
    if (result) this.learnSpeed(job, result);
    if (ended === null) this.waiting.push(job);
    else this.expire(job, ended);
  }

  private add(id: JobId, folder: JobFolder, record: JobRecord, state: JobState): Job {
    const none = {
      upload: null,
      progress: null,
      result: null,
      error: null,
      shortage: null,
      shortSince: null,
      expiry: null,
    };
    const job: Job = { id, folder, record, listeners: new Set(), state, isHeld: false, ...none };
    this.jobs.set(id, job);
    return job;
  }

  estimate(layer: LayerShape, options: UpscaleOptions, givenSide?: number): Estimate {
    checkShape(layer, options);
    return {
      seconds: workOf(layer, options, givenSide) / this.speeds[kindOf(options)],
      memory: predictMemory(layer, options, this.device),
      disk: diskNeeded(layer, options),
      refusal: this.refusal(layer, options),
    };
  }

  async create(owner: string, layer: LayerShape, options: UpscaleOptions, kernel?: Kernel): Promise<Upload> {
    checkShape(layer, options);
    if (kernel && kernel.scale !== options.scale) {
      const sentence = `The kernel is for ${kernel.scale}x, and the layer is to be enlarged ${options.scale}x.`;
      throw new KernelFusionError('BAD_KERNEL', sentence);
    }
    const refusal = this.refusal(layer, options);
    if (refusal) throw new KernelFusionError(refusal.code, refusal.sentence);
    const id = newJobId();
    const record = { owner, layer, options, kernel: kernel ?? null, created: Date.now() };
    const job = this.add(id, folderOf(this.spool, id), record, 'uploading');
    const upload = new LayerUpload(id, job.folder, record, {
      complete: () => this.enqueue(job),
      gone: () => this.drop(job),
    });
    job.upload = upload;
    await upload.begun();
    return upload;
  }

  info(owner: string, id: JobId): JobInfo {
    return this.describe(this.find(owner, id));
  }

  list(owner: string): JobInfo[] {
    return [...this.jobs.values()].filter(({ record }) => record.owner === owner).map((job) => this.describe(job));
  }

  subscribe(owner: string, id: JobId, listener: (info: JobInfo) => void): () => void {
    const { listeners } = this.find(owner, id);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  cancel(owner: string, id: JobId): Promise<void> {
    return this.stop(this.find(owner, id));
  }

  async forget(owner: string, id: JobId): Promise<void> {
    const job = this.find(owner, id);
    await this.stop(job);
    await this.delete(job);
  }

  async openResult(owner: string, id: JobId): Promise<ResultReader> {
    const job = this.find(owner, id);
    if (!job.result) throw new KernelFusionError('JOB_NOT_DONE', 'This job has no result, or not yet.');
    try {
      return resultReader(await job.folder.openResult(), job.result.bytes);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      // Somebody has emptied the spool.
      await this.delete(job);
      throw noSuchJob();
    }
  }

  startNoMore(): void {
    this.isClosing = true;
  }

  async close(): Promise<void> {
    this.startNoMore();
    if (this.nextLook) clearTimeout(this.nextLook);
    const jobs = [...this.jobs.values()];
    for (const { expiry } of jobs) if (expiry) clearTimeout(expiry);
    await Promise.all(jobs.map(({ upload }) => upload?.abandon()));
    await this.running?.worker?.stop();
    await this.running?.over;
  }

  private find(owner: string, id: JobId): Job {
    const job = this.jobs.get(id);
    if (job?.record.owner !== owner) throw noSuchJob();
    return job;
  }

  private describe(job: Job): JobInfo {
    const { id, record, state, progress, shortage, result, error } = job;
    const { owner, layer, options, created } = record;
    const at = this.waiting.indexOf(job);
    return {
      ...{ id, owner, state, layer, options, created },
      position: at < 0 ? 0 : at + (this.running ? 1 : 0),
      ...(progress && { progress }),
      ...(shortage && { shortage }),
      ...(result && { result }),
      ...(error && { error }),
    };
  }

  private tell(job: Job): void {
    const info = this.describe(job);
    for (const listener of [...job.listeners]) {
      try {
        listener(info);
      } catch (err) {
        this.log.error({ job: job.id, err }, 'a listener failed');
      }
    }
  }

  private tellWaiting(): void {
    for (const job of this.waiting) this.tell(job);
  }

  /** Why a job cannot be taken at this moment. */
  private refusal(layer: LayerShape, options: UpscaleOptions): Failure | null {
    const jobs = [...this.jobs.values()];
    if (jobs.filter(({ state }) => !EMPTY.includes(state)).length >= MOST_JOBS) {
      const sentence = `The helper keeps ${MOST_JOBS} jobs: fetch or delete finished ones first.`;
      return { code: 'TOO_MANY_JOBS', sentence };
    }
    // What the running job holds will be free when this one starts.
    const busy = this.running
      ? predictMemory(this.running.job.record.layer, this.running.job.record.options, this.device)
      : 0;
    return memoryRefusal(layer, options, busy, this.device) ?? this.diskRefusal(diskNeeded(layer, options), jobs);
  }

  private diskRefusal(needed: number, jobs: readonly Job[]): Failure | null {
    const spokenFor = sum(jobs.filter(({ state }) => OPEN.includes(state)).map(({ record }) => diskOf(record)));
    const finished = sum(jobs.map(({ result }) => result?.bytes ?? 0));
    if (spokenFor + finished + needed > this.mostBytes) {
      const most = bytesInWords(this.mostBytes);
      const sentence = `All jobs together may take ${most} of the disk: fetch or delete finished ones first.`;
      return { code: 'SPOOL_FULL', sentence };
    }
    try {
      if (freeDisk(this.spool) - spokenFor >= needed) return null;
      const sentence = `There is too little room on the disk: this job may need ${bytesInWords(needed)}.`;
      return { code: 'SPOOL_FULL', sentence };
    } catch (error) {
      const { code, message } = toCoded(error);
      return { code, sentence: message };
    }
  }

  private enqueue(job: Job): void {
    job.upload = null;
    job.state = 'queued';
    this.waiting.push(job);
    this.log.info({ job: job.id }, 'job queued');
    if (this.running || this.isClosing) this.tell(job);
    else this.startNext();
  }

  private startNext(): void {
    if (this.running || this.isClosing) return;
    const job = this.waiting.find((waiting) => this.hasRoom(waiting));
    if (!job) {
      this.tellWaiting();
      this.lookAgain();
      return;
    }
    this.takeOut(job);
    job.shortage = null;
    job.state = 'running';
    const running: Running = {
      job,
      worker: null,
      unwanted: false,
      over: Promise.resolve().then(() => this.run(running)),
    };
    this.running = running;
    this.tell(job);
    this.tellWaiting();
  }

  /** Whether a job that was taken can start at this moment. Where it cannot it waits, while others may pass it. */
  private hasRoom(job: Job): boolean {
    const shortage = job.isHeld ? job.shortage : this.shortageOf(job);
    if (!shortage) return true;
    if (job.shortage?.code !== shortage.code) this.log.warn({ job: job.id, shortage }, 'job waits for room');
    job.shortage = shortage;
    job.shortSince ??= Date.now();
    job.expiry ??= setTimeout(() => void this.giveUp(job), this.keepFor - (Date.now() - job.shortSince));
    return false;
  }

  private shortageOf({ record: { layer, options } }: Job): Failure | null {
    const refusal = memoryRefusal(layer, options, 0, this.device);
    if (refusal) return refusal;
    try {
      return freeDisk(this.spool) < resultBytes(layer, options) + SMALL_FILES ? failureOf(spoolFull()) : null;
    } catch {
      return null; // The disk is not full but broken, which its work on it tells.
    }
  }

  private lookAgain(): void {
    if (this.waiting.length === 0 || this.isClosing) return;
    this.nextLook ??= setTimeout(() => {
      this.nextLook = null;
      for (const job of this.waiting) job.isHeld = false;
      this.startNext();
    }, this.lookAgainAfter);
  }

  private async giveUp(job: Job): Promise<void> {
    if (!this.takeOut(job)) return;
    const { shortage } = job;
    await this.end(job, 'failed', shortage);
    this.tellWaiting();
  }

  /** Whether it was waiting. */
  private takeOut(job: Job): boolean {
    const at = this.waiting.indexOf(job);
    if (at < 0) return false;
    this.waiting.splice(at, 1);
    if (job.expiry) clearTimeout(job.expiry);
    job.expiry = null;
    return true;
  }

  private async run(running: Running): Promise<void> {
    const { job } = running;
    const verdict = await this.work(running).catch((error) => judgeFailure(failureOf(error)));
    if (running.unwanted) await this.end(job, 'cancelled', null);
    else if (verdict.kind === 'done') await this.succeed(job, verdict.result);
    else if (verdict.kind === 'failed') await this.end(job, 'failed', verdict.error);
    this.running = null;
    // What has not ended goes on, and does not wait for itself.
    if (job.state === 'running') this.requeue(job, verdict.kind === 'short' ? verdict.shortage : null);
    this.startNext();
  }

  /** One worker's life. */
  private async work(running: Running): Promise<Verdict> {
    const { job } = running;
    const { folder, record } = job;
    const starts = await folder.countStart();
    if (starts > MOST_STARTS) return { kind: 'failed', error: givenUp };
    if (running.unwanted || this.isClosing) {
      await folder.forgetStarts();
      return { kind: 'interrupted' };
    }

    let lastWord: Failure | null = null;
    const worker = startWorker(this.worker, { folder: folder.path, device: this.device }, (message) => {
      if (message.kind === 'failed') lastWord = message.failure;
      else this.hear(job, message);
    });
    running.worker = worker;
    const end = await worker.ended;
    // A helper that ends takes its worker along, which is no fault of the job.
    if (this.isClosing) await folder.forgetStarts();
    if (running.unwanted) return { kind: 'interrupted' };
    const { result } = await folder.outcome(record);
    const verdict = judge(end, lastWord, result, this.isClosing);
    const { exitCode, signal, lastWords } = end;
    if (verdict.kind !== 'done') this.log.warn({ job: job.id, exitCode, signal, lastWords }, 'the worker has ended');
    if (verdict.kind !== 'short') return verdict;
    // Memory is asked for before anything is done, by helper and worker, which do not see quite the same: it costs no start.
    if (verdict.shortage.code === 'NOT_ENOUGH_MEMORY') await folder.forgetStarts();
    else if (starts >= MOST_STARTS) return { kind: 'failed', error: verdict.shortage };
    return verdict;
  }

  private hear(job: Job, message: Exclude<WorkerMessage, { kind: 'failed' }>): void {
    switch (message.kind) {
      case 'began':
        this.log.info({ job: job.id, finished: message.finished }, 'job started');
        if (message.discarded) this.log.warn({ job: job.id }, 'a checkpoint was of no use: starting over');
        return;
      case 'progress':
        job.progress = { ...keptPictures(job.progress), ...message.progress };
        this.tell(job);
        return;
      case 'checkpoint': {
        const { failure } = message;
        if (failure) this.log.warn({ job: job.id, failure }, 'a checkpoint could not be written');
        else job.folder.forgetStarts().catch((err) => this.log.warn({ job: job.id, err }, 'starts are still counted'));
        job.shortSince = null;
        return;
      }
      default:
        message satisfies never;
    }
  }

  /** Its layer and its finished phases are kept: it goes on at once or, after a shortage, at the next look. */
  private requeue(job: Job, shortage: Failure | null): void {
    job.state = 'queued';
    job.shortage = shortage;
    job.isHeld = shortage !== null;
    this.waiting.unshift(job);
    this.tellWaiting();
    if (job.isHeld) this.lookAgain();
  }

  private async succeed(job: Job, result: ResultInfo): Promise<void> {
    job.state = 'done';
    job.result = result;
    job.progress = null;
    this.learnSpeed(job, result);
    this.log.info({ job: job.id, seconds: result.timings.total }, 'job done');
    this.tell(job);
    await this.tidy(job, () => job.folder.deleteWork());
    this.expire(job, Date.now());
  }

  private async end(job: Job, state: 'failed' | 'cancelled', error: Failure | null): Promise<void> {
    job.state = state;
    job.error = error;
    job.shortage = null;
    this.log.info({ job: job.id, error }, `job ${state}`);
    // Pixels first: that makes room for the note.
    await this.tidy(job, () => job.folder.deletePixels());
    await this.tidy(job, () => job.folder.writeEnding({ error }));
    this.tell(job);
    this.expire(job, Date.now());
    const ended = [...this.jobs.values()].filter((other) => EMPTY.includes(other.state));
    for (const old of ended.slice(0, -MOST_JOBS)) await this.tidy(old, () => this.delete(old));
  }

  /** Work on the disk that nothing depends on. */
  private async tidy(job: Job, work: () => Promise<void>): Promise<void> {
    await work().catch((err) => this.log.warn({ job: job.id, err }, 'the folder of a job could not be tidied'));
  }

  private async stop(job: Job): Promise<void> {
    await job.upload?.abandon();
    if (this.takeOut(job)) {
      await this.end(job, 'cancelled', null);
      this.tellWaiting();
    } else if (this.running?.job === job) {
      const { running } = this;
      running.unwanted = true;
      await running.worker?.stop();
      await running.over;
    }
  }

  private async delete(job: Job): Promise<void> {
    await job.folder.delete();
    this.drop(job);
  }

  private drop(job: Job): void {
    if (job.expiry) clearTimeout(job.expiry);
    if (!this.jobs.delete(job.id)) return;
    this.tell(job);
    job.listeners.clear();
  }

  /** Timers run on a clock that never jumps; only time spent while no helper ran is told by the wall clock. */
  private expire(job: Job, ended: number): void {
    if (!this.jobs.has(job.id) || this.isClosing) return;
    const left = Math.min(Math.max(0, this.keepFor - (Date.now() - ended)), this.keepFor);
    job.expiry = setTimeout(() => void this.tidy(job, () => this.delete(job)), left);
  }

  private learnSpeed({ record: { layer, options, kernel } }: Job, { timings }: ResultInfo): void {
    // Phases that an earlier run had finished would make this computer look faster than it is.
    const kind = kindOf(options);
    const first = kind === 'nets' ? timings.prior : timings.kernel;
    if (first > 0) this.speeds[kind] = workOf(layer, options, kernel?.size) / timings.total;
  }
}

const noSuchJob = () => new KernelFusionError('NO_SUCH_JOB', 'There is no such job.');
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const diskOf = ({ layer, options }: JobRecord) => diskNeeded(layer, options);

function failureOf(error: unknown): Failure {
  const { code, message } = toCoded(error);
  return { code, sentence: message };
}

/** Kernel and preview stay until there are newer ones. */
const keptPictures = (progress: JobProgress | null) => ({
  ...(progress?.kernel && { kernel: progress.kernel }),
  ...(progress?.preview && { preview: progress.preview }),
});
