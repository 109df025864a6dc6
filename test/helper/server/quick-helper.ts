/**
 * A helper of nothing but jobs, to be killed: opens the spool it is given, submits a job as told, and writes a line for each
 * change: `<id> <state> <phase>`.
 */
import { openJobs } from '../../../helper/server/queue.ts';
import { OWNER, QUICK_WORKER, quiet, submit } from './quick-jobs.ts';

const [folder, wanted] = process.argv.slice(2);
const jobs = await openJobs({ folder, log: quiet, worker: QUICK_WORKER });
const id = await submit(jobs, JSON.parse(wanted));
const tell = () => {
  const { state, progress } = jobs.info(OWNER, id);
  process.stdout.write(`${id} ${state} ${progress?.phase ?? '-'}\n`);
};
jobs.subscribe(OWNER, id, tell);
tell();
