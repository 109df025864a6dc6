/**
 * A kernel as a Portable Float Map: three lines of text, then little-endian float32, the bottom row first. Convolution sense.
 *
 * http://www.pauldebevec.com/Research/HDR/PFM/; the negative scale says little-endian.
 */
import type { Kernel } from '../kernel.ts';
import { bytesOf } from './bytes.ts';
import type { KernelFormat } from './format.ts';

export function writePfm({ size, data }: Kernel): Uint8Array {
  const header = bytesOf(`Pf\n${size} ${size}\n-1.0\n`);
  const file = new Uint8Array(header.length + 4 * data.length);
  file.set(header);
  const view = new DataView(file.buffer, header.length);
  data.forEach((value, i) => {
    const fromBottom = size - 1 - Math.floor(i / size);
    view.setFloat32(4 * (fromBottom * size + (i % size)), value, true);
  });
  return file;
}

export const pfmFormat: KernelFormat = {
  id: 'pfm',
  extension: '.pfm',
  label: 'PFM (float)',
  purpose: "A picture of float values that G'MIC, OpenCV and Netpbm read.",
  recipe: {
    tool: "G'MIC",
    language: 'sh',
    code: 'gmic in.png kernel.pfm convolve[0] [1],1 remove[1] output out.tif,float',
  },
  sense: 'convolution',
  centring: 'middle',
  write: writePfm,
};
