/**
 * What `doctor` finds out about the helper: whether one runs, which panels are paired, what lies on the spool. Only looks: no
 * folder is made, no job opened.
 */
import { constants } from 'node:fs';
import { access, readdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import { DEFAULT_PORT } from '../../shared/protocol/address.ts';
import { type Directories, jobsFolder, panelsFolder } from '../server/directories.ts';
import { answers, findInstance } from '../server/instance.ts';
import { openTokenStore } from '../server/token-store.ts';

export interface HelperState {
  /** Of the running helper; where none runs, the port it would use. */
  readonly port: number;
  readonly state: 'running' | 'not running' | 'port taken by another program';
}

export async function lookAtHelper({ state }: Directories): Promise<HelperState> {
  const running = await findInstance(state);
  if (running !== null) return { port: running.port, state: 'running' };
  const isTaken = await answers(DEFAULT_PORT);
  return { port: DEFAULT_PORT, state: isTaken ? 'port taken by another program' : 'not running' };
}

/** Throws `SETTINGS_UNAVAILABLE` for a pairing that is damaged or open to others. */
export async function lookAtPairing(directories: Directories): Promise<{ readonly panels: number }> {
  return { panels: (await openTokenStore(panelsFolder(directories)).list()).length };
}

export interface SpoolState {
  readonly jobs: number;
  readonly bytes: number;
  /** Room on its disk. */
  readonly freeBytes: number;
}

/** Throws `SPOOL_UNAVAILABLE` where the helper could not write. */
export async function lookAtSpool(directories: Directories): Promise<SpoolState> {
  const folder = jobsFolder(directories);
  const place = await nearest(folder);
  await access(place, constants.W_OK | constants.X_OK).catch((cause) => {
    throw new KernelFusionError('SPOOL_UNAVAILABLE', `The folder for jobs cannot be written to (${cause.code}).`, {
      cause,
    });
  });
  const { bavail, bsize } = await statfs(place);
  const names = place === folder ? await readdir(folder, { recursive: true }) : [];
  const sizes = await Promise.all(names.map((name) => sizeOf(path.join(folder, name))));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { jobs: names.filter((name) => !name.includes(path.sep)).length, bytes, freeBytes: bavail * bsize };
}

/** The folder, or the closest one above that there is: a helper that never ran has none. */
async function nearest(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  return isThere || folder === path.dirname(folder) ? folder : nearest(path.dirname(folder));
}

/** 0 for a folder, and for what was deleted meanwhile. */
const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    (found) => (found.isFile() ? found.size : 0),
    () => 0,
  );
