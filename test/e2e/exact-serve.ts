/** `kernelfusion serve` with workers of exact-worker.ts: the helper itself is the real one. Prints its port. */
import { pino } from 'pino';
import { directories, jobsFolder } from '../../helper/server/directories.ts';
import { startHelper } from '../../helper/server/helper.ts';
import { openJobs } from '../../helper/server/queue.ts';
import { EXTENSION_ID } from '../../shared/extension-id.ts';

const log = pino({ level: 'silent' });
const places = directories();
const worker = new URL('./exact-worker.js', import.meta.url);
const helper = await startHelper({
  ...{ directories: places, port: Number(process.argv[2]), chromeIds: new Set([EXTENSION_ID]), log },
  openJobs: () => openJobs({ folder: jobsFolder(places), log, worker }),
});
process.stdout.write(`port ${helper.port}\n`);
