/**
 * Files that are either whole or not there: the bytes go to a temporary name in the same folder, reach the disk, and only then
 * take the wanted name. Whatever goes wrong before that, the temporary file is removed and an older file stays as it was.
 */
import { randomBytes } from 'node:crypto';
import { constants, rmSync } from 'node:fs';
import { access, link, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KernelFusionError, throwIfCancelled } from '../shared/errors.ts';

/** Bytes written between two looks at the signal. */
const CHUNK = 2 ** 22;

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it is larger than a file may be there',
  EROFS: 'the disk is read-only',
  EACCES: 'there is no permission to write there',
  EPERM: 'there is no permission to write there',
  EBUSY: 'another program is using it',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder does not exist',
  EISDIR: 'there is a folder of that name',
  EEXIST: 'a file of that name has appeared meanwhile, and is left as it is',
  ENAMETOOLONG: 'its name is too long',
};

function unwritable(error: unknown): KernelFusionError {
  if (error instanceof KernelFusionError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const sentence = `The output file could not be written: ${REASONS[code] ?? code}.`;
  return new KernelFusionError('OUTPUT_UNWRITABLE', sentence, { cause: error });
}

/** Where the bytes really go: a link is followed, so that it stays a link. Throws for a folder, a device and the like. */
async function resolveTarget(path: string): Promise<string> {
  const absent = (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  };
  const found = await stat(path).catch(absent);
  if (found === null) return path;
  if (found.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  if (!found.isFile()) throw Object.assign(new Error('not a file'), { code: 'not a regular file' });
  return realpath(path);
}

/** Whether `writeAtomic` has a chance at `path`: its folder is there and may be written to. Throws `OUTPUT_UNWRITABLE`. */
export async function checkWritable(path: string): Promise<void> {
  try {
    const folder = dirname(await resolveTarget(path));
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(error);
  }
}

/** What a file is made of: several pieces stand one after the other. */
type Bytes = Uint8Array | string | readonly Uint8Array[];

/** `writeAtomic` or `writeNew`. */
export type WriteFile = (path: string, bytes: Bytes, signal?: AbortSignal) => Promise<void>;

/**
 * Writes a whole file, replacing one of that name. `mode`: its permissions, less the user's mask. Throws `OUTPUT_UNWRITABLE` or
 * `CANCELLED`; then nothing is left behind and an older file is untouched.
 */
export const writeAtomic = (path: string, bytes: Bytes, signal?: AbortSignal, mode = 0o666): Promise<void> =>
  writeWhole(path, bytes, rename, signal, mode);

/** The same, but `OUTPUT_UNWRITABLE` where there is a file of that name, even one that came while this one was written. */
export const writeNew: WriteFile = (path, bytes, signal) => writeWhole(path, bytes, takeFreeName, signal, 0o666);

/** As `rename`, but throws `EEXIST` where the name is taken. */
async function takeFreeName(from: string, to: string): Promise<void> {
  const error = await link(from, to).then(
    () => null,
    (error: NodeJS.ErrnoException) => error,
  );
  // The work is done, also where another program holds the other name for a moment (Windows).
  if (error === null) return rm(from, { force: true, maxRetries: 3 }).catch(() => undefined);
  if (error.code === 'EEXIST') throw error;
  // A disk without hard links (FAT): all there is to do is to look just before.
  const isFree = await lstat(to).then(
    () => false,
    () => true,
  );
  if (!isFree) throw Object.assign(new Error('taken'), { code: 'EEXIST' });
  await rename(from, to);
}

async function writeWhole(
  path: string,
  bytes: Bytes,
  takeName: (from: string, to: string) => Promise<void>,
  signal: AbortSignal | undefined,
  mode: number,
): Promise<void> {
  throwIfCancelled(signal);
  const pieces = typeof bytes === 'string' ? [Buffer.from(bytes)] : bytes instanceof Uint8Array ? [bytes] : bytes;
  try {
    const target = await resolveTarget(path);
    // Short and of its own, for the wanted name may be as long as names can be.
    const temporary = join(dirname(target), `.kernelfusion-${randomBytes(6).toString('hex')}.tmp`);
    const removeNow = () => rmSync(temporary, { force: true });
    process.once('exit', removeNow); // The process may be told to end in the middle of this.
    try {
      await writeThrough(temporary, pieces, mode, signal);
      throwIfCancelled(signal);
      await takeName(temporary, target);
    } catch (error) {
      // What went wrong first is what the person should hear of.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    } finally {
      process.off('exit', removeNow);
    }
  } catch (error) {
    throw unwritable(error);
  }
}

/** Creates a file (fails if the name is taken), writes all bytes and waits until they are on the disk. */
async function writeThrough(
  path: string,
  pieces: readonly Uint8Array[],
  mode: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) {
        throwIfCancelled(signal);
        const { bytesWritten } = await file.write(piece, at, Math.min(CHUNK, piece.length - at));
        at += bytesWritten;
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
