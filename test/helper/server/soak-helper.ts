/**
 * The real helper with quick workers, in a process of its own, to be looked at from outside. It says its port, and when asked
 * what it holds; told to end it closes, and has to end by itself: whatever it still held would keep it alive.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { directories, jobsFolder } from '../../../helper/server/directories.ts';
import { startHelper } from '../../../helper/server/helper.ts';
import { openJobs } from '../../../helper/server/queue.ts';
import { QUICK_WORKER, quiet } from './quick-jobs.ts';

/** What the process holds after its garbage was collected. */
export interface Held {
  /** Bytes of objects and buffers. */
  readonly heap: number;
  readonly rss: number;
  readonly timers: number;
  /** What Node warned of, such as a file that was only closed because its garbage was collected. */
  readonly warnings: readonly string[];
}

const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

const places = directories();
const helper = await startHelper({
  directories: places,
  port: 0,
  chromeIds: new Set([process.argv[2]]),
  log: quiet,
  openJobs: () => openJobs({ folder: jobsFolder(places), log: quiet, worker: QUICK_WORKER }),
});

async function held(): Promise<Held> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await turn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  return { heap: heapUsed + external, rss, timers, warnings };
}

process.on('message', async (wish: 'look' | 'end') => {
  if (wish === 'look') return process.send?.(await held());
  await helper.close();
  process.disconnect();
});
process.send?.(helper.port);
