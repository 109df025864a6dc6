/**
 * Where the helper keeps things, by the custom of each system, and how they are kept from other users.
 *
 *   config   who is paired; worth keeping
 *   state    jobs, the pairing code on offer, which helper runs; may be deleted while none runs
 *
 * Linux: XDG Base Directory Specification 0.8 (where relative paths do not count). `KERNELFUSION_HOME` puts all in one place.
 */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';

export interface Directories {
  readonly config: string;
  readonly state: string;
}

/** Pure: nothing is looked at or made. Throws `BAD_OPTION` where `KERNELFUSION_HOME` is no absolute path. */
export function directories(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): Directories {
  const { join, isAbsolute } = platform === 'win32' ? path.win32 : path.posix;
  const under = (folder: string): Directories => ({ config: join(folder, 'config'), state: join(folder, 'state') });

  const own = env.KERNELFUSION_HOME;
  if (own) {
    if (!isAbsolute(own)) throw new KernelFusionError('BAD_OPTION', 'KERNELFUSION_HOME must be an absolute path.');
    return under(own);
  }
  // Not the roaming folder: secrets and pixels belong to this computer.
  if (platform === 'win32') return under(join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'kernelfusion'));
  if (platform === 'darwin') return under(join(home, 'Library', 'Application Support', 'kernelfusion'));

  const xdg = (value: string | undefined, otherwise: string) => (value && isAbsolute(value) ? value : otherwise);
  return {
    config: join(xdg(env.XDG_CONFIG_HOME, join(home, '.config')), 'kernelfusion'),
    state: join(xdg(env.XDG_STATE_HOME, join(home, '.local', 'state')), 'kernelfusion'),
  };
}

/** Where the pairings are kept. */
export const panelsFolder = ({ config }: Directories): string => path.join(config, 'panels');
/** Where the jobs are kept. */
export const jobsFolder = ({ state }: Directories): string => path.join(state, 'jobs');

/**
 * Makes a folder that only its owner can enter (0700), or takes the others' rights away from one that is there. On Windows
 * the user's own folders are private already. Throws `SETTINGS_UNAVAILABLE`.
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = await stat(folder);
    if (process.platform === 'win32') return;
    if (uid !== process.getuid?.()) {
      throw new KernelFusionError('SETTINGS_UNAVAILABLE', "The helper's own folder belongs to another user.");
    }
    if (mode & 0o077) await chmod(folder, 0o700);
  } catch (cause) {
    if (cause instanceof KernelFusionError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const sentence = `The helper's own folder could not be made (${code}): set KERNELFUSION_HOME to a folder that can be written to.`;
    throw new KernelFusionError('SETTINGS_UNAVAILABLE', sentence, { cause });
  }
}
