/**
 * Processes seen from outside, by Linux's /proc (proc(5)): what a test needs to kill one it did not start itself.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export const noProc = (): string | false => (existsSync('/proc/self/stat') ? false : 'needs /proc to find processes');

/** State (R, S, Z ...) and parent of a process; null where there is none. */
function look(pid: number): { state: string; parent: number } | null {
  try {
    // The name, in parentheses, may hold anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

/** Living children of a process. */
export function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    const found = look(pid);
    return found?.parent === parent && found.state !== 'Z';
  });
}

/** Whether it ends within some milliseconds. */
export async function endsWithin(pid: number, limit: number): Promise<boolean> {
  for (const began = performance.now(); performance.now() - began < limit; await wait(10)) {
    if ((look(pid)?.state ?? 'Z') === 'Z') return true;
  }
  return false;
}
