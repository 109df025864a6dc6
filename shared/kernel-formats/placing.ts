/**
 * Where a kernel stands on its grid: brought to the picture's own grid, or to an odd side with its centre at a wanted place.
 *
 * All of it in the correlation sense of shared/kernel.ts, where LR pixel i is blurred around HR coordinate s*i + (s-1)/2. Nothing
 * moves against that: where a side does not fit, values are interpolated half a pixel further (`halfPixel`).
 */
import { keys } from '../cubic.ts';
import { type Kernel, makeKernel, resizeSide, toScale } from '../kernel.ts';
import type { Centring, Grid } from './format.ts';

/** Whether the side has the parity of the scale, as that of a kernel from elsewhere may not have. */
export const hasParity = ({ size, scale }: Kernel): boolean => (size - scale) % 2 === 0;

/**
 * Of a kernel that has its scale's parity, on the grid of the picture as it came: zeros are added up to a side that is an odd multiple of the scale, so that the side
 * becomes odd and the centre stays the centre.
 */
export function toGrid(kernel: Kernel, grid: Grid): Kernel {
  if (grid === 'hr') return kernel;
  const { scale } = kernel;
  const side = Math.ceil(kernel.size / scale);
  return toScale(resizeSide(kernel, scale * (side + 1 - (side % 2))), 1);
}

/** With its centre where `centring` says (see format.ts). For `corner` it has to have its scale's parity. */
export function centre(kernel: Kernel, centring: Centring): Kernel {
  if (centring === 'middle') return kernel.size % 2 === 1 ? kernel : halfPixel(kernel);
  return centring === 'corner' ? pad(kernel, kernel.scale - 1, 0) : kernel;
}

/** Takes `corner` back: the zeros at the start go; where a program has put values there, zeros at the end balance them. */
export function fromCorner(kernel: Kernel): Kernel {
  const { size, scale, data } = kernel;
  const before = scale - 1;
  const isPadding = (i: number) => Math.floor(i / size) < before || i % size < before;
  if (data.some((value, i) => isPadding(i) && value !== 0)) return pad(kernel, 0, before);
  return makeKernel(
    size - before,
    scale,
    data.filter((_, i) => !isPadding(i)),
  );
}

/**
 * `before` zeros above and to the left, `after` below and to the right. A program that keeps every s-th pixel from the first on
 * computes y[i] = sum_u K[u] x[s*i + u - m], m the middle of the odd side N of K. That is our y[i] for
 * K[u + m + (s-n)/2] = k[u]: with N = n+s-1, m + (s-n)/2 = s-1 zeros before, and nothing is interpolated.
 */
function pad({ size, scale, data }: Kernel, before: number, after: number): Kernel {
  const side = before + size + after;
  const out = new Float64Array(side * side);
  for (let r = 0; r < size; r++) out.set(data.subarray(r * size, (r + 1) * size), (r + before) * side + before);
  return makeKernel(side, scale, out);
}

/**
 * A side n to n + 1, its centre kept: every value half a pixel up and to the left of the elements it is written to, so interpolated by
 * cubics of four values along each axis (their sum is kept).
 */
export function halfPixel(kernel: Kernel): Kernel {
  const { size, scale, data } = kernel;
  const side = size + 1;
  const taps = [-1.5, -0.5, 0.5, 1.5].map(keys);
  const at = (r: number, c: number) => (r >= 0 && c >= 0 && r < size && c < size ? data[r * size + c] : 0);
  const out = Float64Array.from({ length: side * side }, (_, i) => {
    const [r, c] = [Math.floor(i / side) - 2, (i % side) - 2];
    let sum = 0;
    for (let y = 0; y < 4; y++) for (let x = 0; x < 4; x++) sum += taps[y] * taps[x] * at(r + y, c + x);
    return sum;
  });
  // The interpolation undershoots beside steep flanks; negative values are kept only where the kernel itself has some.
  return makeKernel(side, scale, data.some((value) => value < 0) ? out : out.map((value) => Math.max(0, value)));
}
