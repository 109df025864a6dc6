/**
 * Memory that ran out, however it is told: by an engine as `OUT_OF_MEMORY`, by JavaScript as a RangeError.
 */
import { KernelFusionError } from '../shared/errors.ts';

export function isOutOfMemory(error: unknown): boolean {
  if (error instanceof KernelFusionError) return error.code === 'OUT_OF_MEMORY';
  return (
    error instanceof RangeError &&
    /allocation failed|Invalid typed array length|WebAssembly\.Memory/i.test(error.message)
  );
}
