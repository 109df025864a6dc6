/**
 * PNG files in and out without a canvas, so that straight-alpha pixels keep every bit.
 *
 * The one idea: a browser's canvas multiplies colour by alpha and rounds, which ruins the colour of nearly transparent
 * pixels; the format itself is simple, and browsers bring its compression (`DecompressionStream`, `CompressionStream`).
 * Reads everything but interlaced files (16 bits are cut to 8; colour profiles are left aside: values stay as they are);
 * writes 8-bit RGBA. The format: https://www.w3.org/TR/png-3/
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Picture } from './picture.ts';

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/** Samples a pixel by colour type: grey, RGB, palette, grey + alpha, RGBA. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Width and height of a PNG file without unpacking it, or null when the bytes are none. */
export function pngSize(file: Uint8Array): { width: number; height: number } | null {
  if (file.length < 33 || SIGNATURE.some((byte, index) => file[index] !== byte)) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Reads a PNG file. Throws INPUT_UNREADABLE for what is none or broken, INPUT_UNSUPPORTED for an interlaced one. */
export async function decodePng(file: Uint8Array): Promise<Picture> {
  const size = pngSize(file);
  if (!size) throw unreadable();
  const { width, height } = size;
  const [depth, colour, , , interlaced] = file.subarray(24, 29);
  const channels = CHANNELS[colour];
  if (!channels || width === 0 || height === 0) throw unreadable();
  if (interlaced) throw new KernelFusionError('INPUT_UNSUPPORTED', 'Interlaced PNG files cannot be read here.');

  const packed: Uint8Array[] = [];
  let palette = new Uint8Array(0);
  let transparency = new Uint8Array(0);
  for (const { type, data } of chunksOf(file)) {
    if (type === 'IDAT') packed.push(data);
    if (type === 'PLTE') palette = data.slice();
    if (type === 'tRNS') transparency = data.slice();
  }
  const pixelBits = channels * depth;
  const rowBytes = Math.ceil((width * pixelBits) / 8);
  const raw = await inflate(packed, height * (rowBytes + 1));
  unfilter(raw, height, rowBytes, Math.max(1, pixelBits >> 3));

  const rgba = new Uint8ClampedArray(4 * width * height);
  if (colour === 6 && depth === 8) {
    for (let y = 0; y < height; y++) {
      const from = y * (rowBytes + 1) + 1;
      rgba.set(raw.subarray(from, from + rowBytes), y * rowBytes);
    }
    return { width, height, rgba };
  }
  const sample = sampler(raw, depth);
  const full = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  // The one colour that means "nothing" in files without alpha; at 16 bits compared by all its bits.
  const clear = !(colour & 4) && transparency.length >= 2 * channels ? readBig(transparency, channels) : null;
  const second = channels <= 2 ? 0 : 1; // Where green comes from; a grey sample serves all three.
  const values = new Uint16Array(4);
  for (let y = 0; y < height; y++) {
    const row = y * (rowBytes + 1) + 1;
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      if (colour === 3) {
        const index = sample(row, x);
        if (3 * index + 2 >= palette.length) throw unreadable();
        rgba.set(palette.subarray(3 * index, 3 * index + 3), at);
        rgba[at + 3] = transparency[index] ?? 255;
        continue;
      }
      let hidden = clear !== null;
      for (let channel = 0; channel < channels; channel++) {
        const value = sample(row, x * channels + channel);
        if (clear && value !== clear[channel]) hidden = false;
        values[channel] = depth === 16 ? value >> 8 : value * full;
      }
      rgba[at] = values[0];
      rgba[at + 1] = values[second];
      rgba[at + 2] = values[2 * second];
      rgba[at + 3] = hidden ? 0 : colour & 4 ? values[channels - 1] : 255;
    }
  }
  return { width, height, rgba };
}

