/**
 * A checkpoint as bytes: a head in V8's own serialisation (it keeps every bit of numbers and typed arrays), the restored
 * colours as they lie in memory, and the SHA-256 of all of it.
 *
 *   u32 length of the head | head | float32 values | 32 bytes of hash       (the machine's own byte order: it never leaves it)
 *
 * The head also holds a stamp: all that the bytes of a result depend on. Phases finished under another one are of no use.
 */
import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import type { Checkpoint } from '../kernelfusion/checkpoint.ts';

interface Head {
  readonly stamp: string;
  readonly phases: Omit<Checkpoint, 'image'>;
  readonly image: { readonly width: number; readonly height: number; readonly channels: number } | null;
}

const LENGTH = 4;
const HASH = 32;

function hashOf(pieces: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

/** The pieces of the file, in order; the large one is a view, not a copy. */
export function encodeCheckpoint({ image, ...phases }: Checkpoint, stamp: string): Uint8Array[] {
  const size = image ? { width: image.width, height: image.height, channels: image.channels } : null;
  const head = serialize({ stamp, phases, image: size } satisfies Head);
  const length = new Uint8Array(Uint32Array.of(head.length).buffer);
  const values = image ? [new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength)] : [];
  const pieces = [length, head, ...values];
  return [...pieces, hashOf(pieces)];
}

/** The checkpoint, or `null` where the bytes are damaged or bear another stamp. */
export function decodeCheckpoint(bytes: Uint8Array, stamp: string): Checkpoint | null {
  if (bytes.length < LENGTH + HASH) return null;
  const content = bytes.subarray(0, -HASH);
  if (!hashOf([content]).equals(bytes.subarray(-HASH))) return null;
  const headEnd = LENGTH + copyOf(content.subarray(0, LENGTH), Uint32Array)[0];
  const head = readHead(content.subarray(LENGTH, headEnd));
  if (head?.stamp !== stamp) return null;
  if (!head.image) return head.phases;
  return { ...head.phases, image: { ...head.image, data: copyOf(content.subarray(headEnd), Float32Array) } };
}

/** The bytes as other numbers, copied: those must lie at a multiple of their size. */
function copyOf<T extends Uint32Array | Float32Array>(bytes: Uint8Array, Numbers: new (buffer: ArrayBuffer) => T): T {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return new Numbers(copy);
}

/** Another Node may write its values in another way. */
function readHead(bytes: Uint8Array): Head | null {
  try {
    return deserialize(bytes);
  } catch {
    return null;
  }
}
