/**
 * Files opened to be read: a file and nothing else. A pipe would keep the open waiting for a writer, and with it the thread
 * that the end of the process waits for.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { KernelFusionError } from '../shared/errors.ts';

/** Windows has no such flag, and no pipes among its files. */
const NO_WAITING = constants.O_NONBLOCK ?? 0;

/** To be closed by the caller. Throws `INPUT_UNREADABLE` for a pipe, a folder, a device; and what the system throws. */
export async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | NO_WAITING);
  try {
    if ((await file.stat()).isFile()) return file;
    throw new KernelFusionError('INPUT_UNREADABLE', 'The input is not a file.');
  } catch (error) {
    await file.close();
    throw error;
  }
}
