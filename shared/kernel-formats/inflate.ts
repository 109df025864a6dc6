/**
 * Bytes unpacked from zlib's format, but no more than expected: a small file may be made to unpack to gigabytes.
 */
import { Unzlib } from 'fflate';
import { KernelFusionError } from '../errors.ts';

/** Packed bytes unpacked at once: each may become a thousand, so this bounds what is held before the sum is looked at. */
const STEP = 512;

/** `null` for more than `most` bytes. Throws `BAD_KERNEL` where the packed ones are damaged or cut off. */
export function inflate(packed: Uint8Array, most: number): Uint8Array | null {
  const out = new Uint8Array(most);
  let length = 0;
  let isComplete = false;
  const unzlib = new Unzlib((piece, isLast) => {
    if (length + piece.length <= most) out.set(piece, length);
    length += piece.length;
    isComplete ||= isLast;
  });
  try {
    for (let at = 0; at < packed.length && length <= most; at += STEP) {
      unzlib.push(packed.subarray(at, at + STEP), at + STEP >= packed.length);
    }
  } catch (cause) {
    throw new KernelFusionError('BAD_KERNEL', 'The kernel file is damaged: it cannot be unpacked.', { cause });
  }
  if (length > most) return null;
  if (!isComplete) throw new KernelFusionError('BAD_KERNEL', 'The kernel file is cut off: it cannot be unpacked.');
  return out.subarray(0, length);
}
