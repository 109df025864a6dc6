/**
 * `kernelfusion purge`: deletes every job and all that is kept of it: layers, results, checkpoints. Whether a helper runs or not,
 * for whoever wants pixels gone wants them gone now.
 */
import { directories, jobsFolder } from '../server/directories.ts';
import { findInstance } from '../server/instance.ts';
import { folderOf, idsIn } from '../server/spool.ts';
import type { CommandResult } from './command-result.ts';

/** Throws `SPOOL_UNAVAILABLE` where something could not be deleted; the rest is. */
export async function purge(): Promise<CommandResult> {
  const places = directories();
  const spool = jobsFolder(places);
  const ids = await idsIn(spool);
  const ends = await Promise.allSettled(ids.map((id) => folderOf(spool, id).delete()));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  const isRunning = (await findInstance(places.state)) !== null;
  const count = ids.length === 1 ? '1 job was' : `${ids.length} jobs were`;
  const aside = isRunning && ids.length > 0 ? 'A job that the helper is working on ends with an error.\n' : '';
  return { data: { deleted: ids.length }, text: `${count} deleted.\n${aside}`, exitCode: 0 };
}
