/**
 * The plainest TIFF there is, in memory only: the way pixels *and* their colour profile get into libvips together.
 *
 * sharp can write a profile it has read, but when handed a profile it converts the colours to it; raw pixels cannot carry one.
 * So the pixels to be written are wrapped in a TIFF with the profile, which costs a few hundred bytes and no second copy.
 * Layout: TIFF 6.0 (Adobe 1992), little-endian; pixels first, the directory after them.
 */
import type { Layer } from '../kernelfusion/method.ts';
import { type Bits, fillPixels, valuesIn } from './pixels.ts';

const [SHORT, LONG, UNDEFINED] = [3, 4, 7] as const;
const BYTES = { [SHORT]: 2, [LONG]: 4, [UNDEFINED]: 1 } as const;
const HEADER = 8;
/** About this many bytes a strip, so that the decoder needs no copy of the whole picture. */
const STRIP = 2 ** 18;

interface Field {
  readonly tag: number;
  readonly type: typeof SHORT | typeof LONG | typeof UNDEFINED;
  readonly values: ArrayLike<number>;
}

/** Bytes the pixels of the layer take; a classic TIFF (and so `packTiff`) ends at 4 GiB. */
export const pixelBytes = (layer: Layer, bits: Bits) => (valuesIn(layer) * bits) / 8;

/** The layer as an uncompressed TIFF of 8 or 16 bits a value, with the ICC profile if there is one. */
export function packTiff(layer: Layer, bits: Bits, icc: Uint8Array | null): Buffer {
  const { width, height, channels: colours } = layer.colour;
  const channels = colours + (layer.alpha ? 1 : 0);
  const rowBytes = (width * channels * bits) / 8;
  const rows = Math.min(Math.max(1, Math.floor(STRIP / rowBytes)), height);
  const strips = Array.from({ length: Math.ceil(height / rows) }, (_, i) => i * rows);
  const fields: Field[] = [
    { tag: 256, type: LONG, values: [width] },
    { tag: 257, type: LONG, values: [height] },
    { tag: 258, type: SHORT, values: Array(channels).fill(bits) }, // BitsPerSample
    { tag: 259, type: SHORT, values: [1] }, // Compression: none
    { tag: 262, type: SHORT, values: [colours === 1 ? 1 : 2] }, // Photometric: 0 is black, or RGB
    { tag: 273, type: LONG, values: strips.map((row) => HEADER + row * rowBytes) }, // StripOffsets
    { tag: 277, type: SHORT, values: [channels] }, // SamplesPerPixel
    { tag: 278, type: LONG, values: [rows] }, // RowsPerStrip
    { tag: 279, type: LONG, values: strips.map((row) => Math.min(rows, height - row) * rowBytes) }, // StripByteCounts
    ...(layer.alpha ? [{ tag: 338, type: SHORT, values: [2] }] : []), // ExtraSamples: alpha, not premultiplied
    ...(icc ? [{ tag: 34675, type: UNDEFINED, values: icc }] : []),
  ];

  const directory = HEADER + height * rowBytes + ((height * rowBytes) % 2);
  const size = (f: Field) => f.values.length * BYTES[f.type];
  let outside = directory + 2 + 12 * fields.length + 4;
  const file = Buffer.alloc(fields.reduce((end, f) => end + (size(f) > 4 ? size(f) : 0), outside));
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directory, 4);
  file.writeUInt16LE(fields.length, directory);
  fields.forEach((field, i) => {
    const entry = directory + 2 + 12 * i;
    file.writeUInt16LE(field.tag, entry);
    file.writeUInt16LE(field.type, entry + 2);
    file.writeUInt32LE(field.values.length, entry + 4);
    const at = size(field) > 4 ? outside : entry + 8;
    if (size(field) > 4) {
      file.writeUInt32LE(outside, entry + 8);
      outside += size(field);
    }
    const bytes = BYTES[field.type];
    for (let k = 0; k < field.values.length; k++) file.writeUIntLE(field.values[k], at + k * bytes, bytes);
  });

  // A typed array has the byte order of the machine: little-endian wherever Node and libvips run.
  const at = file.byteOffset + HEADER;
  const View = bits === 16 ? Uint16Array : Uint8Array;
  fillPixels(layer, new View(file.buffer, at, valuesIn(layer)));
  return file;
}
