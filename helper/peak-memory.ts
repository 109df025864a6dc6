/**
 * The most memory this process has held at once.
 *
 * The system's usual figure (`ru_maxrss`) is not that on Linux: a process inherits it from the one that started it, so a small
 * one started by a large one is told as large. There the kernel's mark of this process's own memory is read instead.
 * Source: proc(5), VmHWM; getrusage(2).
 */
import { readFileSync } from 'node:fs';

/** Bytes of resident memory, all threads and libraries included. */
export function peakMemory(): number {
  const kibibytes = process.platform === 'linux' ? highWaterMark() : process.resourceUsage().maxRSS;
  return kibibytes * 1024;
}

function highWaterMark(): number {
  const line = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  // A sandbox that hides the mark still has the other figure, which is never too small.
  return line ? Number(line[1]) : process.resourceUsage().maxRSS;
}
