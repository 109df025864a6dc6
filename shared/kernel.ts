/**
 * The super-resolution kernel: the blur between the picture we want and the one we have.
 *
 * Sense: correlation, on the high-resolution grid,
 *   y[i] = sum_u k[u] x[s*i + (s-1)/2 + u - (n-1)/2]          (u = 0..n-1, rows first)
 * so the centre of an n x n kernel, (n-1)/2, falls on the centre of LR pixel i. n has the parity of s, which keeps
 * those positions on whole HR pixels. A convolution kernel (the usual sense of exports) is this one rotated by 180 degrees.
 */
import { keys } from './cubic.ts';
import { KernelFusionError } from './errors.ts';

export type Scale = 1 | 2 | 3 | 4;

/** A square kernel. `data` is row-major, n*n values, sum 1; `scale` is the s it belongs to. */
export interface Kernel {
  readonly size: number;
  readonly scale: Scale;
  readonly data: Float64Array;
}

/** Builds a kernel; throws `BAD_KERNEL` unless it is square, finite and has a positive sum. Divides by the sum. */
export function makeKernel(size: number, scale: Scale, values: ArrayLike<number>): Kernel {
  if (!Number.isInteger(size) || size < 1 || values.length !== size * size) {
    throw new KernelFusionError(
      'BAD_KERNEL',
      `A kernel must be square: ${values.length} values do not fill ${size} x ${size}.`,
    );
  }
  const data = Float64Array.from(values);
  let sum = 0;
  for (const v of data) sum += v;
  if (!Number.isFinite(sum) || sum <= 1e-12) {
    throw new KernelFusionError('BAD_KERNEL', 'A kernel must hold finite numbers with a positive sum.');
  }
  return { size, scale, data: data.map((v) => v / sum) };
}

/** Centre of mass relative to the kernel's centre, [dy, dx], in HR pixels. */
export function centreOfMass({ size, data }: Kernel): [number, number] {
  let y = 0;
  let x = 0;
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      y += r * data[r * size + c];
      x += c * data[r * size + c];
    }
  }
  return [y - (size - 1) / 2, x - (size - 1) / 2];
}

/** The kernel rotated by 180 degrees: turns the correlation sense into the convolution sense and back. */
export function flip(kernel: Kernel): Kernel {
  return { ...kernel, data: Float64Array.from(kernel.data).reverse() };
}

/**
 * The kernel on a side of the wanted length, its centre kept: zero border added, or border cut off (and sum made 1 again).
 * Where the parities differ the content moves by half a pixel towards the top left.
 */
export function resizeSide(kernel: Kernel, size: number): Kernel {
  const out = new Float64Array(size * size);
  const offset = Math.floor((size - kernel.size) / 2);
  for (let r = Math.max(0, -offset); r < Math.min(kernel.size, size - offset); r++) {
    for (let c = Math.max(0, -offset); c < Math.min(kernel.size, size - offset); c++) {
      out[(r + offset) * size + c + offset] = kernel.data[r * kernel.size + c];
    }
  }
  return makeKernel(size, kernel.scale, out);
}

/** The mean of two kernels of one scale whose sides have one parity, `share` (0 .. 1) of it the other one; on the longer side. */
export function meanKernel(kernel: Kernel, other: Kernel, share: number): Kernel {
  const size = Math.max(kernel.size, other.size);
  const [a, b] = [resizeSide(kernel, size), resizeSide(other, size)];
  return makeKernel(
    size,
    kernel.scale,
    a.data.map((v, i) => (1 - share) * v + share * b.data[i]),
  );
}

/** Moves the content by whole pixels (positive: down, right); what leaves the square is lost, the sum is made 1 again. */
export function shift(kernel: Kernel, dy: number, dx: number): Kernel {
  const n = kernel.size;
  const out = new Float64Array(n * n);
  for (let r = Math.max(0, dy); r < Math.min(n, n + dy); r++) {
    for (let c = Math.max(0, dx); c < Math.min(n, n + dx); c++) out[r * n + c] = kernel.data[(r - dy) * n + c - dx];
  }
  return makeKernel(n, kernel.scale, out);
}

/**
 * The same blur on the grid of another scale: side n becomes n * scale / kernel.scale (which must be whole), coordinates
 * shrink or grow about the centre. Interpolated by cubics (undershoot cut off) when it grows, averaged over areas when it
 * shrinks: interpolating a thin kernel down would alias.
 */
export function toScale(kernel: Kernel, scale: Scale): Kernel {
  const size = (kernel.size * scale) / kernel.scale;
  if (!Number.isInteger(size))
    throw new RangeError(`toScale: side ${kernel.size} at scale ${kernel.scale} to ${scale}`);
  if (scale === kernel.scale) return kernel;
  const taps = scale > kernel.scale ? cubicTaps(kernel.size, size) : areaTaps(kernel.size, size);
  const out = new Float64Array(size * size);
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      let sum = 0;
      for (const [i, p] of taps[r]) for (const [j, q] of taps[c]) sum += p * q * kernel.data[i * kernel.size + j];
      out[r * size + c] = Math.max(0, sum);
    }
  }
  return makeKernel(size, scale, out);
}

/** For each of `to` places, the [index, weight] pairs of the `from` places it is interpolated from (zeros outside). */
function cubicTaps(from: number, to: number): [number, number][][] {
  return Array.from({ length: to }, (_, place) => {
    const position = ((place + 0.5) * from) / to - 0.5;
    const first = Math.floor(position) - 1;
    const near = [0, 1, 2, 3].map((i): [number, number] => [first + i, keys(first + i - position)]);
    return near.filter(([i]) => i >= 0 && i < from);
  });
}

/** For each of `to` places, the [index, overlap] pairs of the `from` places it covers. */
export function areaTaps(from: number, to: number): [number, number][][] {
  const ratio = from / to;
  return Array.from({ length: to }, (_, place) =>
    Array.from({ length: from }, (_, i): [number, number] => [
      i,
      Math.min(i + 1, (place + 1) * ratio) - Math.max(i, place * ratio),
    ]).filter(([, overlap]) => overlap > 0),
  );
}

/**
 * The kernel of a plain bicubic reduction by s (cubic.ts): separable, support 4s, with negative lobes. Its side is 4s, or
 * 4s + 1 where s is odd; at s = 1 it changes nothing.
 */
export function bicubicKernel(scale: Scale): Kernel {
  const side = 4 * scale + (scale % 2);
  const taps = Array.from({ length: side }, (_, i) => keys((i - (side - 1) / 2) / scale));
  return makeKernel(
    side,
    scale,
    taps.flatMap((p) => taps.map((q) => p * q)),
  );
}
