/**
 * A kernel as ffmpeg's `convolution` filter: a square of 3, 5 or 7 whole numbers a side for each plane. CORRELATION sense.
 *
 * https://ffmpeg.org/ffmpeg-filters.html#convolution. Sums are kept in 32 bits while pixels may have 16, so the numbers add up to
 * 2^15 at most. For larger kernels: the filters `convolve` and `deconvolve`, which take a picture (docs/kernel-recipes.md).
 */
import type { Kernel } from '../kernel.ts';
import { bytesOf } from './bytes.ts';
import type { KernelFormat } from './format.ts';
import { wholeNumbers } from './whole-numbers.ts';

const PLANES = [0, 1, 2, 3];
const MOST = 2 ** 15 - 1;

export function writeFfmpeg(kernel: Kernel): Uint8Array {
  const numbers = wholeNumbers(kernel, MOST, MOST);
  const sum = numbers.reduce((a, b) => a + b, 0);
  const planes = PLANES.map((plane) => `${plane}m='${numbers.join(' ')}':${plane}rdiv=1/${sum}`);
  return bytesOf(`convolution=${planes.join(':')}\n`);
}

export const ffmpegFormat: KernelFormat = {
  id: 'ffmpeg',
  extension: '.ffmpeg.txt',
  label: 'ffmpeg filter',
  purpose: 'To blur video or pictures with ffmpeg as a small kernel does (7 x 7 at most).',
  recipe: {
    tool: 'ffmpeg',
    language: 'sh',
    code: 'ffmpeg -i in.png -vf "format=gbrp16,$(cat kernel.ffmpeg.txt)" out.png',
  },
  sense: 'correlation',
  centring: 'middle',
  sides: [3, 5, 7],
  write: writeFfmpeg,
};
