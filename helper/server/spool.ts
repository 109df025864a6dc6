/**
 * The folder of all job folders: opened once a start, when what an earlier helper left behind is sorted out.
 *
 * A folder without a readable record is no job (an upload that was cut off, a deletion that was interrupted): it is deleted, for
 * pixels of a picture must not lie about. A job whose files are damaged is kept as a failed one, for somebody may ask for it.
 */
import { randomBytes } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { JOB_ID } from '../../shared/protocol/fields.ts';
import { toCoded } from '../failure.ts';
import { makePrivateFolder } from './directories.ts';
import { JobFolder, type JobRecord, type Outcome } from './job-folder.ts';
import type { JobId } from './jobs.ts';
import { isAbsent, onDisk } from './spool-errors.ts';

export interface FoundJob {
  readonly id: JobId;
  readonly folder: JobFolder;
  readonly record: JobRecord;
  readonly outcome: Outcome;
}

/** RFC 4648's base32: five bits a character, 130 in an id. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

export function newJobId(): JobId {
  return Array.from(randomBytes(26), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

export const folderOf = (spool: string, id: JobId) => new JobFolder(path.join(spool, id));

/** Bytes that may still be written to the disk it lies on. Throws `SPOOL_UNAVAILABLE`. */
export function freeDisk(spool: string): number {
  const { bavail, bsize } = statfsSync(spool);
  return bavail * bsize;
}

/** The ids of all folders in the spool, of jobs or remains of jobs; none where there is no spool. Throws `SPOOL_UNAVAILABLE`. */
export function idsIn(spool: string): Promise<JobId[]> {
  return onDisk(async () => {
    const names = await readdir(spool).catch((error) => {
      if (isAbsent(error)) return [];
      throw error;
    });
    return names.filter((name) => JOB_ID.test(name));
  });
}

/**
 * Makes the spool where there is none, and returns its jobs, oldest first. Throws `SETTINGS_UNAVAILABLE`,
 * `SPOOL_UNAVAILABLE`; what is wrong with single jobs is logged.
 */
export async function openSpool(spool: string, log: Logger): Promise<FoundJob[]> {
  await makePrivateFolder(spool);
  const found: FoundJob[] = [];
  for (const id of await idsIn(spool)) {
    const job = await look(id, folderOf(spool, id), log);
    if (job) found.push(job);
  }
  return found.sort((a, b) => a.record.created - b.record.created);
}

async function look(id: JobId, folder: JobFolder, log: Logger): Promise<FoundJob | null> {
  const failed = (words: string) => (err: unknown) => log.warn({ job: id, err }, words);
  let record: JobRecord;
  try {
    record = await folder.readRecord();
  } catch (err) {
    log.warn({ job: id, err }, 'deleting the remains of a job');
    await folder.delete().catch(failed('the remains of a job could not be deleted'));
    return null;
  }
  const outcome = await folder.outcome(record).catch((err): Outcome => {
    failed('a job is damaged')(err);
    const { code, message } = toCoded(err);
    return { ended: Date.now(), result: null, ending: { error: { code, sentence: message } } };
  });
  const tidied = outcome.ended === null ? folder.deleteRemains() : folder.deleteWork();
  await tidied.catch(failed('what a job no longer needs could not be deleted'));
  return { id, folder, record, outcome };
}
