/**
 * A finished result, read piece by piece. The open file stays readable when its folder is deleted.
 */
import type { FileHandle } from 'node:fs/promises';
import type { ResultReader } from './jobs.ts';
import { damaged, onDisk } from './spool-errors.ts';

export function resultReader(file: FileHandle, bytes: number): ResultReader {
  return {
    bytes,
    async read(offset, length) {
      const fits = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
      if (!fits || offset + length > bytes) throw new RangeError(`Bytes ${offset} + ${length} of ${bytes}.`);
      const out = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const { bytesRead } = await onDisk(() => file.read(out, at, length - at, offset + at));
        if (bytesRead === 0) throw damaged();
        at += bytesRead;
      }
      return out;
    },
    close: () => onDisk(() => file.close()),
  };
}
