/**
 * The pixels of a new job on their way onto the disk. Whatever goes wrong, nothing of them stays: half a layer is no job.
 */
import type { FileHandle } from 'node:fs/promises';
import { KernelFusionError } from '../../shared/errors.ts';
import type { JobFolder, JobRecord } from './job-folder.ts';
import { bytesOf, type JobId, type Upload } from './jobs.ts';
import { onDisk } from './spool-errors.ts';

export interface UploadEnds {
  /** All is on the disk. */
  readonly complete: () => void;
  /** Nothing is left of it. */
  readonly gone: () => void;
}

const bad = (sentence: string) => new KernelFusionError('BAD_UPLOAD', sentence);

export class LayerUpload implements Upload {
  readonly id: JobId;
  private readonly folder: JobFolder;
  private readonly record: JobRecord;
  private readonly ends: UploadEnds;
  private readonly file: Promise<FileHandle>;
  private received = 0;
  /** Set once it is being finished or deleted; settles when it is. */
  private end: Promise<void> | null = null;

  constructor(id: JobId, folder: JobFolder, record: JobRecord, ends: UploadEnds) {
    this.id = id;
    this.folder = folder;
    this.record = record;
    this.ends = ends;
    this.file = folder.begin();
  }

  /** Waits until pixels can be written. Throws `SPOOL_FULL`, `SPOOL_UNAVAILABLE`; it is gone then. */
  async begun(): Promise<void> {
    await this.orGone(this.file);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (this.end) throw bad('The upload has ended before.');
    await this.orGone(this.append(offset, bytes));
  }

  async finish(): Promise<void> {
    if (this.end) throw bad('The upload has ended before.');
    const missing = bytesOf(this.record.layer) - this.received;
    if (missing > 0) return this.orGone(Promise.reject(bad(`${missing} bytes of the layer are missing.`)));
    this.end = this.complete();
    return this.end;
  }

  async abandon(): Promise<void> {
    this.end ??= this.delete();
    await this.end.catch(() => {}); // Whoever finishes it has been told.
  }

  private async append(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset !== this.received) throw bad(`The layer goes on at byte ${this.received}, not ${offset}.`);
    this.received += bytes.length;
    if (this.received > bytesOf(this.record.layer)) throw bad('More bytes came than the layer has.');
    const file = await this.file;
    for (let at = 0; at < bytes.length; ) {
      if (this.end) throw bad('The upload has ended before.');
      const { bytesWritten } = await onDisk(() => file.write(bytes, at, bytes.length - at, offset + at));
      at += bytesWritten;
    }
  }

  private async complete(): Promise<void> {
    try {
      const file = await this.file;
      await onDisk(() => file.sync().finally(() => file.close()));
      await this.folder.writeRecord(this.record);
    } catch (error) {
      await this.delete();
      throw error;
    }
    this.ends.complete();
  }

  /** What was done for it, or what went wrong, once nothing is left of it. */
  private async orGone<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** Never rejects: what cannot be deleted now is when the next helper starts, for there is no record. */
  private async delete(): Promise<void> {
    const file = await this.file.catch(() => null);
    await file?.close().catch(() => {});
    await this.folder.delete().catch(() => {});
    this.ends.gone();
  }
}
