/**
 * Kernels between files and commands: read from any file of a known format, written in the format a name asks for.
 */
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import type { KernelFormat } from '../../shared/kernel-formats/format.ts';
import { LONGEST_FILE } from '../../shared/kernel-formats/import.ts';
import {
  FORMATS,
  formatOfName,
  type Imported,
  type ImportOptions,
  importKernel,
} from '../../shared/kernel-formats/index.ts';
import { openFile } from '../open-file.ts';

/** Reads a kernel, its format told by the content. Throws `INPUT_NOT_FOUND`, `INPUT_UNREADABLE`, `BAD_KERNEL`. */
export async function readKernelFile(file: string, options: ImportOptions): Promise<Imported> {
  return importKernel(await firstBytes(file), options);
}

/** The file, or as much of it as shows that it is too large. */
async function firstBytes(name: string): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await openFile(name);
    const pieces: Buffer[] = [];
    for await (const piece of file.createReadStream({ end: LONGEST_FILE, autoClose: false })) pieces.push(piece);
    return Buffer.concat(pieces);
  } catch (error) {
    if (error instanceof KernelFusionError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new KernelFusionError('INPUT_NOT_FOUND', 'There is no such kernel file.', { cause: error });
    }
    throw new KernelFusionError('INPUT_UNREADABLE', 'The kernel file could not be read.', { cause: error });
  } finally {
    await file?.close();
  }
}

/** The format a file's name asks for. Throws `BAD_OPTION`, which names every extension there is. */
export function formatAskedBy(file: string): KernelFormat {
  const format = formatOfName(path.basename(file));
  if (format) return format;
  const known = FORMATS.map(({ extension }) => extension).join(', ');
  throw new KernelFusionError('BAD_OPTION', `The name of a kernel file must end in one of: ${known}.`);
}
