/** PNG files written by hand, chunk by chunk (PNG 3rd edition, 5.3), so that tests do not check sharp with sharp. */
import { deflateSync } from 'node:zlib';

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

export interface PngRecipe {
  readonly width: number;
  readonly height: number;
  /** 0 grey, 2 RGB, 3 indexed, 4 grey + alpha, 6 RGB + alpha. */
  readonly colourType: 0 | 2 | 3 | 4 | 6;
  readonly bits: number;
  /** Rows as stored, one after the other, without filter bytes; zeros where left out. */
  readonly rows?: Uint8Array;
  /** Chunks between header and pixels. */
  readonly chunks?: Readonly<Record<string, Uint8Array>>;
}

export function makePng({ width, height, colourType, bits, rows, chunks = {} }: PngRecipe): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, colourType], 8);
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colourType];
  const stride = Math.ceil((width * channels * bits) / 8);
  const filtered = Buffer.alloc(rows ? height * (stride + 1) : 0);
  for (let y = 0; rows && y < height; y++)
    filtered.set(rows.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...Object.entries(chunks).map(([type, data]) => chunk(type, data)),
    chunk('IDAT', deflateSync(filtered)),
    chunk('IEND', new Uint8Array()),
  ]);
}

/** A small grey ICC profile: the header and one tag, the curve of gamma 2.2 in 256 steps (ICC.1:2022, 7.2, 7.3 and 10.6). */
export function greyProfile(): Buffer {
  const curve = Array.from({ length: 256 }, (_, i) => Math.round(65535 * (i / 255) ** 2.2));
  const icc = Buffer.alloc(156 + 2 * curve.length);
  const long = (values: readonly number[], at: number) =>
    values.forEach((v, i) => void icc.writeUInt32BE(v, at + 4 * i));
  long([icc.length, 0, 0x04400000], 0);
  icc.write('mntrGRAYXYZ ', 12);
  icc.write('acsp', 36);
  long([0xf6d6, 0x10000, 0xd32d], 68); // the D50 white every profile states
  long([1, 0x6b545243, 144, 12 + 2 * curve.length], 128); // one tag: kTRC, its place and length
  icc.write('curv', 144);
  long([curve.length], 152);
  for (const [i, v] of curve.entries()) icc.writeUInt16BE(v, 156 + 2 * i);
  return icc;
}

/** An iCCP chunk. */
export const profileChunk = (icc: Uint8Array) => Buffer.concat([Buffer.from('test\0\0', 'latin1'), deflateSync(icc)]);
