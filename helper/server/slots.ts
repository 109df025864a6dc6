/**
 * Bounds how many of something there are at a time.
 */
import { KernelFusionError } from '../../shared/errors.ts';

/**
 * Returns what takes a place, which returns what gives it back (once; again does nothing). Throws `TOO_MANY_REQUESTS` with the
 * sentence while all are taken.
 */
export function createSlots(most: number, sentence: string): () => () => void {
  let taken = 0;
  return () => {
    if (taken === most) throw new KernelFusionError('TOO_MANY_REQUESTS', sentence);
    taken++;
    let isHeld = true;
    return () => {
      if (isHeld) taken--;
      isHeld = false;
    };
  };
}
