/**
 * What the disk can do to a job, in codes: it is full, or it cannot be used. Neither sentence names a path.
 */
import { KernelFusionError } from '../../shared/errors.ts';

const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];

export const isAbsent = (error: unknown) => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

/** The system's code, also of an error that another one was made of. */
function codeOf(error: unknown): string {
  const { code, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  return error instanceof KernelFusionError && cause ? codeOf(cause) : (code ?? 'unknown error');
}

export function damaged(cause?: unknown): KernelFusionError {
  const sentence = 'What was kept of this job on the disk is damaged: send the layer again.';
  return new KernelFusionError('SPOOL_UNAVAILABLE', sentence, { cause });
}

export const spoolFull = (cause?: unknown) =>
  new KernelFusionError('SPOOL_FULL', 'The disk is full: free some space, or fetch or delete finished jobs.', {
    cause,
  });

/** Does something with files; what the system says becomes `SPOOL_FULL` or `SPOOL_UNAVAILABLE`. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isOurs = cause instanceof KernelFusionError && cause.code.startsWith('SPOOL_');
    if (isOurs) throw cause;
    const code = codeOf(cause);
    if (FULL.includes(code)) throw spoolFull(cause);
    const sentence = `The folder where jobs are kept cannot be used (${code}).`;
    throw new KernelFusionError('SPOOL_UNAVAILABLE', sentence, { cause });
  }
}
