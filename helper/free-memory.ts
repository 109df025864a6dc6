/**
 * Memory that a new job can have.
 */
import os from 'node:os';

/** Bytes: what is free on the whole, and what this process and its children may use together. */
export function freeMemory(): number {
  const limit = process.constrainedMemory();
  // macOS counts only pages that hold nothing at all, while half of its memory holds what can be had again.
  const free = process.platform === 'darwin' ? Math.max(os.freemem(), os.totalmem() / 2) : os.freemem();
  return limit > 0 ? Math.min(limit, free) : free;
}
