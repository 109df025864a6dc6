/**
 * A kernel as a grey TIFF picture of float32 values: little-endian, one strip, not compressed. Convolution sense.
 *
 * TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), sections 2 and 19: tag 339, value 3, makes the
 * samples floats.
 */
import type { Kernel } from '../kernel.ts';
import type { KernelFormat } from './format.ts';

const SHORT = 3;
const LONG = 4;
const HEADER = 8;
const ENTRY = 12;

export function writeTiff({ size, data }: Kernel): Uint8Array {
  const bytes = 4 * data.length;
  const tags = (start: number): [tag: number, type: number, value: number][] => [
    [256, LONG, size], // width
    [257, LONG, size], // height
    [258, SHORT, 32], // bits a sample
    [259, SHORT, 1], // not compressed
    [262, SHORT, 1], // black is zero
    [273, LONG, start], // where the strip is
    [277, SHORT, 1], // samples a pixel
    [278, LONG, size], // rows in the strip
    [279, LONG, bytes], // its bytes
    [339, SHORT, 3], // floats
  ];
  const count = tags(0).length;
  const start = Math.ceil((HEADER + 2 + count * ENTRY + 4) / 4) * 4;
  const file = new Uint8Array(start + bytes);
  const view = new DataView(file.buffer);
  file.set([0x49, 0x49, 42, 0, HEADER]); // II, the version, the directory's place
  view.setUint16(HEADER, count, true);
  for (const [i, [tag, type, value]] of tags(start).entries()) {
    const at = HEADER + 2 + i * ENTRY;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, 1, true);
    view.setUint32(at + 8, value, true); // In little-endian order a SHORT stands where a LONG's lower half does.
  }
  data.forEach((value, i) => {
    view.setFloat32(start + 4 * i, value, true);
  });
  return file;
}

export const tiffFormat: KernelFormat = {
  id: 'tiff',
  extension: '.tif',
  label: 'TIFF (float)',
  purpose: "For programs that take the kernel as a picture: G'MIC and others that read 32-bit float TIFF.",
  recipe: {
    tool: "G'MIC",
    language: 'sh',
    code: 'gmic in.png kernel.tif convolve[0] [1],1 remove[1] output out.tif,float',
  },
  sense: 'convolution',
  centring: 'middle',
  write: writeTiff,
};
