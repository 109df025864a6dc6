/**
 * A kernel for Photoshop's Filter > Other > Custom: 25 weights, their divisor ("scale") and an offset, as big-endian int16.
 * CORRELATION sense: the weight at [dx, dy] multiplies the pixel at x + dx, y + dy.
 *
 * Adobe Photoshop File Formats Specification, "Custom kernel" (.acf): weights from -999 to 999, scale from 1 to 9999.
 */
import type { Kernel } from '../kernel.ts';
import type { KernelFormat } from './format.ts';
import { wholeNumbers } from './whole-numbers.ts';

const LARGEST_WEIGHT = 999;
const LARGEST_SCALE = 9999;

export function writeAcf(kernel: Kernel): Uint8Array {
  const weights = wholeNumbers(kernel, LARGEST_WEIGHT, LARGEST_SCALE);
  const file = new Uint8Array(2 * (weights.length + 2));
  const view = new DataView(file.buffer);
  const scale = weights.reduce((a, b) => a + b, 0);
  for (const [i, value] of [...weights, scale, 0].entries()) view.setInt16(2 * i, value, false);
  return file;
}

export const acfFormat: KernelFormat = {
  id: 'acf',
  extension: '.acf',
  label: 'Photoshop Custom filter',
  purpose: 'To blur in Photoshop as a small kernel does (5 x 5 at most).',
  recipe: {
    tool: 'Photoshop',
    language: 'text',
    code: 'Filter > Other > Custom... > Load... > kernel.acf',
  },
  sense: 'correlation',
  centring: 'middle',
  sides: [5],
  write: writeAcf,
};
