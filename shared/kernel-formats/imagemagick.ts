/**
 * A kernel as ImageMagick writes one down: its size, the place of its middle, then rows of values. Convolution sense.
 *
 * https://usage.imagemagick.org/morphology/#user: `-morphology Convolve` turns the kernel by 180 degrees itself. To be given as
 * "$(cat FILE)": the other way, @FILE, is forbidden by the policy of Debian's and Ubuntu's ImageMagick.
 */
import type { Kernel } from '../kernel.ts';
import { bytesOf } from './bytes.ts';
import { type KernelFormat, rows } from './format.ts';

export function writeImageMagick(kernel: Kernel): Uint8Array {
  const { size } = kernel;
  const middle = (size - 1) / 2;
  return bytesOf(`${size}x${size}+${middle}+${middle}:\n${rows(kernel, ',').join('\n')}\n`);
}

export const imageMagickFormat: KernelFormat = {
  id: 'imagemagick',
  extension: '.imagemagick.txt',
  label: 'ImageMagick',
  purpose: 'To blur pictures with ImageMagick as the kernel does.',
  recipe: {
    tool: 'ImageMagick',
    language: 'sh',
    code: 'convert in.png -virtual-pixel mirror -morphology Convolve "$(cat kernel.imagemagick.txt)" out.png',
  },
  sense: 'convolution',
  centring: 'middle',
  write: writeImageMagick,
};
