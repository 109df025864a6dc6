/**
 * A kernel as a grey PNG of 16 bits: the largest value is white, 0 is black; negative values cannot be held. Convolution sense.
 *
 * PNG Specification, third edition: https://www.w3.org/TR/png-3/. Pictures of 8 or 16 bits, grey or colour, are read: other programs
 * (and people) draw kernels so. The values are relative, their sum is made 1.
 */
import { zlibSync } from 'fflate';
import { KernelFusionError } from '../errors.ts';
import type { Kernel } from '../kernel.ts';
import { bytesOf, joined, textOf, viewOf } from './bytes.ts';
import { type Found, type KernelFormat, LARGEST_SIDE } from './format.ts';
import { inflate } from './inflate.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Channels by colour type; 3, the palette, is missing on purpose: its numbers are no amounts. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };
const WHITE = 65535;

const bad = (sentence: string) => new KernelFusionError('BAD_KERNEL', sentence);
const damaged = () => bad('The PNG file is damaged or cut off.');
const isPng = (file: Uint8Array) => SIGNATURE.every((byte, i) => file[i] === byte);

/** CRC-32 of a chunk, type and data (annex D of the specification). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  out.set(bytesOf(type), 4);
  out.set(data, 8);
  const view = viewOf(out);
  view.setUint32(0, data.length);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

/** Values below 0 become black: export.ts has said so. */
export function writePng({ size, data }: Kernel): Uint8Array {
  const largest = data.reduce((a, b) => Math.max(a, b));
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, size);
  header.setUint32(4, size);
  header.setUint8(8, 16); // bits; colour type, compression, filter and interlace are 0
  const line = 1 + 2 * size;
  const pixels = new DataView(new ArrayBuffer(size * line));
  data.forEach((value, i) => {
    const at = Math.floor(i / size) * line + 1 + 2 * (i % size);
    pixels.setUint16(at, Math.round((Math.max(0, value) / largest) * WHITE));
  });
  return joined([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', new Uint8Array(header.buffer)),
    chunk('IDAT', zlibSync(new Uint8Array(pixels.buffer))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/** Throws `BAD_KERNEL` for what is damaged, too large, interlaced or has a palette. */
export function readPng(file: Uint8Array): Found {
  if (!isPng(file)) throw damaged();
  const { header, packed } = chunks(file);
  if (header.length !== 13) throw damaged();
  const view = viewOf(header);
  const [size, height, bits, interlaced] = [view.getUint32(0), view.getUint32(4), header[8], header[12]];
  const channels = CHANNELS[header[9]];
  if (size !== height) throw bad(`A kernel must be square: this picture has ${size} x ${height} pixels.`);
  if (size < 1 || size > LARGEST_SIDE) {
    throw bad(
      `A kernel has at most ${LARGEST_SIDE} x ${LARGEST_SIDE} pixels, one a value; this picture has ${size} x ${size}. ` +
        'The .png that "upscale --kernel-out" writes is to look at: write a .json, and give that.',
    );
  }
  if (!channels || (bits !== 8 && bits !== 16) || interlaced !== 0) {
    throw bad('A kernel must be a grey or RGB picture of 8 or 16 bits, without palette or interlacing.');
  }
  const step = (channels * bits) / 8;
  const bytes = inflate(packed, size * (1 + size * step));
  if (bytes?.length !== size * (1 + size * step)) throw damaged();
  const pixels = viewOf(unfiltered(bytes, size, step));
  const sample = (i: number) => (bits === 8 ? pixels.getUint8(i) : pixels.getUint16(2 * i));
  const colours = channels < 3 ? 1 : 3;
  const opaque = 2 ** bits - 1;
  const values = Float64Array.from({ length: size * size }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < colours; c++) sum += sample(i * channels + c);
    return sum * (channels > colours ? sample(i * channels + colours) / opaque : 1); // What is transparent is not there.
  });
  return { size, values };
}

/** The header, and all packed pixels one after the other. */
function chunks(file: Uint8Array): { header: Uint8Array; packed: Uint8Array } {
  const view = viewOf(file);
  let header = new Uint8Array(0);
  const packed: Uint8Array[] = [];
  for (let at = SIGNATURE.length; ; ) {
    if (at + 12 > file.length) throw damaged();
    const length = view.getUint32(at);
    if (at + 12 + length > file.length) throw damaged();
    const body = file.subarray(at + 4, at + 8 + length);
    if (view.getUint32(at + 8 + length) !== crc32(body)) throw damaged();
    const [type, data] = [textOf(body.subarray(0, 4)), body.subarray(4)];
    if (type === 'IHDR') header = Uint8Array.from(data);
    if (type === 'IDAT') packed.push(data);
    if (type === 'IEND') return { header, packed: joined(packed) };
    at += 12 + length;
  }
}

/** Lines with their filters undone (section 9). `step`: bytes a pixel. */
function unfiltered(bytes: Uint8Array, size: number, step: number): Uint8Array {
  const width = size * step;
  const out = new Uint8Array(size * width);
  for (let y = 0; y < size; y++) {
    const filter = bytes[y * (1 + width)];
    if (filter > 4) throw damaged();
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = x >= step ? out[at - step] : 0;
      const above = y > 0 ? out[at - width] : 0;
      const corner = x >= step && y > 0 ? out[at - width - step] : 0;
      const predicted = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter];
      out[at] = bytes[y * (1 + width) + 1 + x] + predicted;
    }
  }
  return out;
}

/** Of the three neighbours the one nearest to left + above - corner. */
function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const [a, b, c] = [left, above, corner].map((value) => Math.abs(estimate - value));
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

export const pngFormat: KernelFormat = {
  id: 'png',
  extension: '.png',
  label: 'PNG (16 bits)',
  purpose: 'A picture of one pixel a value: for programs that take the kernel as a picture, to look at, or to draw in.',
  recipe: {
    tool: 'scikit-image',
    language: 'python',
    code: `kernel = skimage.io.imread('kernel.png').astype(float); kernel /= kernel.sum()`,
  },
  sense: 'convolution',
  centring: 'middle',
  unsigned: true,
  write: writePng,
  reader: { recognises: isPng, read: readPng },
};
