/**
 * Which helper runs on this state folder. There may be one: two would run the same jobs. It writes its process and port into a
 * file, which also tells "pair" and "doctor" where it is.
 *
 * A helper that was killed leaves the file behind, and its process number may belong to somebody else by now. So it counts as
 * running where that process lives and its port answers.
 */
import { open, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import * as v from 'valibot';
import { KernelFusionError } from '../../shared/errors.ts';
import { makePrivateFolder } from './directories.ts';

const instance = v.object({
  pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535)),
});

export type Instance = v.InferOutput<typeof instance>;

const fileIn = (folder: string) => path.join(folder, 'helper.json');
/** On this computer a port answers, or not, within microseconds. */
const ANSWER_LIMIT = 1000;

/** The helper that runs on this folder, if one does. */
export async function findInstance(folder: string): Promise<Instance | null> {
  try {
    const found = v.parse(instance, JSON.parse(await readFile(fileIn(folder), 'utf8')));
    return found.pid !== process.pid && isAlive(found.pid) && (await answers(found.port)) ? found : null;
  } catch {
    return null; // Absent, or broken off in the middle of writing.
  }
}

/**
 * Writes down that this process is the folder's helper. Call it once the port is listened on; the function it returns takes it
 * back. Throws `HELPER_RUNNING`, `SETTINGS_UNAVAILABLE`.
 */
export async function claimInstance(folder: string, port: number): Promise<() => Promise<void>> {
  await makePrivateFolder(folder);
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = await open(fileIn(folder), 'wx', 0o600);
      await file.writeFile(JSON.stringify({ pid: process.pid, port })).finally(() => file.close());
      return () => rm(fileIn(folder), { force: true });
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'EEXIST') {
        const sentence = `The helper's own folder could not be written to (${code}).`;
        throw new KernelFusionError('SETTINGS_UNAVAILABLE', sentence, { cause });
      }
      const other = await findInstance(folder);
      if (other !== null) throw alreadyRunning(other.port);
      await rm(fileIn(folder), { force: true });
    }
  }
  throw new KernelFusionError('HELPER_RUNNING', 'Another helper is starting at this moment.');
}

export const alreadyRunning = (port: number) =>
  new KernelFusionError('HELPER_RUNNING', `A helper is already running, on port ${port}.`);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether something listens on a port of this computer. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: ANSWER_LIMIT });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
