/**
 * What the end of a worker process means for its job.
 *
 * What lies in the folder counts most, then the worker's own last word. Without either, a signal that others send to end
 * processes (the system out of memory, a service manager, a terminal that closes) says nothing against the job: it goes on from
 * its checkpoint. Nor does any end while the helper itself ends. Everything else is a crash, and would be one again.
 */
import type { ErrorCode } from '../../shared/errors.ts';
import type { Failure, ResultInfo } from './jobs.ts';
import type { WorkerEnd } from './worker-handle.ts';

export type Verdict =
  | { readonly kind: 'done'; readonly result: ResultInfo }
  | { readonly kind: 'failed'; readonly error: Failure }
  /** There was too little of something for the moment: the job goes on when there is more. */
  | { readonly kind: 'short'; readonly shortage: Failure }
  | { readonly kind: 'interrupted' };

const SHORTAGES: readonly ErrorCode[] = ['NOT_ENOUGH_MEMORY', 'SPOOL_FULL'];

/** What a failure means that was told. */
export const judgeFailure = (error: Failure): Verdict =>
  SHORTAGES.includes(error.code) ? { kind: 'short', shortage: error } : { kind: 'failed', error };

const FROM_OUTSIDE: readonly (NodeJS.Signals | null)[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'];
/** How Windows ends the processes of a console that closes: STATUS_CONTROL_C_EXIT, and no signal. */
const CONSOLE_CLOSED = 0xc000013a;

/** @param isClosing whether the helper is ending */
export function judge(
  { exitCode, signal }: WorkerEnd,
  lastWord: Failure | null,
  result: ResultInfo | null,
  isClosing: boolean,
): Verdict {
  if (result) return { kind: 'done', result };
  if (lastWord) return judgeFailure(lastWord);
  if (isClosing || FROM_OUTSIDE.includes(signal) || exitCode === CONSOLE_CLOSED) return { kind: 'interrupted' };
  const end = signal ?? (exitCode === null ? 'it could not be started' : `exit code ${exitCode}`);
  const sentence = `The computation broke down (${end}). Please report this with the output of "kernelfusion doctor".`;
  return { kind: 'failed', error: { code: 'WORKER_DIED', sentence } };
}

/** Starts of a worker without a phase finished in between, after which a job is given up. */
export const MOST_STARTS = 3;

export const givenUp: Failure = {
  code: 'WORKER_DIED',
  sentence: `The computation was ended from outside ${MOST_STARTS} times, most likely because memory ran out: close other programs or take a smaller layer.`,
};
