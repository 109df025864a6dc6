/**
 * The super-resolution kernel: the blur between the picture we want and the one we have.
 *
 * Sense: correlation, on the high-resolution grid,
 *   y[i] = sum_u k[u] x[s*i + (s-1)/2 + u - (n-1)/2]          (u = 0..n-1, rows first)
 * so the centre of an n x n kernel, (n-1)/2, falls on the centre of LR pixel i. n has the parity of s, which keeps
 * those positions on whole HR pixels. A convolution kernel (the usual sense of exports) is this one rotated by 180 degrees.
 */
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

/** Moves the content by whole pixels (positive: down, right); what leaves the square is lost, the sum is made 1 again. */
export function shift(kernel: Kernel, dy: number, dx: number): Kernel {
  const n = kernel.size;
  const out = new Float64Array(n * n);
  for (let r = Math.max(0, dy); r < Math.min(n, n + dy); r++) {
    for (let c = Math.max(0, dx); c < Math.min(n, n + dx); c++) out[r * n + c] = kernel.data[(r - dy) * n + c - dx];
  }
  return makeKernel(n, kernel.scale, out);
}

/** The kernel of a plain bicubic reduction by s (Keys, a = -1/2, support 4s): side 4s, separable, with negative lobes. */
export function bicubicKernel(scale: Scale, side = 4 * scale): Kernel {
  const a = -0.5;
  const taps = Array.from({ length: side }, (_, i) => {
    const t = Math.abs(i - (side - 1) / 2) / scale;
    if (t <= 1) return (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1;
    if (t < 2) return a * t ** 3 - 5 * a * t ** 2 + 8 * a * t - 4 * a;
    return 0;
  });
  return makeKernel(
    side,
    scale,
    taps.flatMap((p) => taps.map((q) => p * q)),
  );
}
