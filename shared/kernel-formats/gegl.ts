/**
 * A kernel as a chain of GEGL operations, GIMP's engine: 5 x 5 weights in the letters a to e (columns) and digits 1 to 5 (rows).
 * CORRELATION sense.
 *
 * https://gegl.org/operations/gegl-convolution-matrix.html. GEGL would convolve amounts of light, while our kernels hold for stored
 * values: so the stored values are declared to be light before, and declared back after. In GIMP (Filters > Generic >
 * Convolution Matrix, the same operation) that is done by working in a perceptual precision.
 */
import type { Kernel } from '../kernel.ts';
import { bytesOf } from './bytes.ts';
import type { KernelFormat } from './format.ts';

const STORED = `R'G'B'A float`;
const LIGHT = 'RGBA float';
const COLUMNS = 'abcde';

const declare = (from: string, to: string) => ['gegl:cast-format', `input-format="${from}"`, `output-format="${to}"`];

/** Arguments, one a line, quoted as xargs reads them. */
export function writeGegl({ size, data }: Kernel): Uint8Array {
  const weights = Array.from(data, (value, i) => `${COLUMNS[i % size]}${Math.floor(i / size) + 1}=${value}`);
  const convolve = ['gegl:convolution-matrix', ...weights, 'divisor=1', 'offset=0', 'normalize=false'];
  return bytesOf([...declare(STORED, LIGHT), ...convolve, ...declare(LIGHT, STORED), ''].join('\n'));
}

export const geglFormat: KernelFormat = {
  id: 'gegl',
  extension: '.gegl.txt',
  label: 'GEGL / GIMP matrix',
  purpose: 'To blur with GEGL, or in GIMP by typing the weights, as a small kernel does (5 x 5 at most).',
  recipe: {
    tool: 'GEGL',
    language: 'sh',
    code: 'xargs gegl in.png -o out.tif -- < kernel.gegl.txt',
  },
  sense: 'correlation',
  centring: 'middle',
  sides: [5],
  write: writeGegl,
};
