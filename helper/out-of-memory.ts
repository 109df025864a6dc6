/**
 * Memory that ran out, however it is told: by an engine as `OUT_OF_MEMORY`, by JavaScript as a RangeError, by a thread as its end.
 */
import { KernelFusionError } from '../shared/errors.ts';

export const OUT_OF_MEMORY_SENTENCE =
  'There is not enough memory for this picture; close other programs or take a smaller one.';

/** Whether an engine's library says so, in its own words, or JavaScript does. */
export const meansOutOfMemory = (error: unknown): boolean =>
  isOutOfMemory(error) || /bad_alloc|allocat|out of memory/i.test(String(error));

export function isOutOfMemory(error: unknown): boolean {
  if (error instanceof KernelFusionError) return error.code === 'OUT_OF_MEMORY';
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return true;
  return (
    error instanceof RangeError &&
    /allocation failed|Invalid typed array length|WebAssembly\.Memory/i.test(error.message)
  );
}
