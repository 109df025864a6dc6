/**
 * What a worker process and the helper say to each other. The result is not among it: it lies in the job's folder, for a helper
 * that was started anew has to find it too.
 */
import type { Phase } from '../kernelfusion/method.ts';
import type { Failure, JobProgress } from './jobs.ts';

/** The one thing a worker is told. */
export interface Assignment {
  /** The job's folder. */
  readonly folder: string;
  readonly device?: string | undefined;
}

export type WorkerMessage =
  /** It goes on after these phases. `discarded`: there was a checkpoint, damaged or of other versions. */
  | { readonly kind: 'began'; readonly finished: readonly Phase[]; readonly discarded: boolean }
  /** `kernel` and `preview` only where they are new. */
  | { readonly kind: 'progress'; readonly progress: JobProgress }
  /** A checkpoint is on the disk, or could not be brought there, which the job outlives. */
  | { readonly kind: 'checkpoint'; readonly failure: Failure | null }
  /** The last word: there will be no result. */
  | { readonly kind: 'failed'; readonly failure: Failure };
