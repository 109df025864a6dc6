/** Cancelling what cannot be stopped: nobody waits for it any longer. */
import { KernelFusionError } from '../../shared/errors.ts';

/** What `work` comes to. Throws what it throws, and `CANCELLED` as soon as the signal fires; what comes of it then is overlooked. */
export function untilCancelled<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(new KernelFusionError('CANCELLED', 'Cancelled.'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