/** Writes an 8-bit RGBA file. Every row is stored as its difference from the one above, which pictures pack well with. */
export async function encodePng({ width, height, rgba }: Picture): Promise<Uint8Array<ArrayBuffer>> {
  const rowBytes = 4 * width;
  const raw = new Uint8Array(height * (rowBytes + 1));
  for (let y = 0; y < height; y++) {
    const to = y * (rowBytes + 1);
    const from = y * rowBytes;
    raw[to] = y === 0 ? 0 : 2;
    for (let i = 0; i < rowBytes; i++) raw[to + 1 + i] = rgba[from + i] - (y === 0 ? 0 : rgba[from - rowBytes + i]);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 6, 0, 0, 0], 8);
  const packed = await through(new CompressionStream('deflate'), [raw]);
  return join([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', join(packed)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/** The file as an address that carries it whole: "data:image/png;base64,...". */
export function pngAddress(file: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < file.length; at += 0x8000) {
    pieces.push(String.fromCharCode(...file.subarray(at, at + 0x8000)));
  }
  return `data:image/png;base64,${btoa(pieces.join(''))}`;
}

function* chunksOf(file: Uint8Array): Generator<{ type: string; data: Uint8Array }> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 8; at + 12 <= file.length; ) {
    const length = view.getUint32(at);
    if (at + 12 + length > file.length) throw unreadable();
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    yield { type, data: file.subarray(at + 8, at + 8 + length) };
    if (type === 'IEND') return;
    at += 12 + length;
  }
}

/** Undoes the five filters in place. Each row is one byte naming its filter, then `rowBytes` bytes. */
function unfilter(raw: Uint8Array, height: number, rowBytes: number, pixelBytes: number): void {
  for (let y = 0; y < height; y++) {
    const row = y * (rowBytes + 1) + 1;
    const above = row - rowBytes - 1;
    const filter = raw[row - 1];
    if (filter > 4) throw unreadable();
    if (filter === 0) continue;
    for (let i = 0; i < rowBytes; i++) {
      const left = i >= pixelBytes ? raw[row + i - pixelBytes] : 0;
      const up = y > 0 ? raw[above + i] : 0;
      const corner = y > 0 && i >= pixelBytes ? raw[above + i - pixelBytes] : 0;
      if (filter === 1) raw[row + i] += left;
      else if (filter === 2) raw[row + i] += up;
      else if (filter === 3) raw[row + i] += (left + up) >> 1;
      else raw[row + i] += paeth(left, up, corner);
    }
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Reads sample `index` of the row that begins at byte `row`, whatever its depth in bits. */
function sampler(raw: Uint8Array, depth: number): (row: number, index: number) => number {
  if (depth === 8) return (row, index) => raw[row + index];
  if (depth === 16) return (row, index) => (raw[row + 2 * index] << 8) | raw[row + 2 * index + 1];
  const each = 8 / depth;
  const mask = 2 ** depth - 1;
  return (row, index) => (raw[row + Math.floor(index / each)] >> (8 - depth * ((index % each) + 1))) & mask;
}

const readBig = (bytes: Uint8Array, count: number): number[] =>
  Array.from({ length: count }, (_, index) => (bytes[2 * index] << 8) | bytes[2 * index + 1]);

/** Unpacks to exactly `length` bytes; what would be more is not waited for. */
async function inflate(packed: readonly Uint8Array[], length: number): Promise<Uint8Array> {
  let pieces: Uint8Array[];
  try {
    pieces = await through(new DecompressionStream('deflate'), packed, length);
  } catch (error) {
    throw unreadable(error);
  }
  const raw = join(pieces);
  if (raw.length < length) throw unreadable();
  return raw.subarray(0, length);
}

/** Pushes bytes through a (de)compressing stream, and stops once `enough` bytes have come out. */
async function through(
  stream: CompressionStream | DecompressionStream,
  bytes: readonly Uint8Array[],
  enough = Number.POSITIVE_INFINITY,
): Promise<Uint8Array[]> {
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const fed = (async () => {
    for (const piece of bytes) await writer.write(piece as Uint8Array<ArrayBuffer>);
    await writer.close();
  })();
  fed.catch(() => {}); // The reader meets the same failure, and tells it.
  const out: Uint8Array[] = [];
  for (let count = 0; count < enough; ) {
    const { done, value } = await reader.read();
    if (done) break;
    out.push(value);
    count += value.length;
  }
  await reader.cancel();
  return out;
}

function join(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(12 + data.length);
  const view = new DataView(whole.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) whole[4 + i] = type.charCodeAt(i);
  whole.set(data, 8);
  view.setUint32(8 + data.length, crc(whole.subarray(4, 8 + data.length)));
  return whole;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ CRC_TABLE[(value ^ byte) & 255];
  return ~value >>> 0;
}

const unreadable = (cause?: unknown) =>
  new KernelFusionError('INPUT_UNREADABLE', 'The picture that came from the editor is broken.', { cause });
