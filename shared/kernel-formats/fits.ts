/**
 * A kernel as a FITS image, the format of astronomy: cards of 80 characters, then big-endian float32, both in blocks of 2880
 * bytes. Convolution sense, odd side; the first row of the file is the first of the kernel (FITS viewers show it at the bottom).
 *
 * FITS Standard 4.0, sections 3.3, 4.4 and 5.3: https://fits.gsfc.nasa.gov/fits_standard.html
 */
import type { Kernel } from '../kernel.ts';
import { bytesOf } from './bytes.ts';
import type { KernelFormat } from './format.ts';

const BLOCK = 2880;
const CARD = 80;

const blocks = (length: number) => Math.ceil(length / BLOCK) * BLOCK;
const card = (keyword: string, value: string) => `${keyword.padEnd(8)}= ${value.padStart(20)}`.padEnd(CARD);

export function writeFits({ size, data }: Kernel): Uint8Array {
  const header = [
    card('SIMPLE', 'T'),
    card('BITPIX', '-32'),
    card('NAXIS', '2'),
    card('NAXIS1', String(size)),
    card('NAXIS2', String(size)),
    'END'.padEnd(CARD),
  ].join('');
  const start = blocks(header.length);
  const file = new Uint8Array(start + blocks(4 * data.length));
  file.set(bytesOf(header.padEnd(start)));
  const view = new DataView(file.buffer);
  data.forEach((value, i) => {
    view.setFloat32(start + 4 * i, value, false);
  });
  return file;
}

export const fitsFormat: KernelFormat = {
  id: 'fits',
  extension: '.fits',
  label: 'FITS',
  purpose: 'For astropy and other programs of astronomy, as the point spread function.',
  recipe: {
    tool: 'astropy',
    language: 'python',
    code: `blurred = convolve_fft(picture, CustomKernel(fits.getdata('kernel.fits')), boundary='wrap')`,
  },
  sense: 'convolution',
  centring: 'middle', // astropy takes odd sides only.
  write: writeFits,
};
