/**
 * How good a result is: PSNR and SSIM against the true picture, correlation and L1 against the true kernel.
 *
 * The numbers are those of the super-resolution literature: BT.601 studio luma (16..235), peak 255, SSIM of Wang et al. 2004
 * (11 x 11 Gaussian window, sigma 1.5), a border of 4 s pixels left out, pictures with alpha composed over mid grey.
 * A blind method knows kernel and picture only up to one common shift, so each number is also given after the best sub-pixel
 * translation of at most s pixels (Gauss-Newton on the luma, applied without smoothing, kept only if it raises the PSNR).
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Kernel, Scale } from '../../shared/kernel.ts';
import { type Planes, planeOf } from '../image/planes.ts';
import { dirichlet, fourierShift } from './fourier.ts';
import type { Layer } from './method.ts';

export interface PictureScore {
  /** dB; Infinity where nothing differs. */
  readonly psnrY: number;
  /** -1 .. 1, 1 is equal. */
  readonly ssimY: number;
  readonly psnrRgb: number;
  /** The same after the result is moved by `shift`. */
  readonly psnrYShift: number;
  readonly ssimYShift: number;
  /** [dy, dx] in HR pixels; positive: the result had to be moved down, right to meet the truth. */
  readonly shift: readonly [number, number];
  /** Of the alpha plane; only where the truth has one. */
  readonly psnrAlpha?: number;
}

export interface KernelScore {
  /** Normalised cross-correlation at the best shift (eighths of a pixel), mean not subtracted; 1 is perfect. */
  readonly ncc: number;
  /** Sum of absolute differences at that shift, 0 .. 2. */
  readonly l1: number;
  /** [dy, dx] in HR pixels that moves the estimate onto the truth. */
  readonly shift: readonly [number, number];
}

/** A plane of values 0 .. 255. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float64Array;
}

const PEAK = 255;
const GREY = 128;

/**
 * Scores a result against the true picture of the same size. Both are clipped and rounded to 8 bits first.
 * Throws `INPUT_UNSUPPORTED` where the sizes differ, `INPUT_TOO_SMALL` where the border leaves less than an SSIM window.
 */
export function scorePicture(result: Layer, truth: Layer, scale: Scale): PictureScore {
  const { width, height } = truth.colour;
  if (result.colour.width !== width || result.colour.height !== height) {
    const size = `${result.colour.width} x ${result.colour.height}`;
    throw new KernelFusionError(
      'INPUT_UNSUPPORTED',
      `The result (${size}) and the truth (${width} x ${height}) differ.`,
    );
  }
  const border = 4 * scale;
  if (Math.min(width, height) - 2 * border < 2 * SSIM_RADIUS + 1) {
    throw new KernelFusionError('INPUT_TOO_SMALL', `${width} x ${height} is too small to be scored at scale ${scale}.`);
  }
  const rgb = overGrey(result);
  const trueRgb = overGrey(truth);
  const y = luma(rgb);
  const trueY = luma(trueRgb);
  const { moved, shift } = registered(y, trueY, border, scale);
  const inside = (p: Plane) => crop(p, border);
  return {
    psnrY: psnr([inside(y)], [inside(trueY)]),
    ssimY: ssim(inside(y), inside(trueY)),
    psnrRgb: psnr(rgb.map(inside), trueRgb.map(inside)),
    psnrYShift: psnr([inside(moved)], [inside(trueY)]),
    ssimYShift: ssim(inside(moved), inside(trueY)),
    shift,
    ...(truth.alpha && {
      psnrAlpha: psnr([inside(alphaOf(result))], [inside(alphaOf(truth))]),
    }),
  };
}

/** One plane in 8-bit levels. */
function levels(planes: Planes, channel: number): Plane {
  const { width, height } = planes;
  const data = Float64Array.from(planeOf(planes, channel), (v) => Math.min(PEAK, Math.max(0, Math.round(v * PEAK))));
  return { width, height, data };
}

function alphaOf({ colour: { width, height }, alpha }: Layer): Plane {
  return alpha ? levels(alpha, 0) : { width, height, data: new Float64Array(width * height).fill(PEAK) };
}

/** Red, green and blue (grey thrice) over mid grey: a layer as it is scored. */
export function overGrey(layer: Layer): Plane[] {
  const alpha = layer.alpha && levels(layer.alpha, 0).data;
  const planes = Array.from({ length: layer.colour.channels }, (_, c) => levels(layer.colour, c)).map((plane) => {
    if (!alpha) return plane;
    return { ...plane, data: plane.data.map((v, i) => GREY + ((v - GREY) * alpha[i]) / PEAK) };
  });
  return planes.length === 1 ? [planes[0], planes[0], planes[0]] : planes;
}

/** BT.601 studio luma, 16 .. 235, of red, green and blue. */
export function luma([r, g, b]: Plane[]): Plane {
  const data = r.data.map((v, i) => 16 + (65.481 * v + 128.553 * g.data[i] + 24.966 * b.data[i]) / PEAK);
  return { ...r, data };
}

/** The plane without `border` pixels on each side, moved: sample [y, x] is that of [y - dy, x - dx]. */
function crop({ width, height, data }: Plane, border: number, dy = 0, dx = 0): Plane {
  const w = width - 2 * border;
  const h = height - 2 * border;
  const out = new Float64Array(w * h);
  for (let y = 0; y < h; y++) {
    const from = (y + border - dy) * width + border - dx;
    out.set(data.subarray(from, from + w), y * w);
  }
  return { width: w, height: h, data: out };
}

/** Peak signal-to-noise ratio in dB over all planes together. */
function psnr(a: readonly Plane[], b: readonly Plane[]): number {
  let sum = 0;
  a.forEach((plane, c) => {
    for (let i = 0; i < plane.data.length; i++) sum += (plane.data[i] - b[c].data[i]) ** 2;
  });
  const mse = sum / (a.length * a[0].data.length);
  return mse === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(PEAK ** 2 / mse);
}

const SSIM_RADIUS = 5;
const SSIM_SIGMA = 1.5;

/** Mean structural similarity of two planes over every window that fits. */
function ssim(a: Plane, b: Plane): number {
  const c1 = (0.01 * PEAK) ** 2;
  const c2 = (0.03 * PEAK) ** 2;
  const blurred = (f: (i: number) => number) => gaussian({ ...a, data: a.data.map((_, i) => f(i)) });
  const [x, y] = [a.data, b.data];
  const mx = gaussian(a);
  const my = gaussian(b);
  const xx = blurred((i) => x[i] * x[i]);
  const yy = blurred((i) => y[i] * y[i]);
  const xy = blurred((i) => x[i] * y[i]);
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const means = mx[i] * mx[i] + my[i] * my[i];
    const product = mx[i] * my[i];
    const variances = xx[i] + yy[i] - means;
    sum += ((2 * product + c1) * (2 * (xy[i] - product) + c2)) / ((means + c1) * (variances + c2));
  }
  return sum / mx.length;
}

/** The plane under the SSIM window, where the whole window fits. */
function gaussian({ width, height, data }: Plane): Float64Array {
  const raw = Array.from({ length: 2 * SSIM_RADIUS + 1 }, (_, i) =>
    Math.exp(-((i - SSIM_RADIUS) ** 2) / (2 * SSIM_SIGMA ** 2)),
  );
  const total = raw.reduce((sum, v) => sum + v, 0);
  const taps = raw.map((v) => v / total);
  const w = width - 2 * SSIM_RADIUS;
  const h = height - 2 * SSIM_RADIUS;
  const rows = new Float64Array(w * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let t = 0; t < taps.length; t++) sum += taps[t] * data[y * width + x + t];
      rows[y * w + x] = sum;
    }
  }
  const out = new Float64Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let t = 0; t < taps.length; t++) {
      for (let x = 0; x < w; x++) out[y * w + x] += taps[t] * rows[(y + t) * w + x];
    }
  }
  return out;
}

/** A gain in dB that the Fourier shift's rounding can fake: a flat picture has no better place. */
const ROUNDING = 1e-9;

/** `a` moved by the translation of at most `limit` pixels an axis that makes it meet `b` best; [0, 0] if none helps. */
function registered(a: Plane, b: Plane, border: number, limit: number): { moved: Plane; shift: [number, number] } {
  const target = crop(b, border);
  let best: { moved: Plane; shift: [number, number] } = { moved: a, shift: [0, 0] };
  let bestPsnr = psnr([crop(a, border)], [target]);
  let at = wholePixelStart(a, b, border, limit);
  for (let i = 0; i < 8; i++) {
    const moved: Plane = { ...a, data: fourierShift(a.data, a.width, a.height, ...at) };
    const value = psnr([crop(moved, border)], [target]);
    if (value > bestPsnr + ROUNDING) {
      bestPsnr = value;
      best = { moved, shift: at };
    }
    const step = gaussNewtonStep(moved, b, border);
    const clip = (v: number, bound: number) => Math.min(bound, Math.max(-bound, v));
    at = [clip(at[0] + clip(step[0], 1), limit), clip(at[1] + clip(step[1], 1), limit)];
    if (Math.max(Math.abs(step[0]), Math.abs(step[1])) < 0.003) break;
  }
  return best;
}

/** The best shift by whole pixels; one further down the list must win by 0.01 dB. */
function wholePixelStart(a: Plane, b: Plane, border: number, limit: number): [number, number] {
  // Compared where every shift has samples; a picture too small for that starts unmoved.
  const margin = border + limit;
  let best: [number, number] = [0, 0];
  if (Math.min(a.width, a.height) <= 2 * margin) return best;
  const target = [crop(b, margin)];
  let bestPsnr = psnr([crop(a, border)], [crop(b, border)]);
  for (let dy = -limit; dy <= limit; dy++) {
    for (let dx = -limit; dx <= limit; dx++) {
      const value = psnr([crop(a, margin, dy, dx)], target);
      if (value <= bestPsnr + 0.01) continue;
      bestPsnr = value;
      best = [dy, dx];
    }
  }
  return best;
}

/** Solves min_d |m - d . grad m - b|^2 inside the border, with central differences. */
function gaussNewtonStep({ width, height, data: m }: Plane, b: Plane, border: number): [number, number] {
  let yy = 1e-9;
  let xx = 1e-9;
  let yx = 0;
  let ye = 0;
  let xe = 0;
  for (let r = border; r < height - border; r++) {
    for (let i = r * width + border; i < r * width + width - border; i++) {
      const gy = (m[i + width] - m[i - width]) / 2;
      const gx = (m[i + 1] - m[i - 1]) / 2;
      const e = m[i] - b.data[i];
      yy += gy * gy;
      xx += gx * gx;
      yx += gy * gx;
      ye += gy * e;
      xe += gx * e;
    }
  }
  const det = yy * xx - yx * yx;
  // Only edges in one direction, or none: the shift along them cannot be known.
  if (det <= 1e-12 * yy * xx) return [0, 0];
  return [(xx * ye - yx * xe) / det, (yy * xe - yx * ye) / det];
}

/** Steps a pixel of the sub-pixel search. */
const EIGHTHS = 8;

/** Scores a kernel; both are clipped at 0 and normalised first, and may differ in side and parity. */
export function scoreKernel(estimate: Kernel, truth: Kernel): KernelScore {
  // An odd side makes fractional shifts keep the norm; twice the larger side keeps shifted kernels apart from their repeats.
  const n = 2 * Math.max(estimate.size, truth.size) + 1;
  const a = embed(truth, n);
  const b = embed(estimate, n);
  const half = (n - 1) / 2;
  const correlation = correlate(a, b, n, half);
  const peak = indexOfLargest(correlation);
  const whole: [number, number] = [Math.floor(peak / n) - half, (peak % n) - half];

  // The correlation between whole shifts is its band-limited interpolation.
  const offsets = Array.from({ length: 2 * EIGHTHS + 1 }, (_, i) => i / EIGHTHS - 1);
  const interpolate = (around: number) =>
    offsets.map((t) => Float64Array.from({ length: n }, (_, j) => dirichlet(around + t - (j - half), n)));
  const [rowWeights, columnWeights] = [interpolate(whole[0]), interpolate(whole[1])];
  const fine = rowWeights.flatMap((wy) => {
    const row = Float64Array.from({ length: n }, (_, x) =>
      wy.reduce((sum, w, y) => sum + w * correlation[y * n + x], 0),
    );
    return columnWeights.map((wx) => wx.reduce((sum, w, x) => sum + w * row[x], 0));
  });
  const finePeak = indexOfLargest(fine);
  const shift: [number, number] = [
    whole[0] + offsets[Math.floor(finePeak / offsets.length)],
    whole[1] + offsets[finePeak % offsets.length],
  ];
  const energy = (p: Float64Array) => p.reduce((sum, v) => sum + v * v, 0);
  const distance = (d: readonly [number, number]) =>
    fourierShift(b, n, n, d[0], d[1], 0).reduce((sum, v, i) => sum + Math.abs(a[i] - v), 0);
  return {
    ncc: Math.max(fine[finePeak], correlation[peak]) / Math.sqrt(energy(a) * energy(b)),
    l1: Math.min(distance(whole), distance(shift)),
    shift,
  };
}

/** The kernel clipped at 0, with sum 1, in the middle of n x n zeros. */
function embed({ size, data }: Kernel, n: number): Float64Array {
  const total = data.reduce((sum, v) => sum + Math.max(0, v), 0);
  const out = new Float64Array(n * n);
  const offset = Math.floor((n - size) / 2);
  data.forEach((v, i) => {
    out[(Math.floor(i / size) + offset) * n + (i % size) + offset] = Math.max(0, v) / total;
  });
  return out;
}

/** sum_p a[p + d] b[p] for every shift d, -half .. half an axis, repeated edges; entry [half, half] is no shift. */
function correlate(a: Float64Array, b: Float64Array, n: number, half: number): Float64Array {
  const out = new Float64Array(n * n);
  const inA = nonZero(a);
  for (const q of nonZero(b)) {
    const [qy, qx] = [Math.floor(q / n), q % n];
    for (const p of inA) {
      const y = (Math.floor(p / n) - qy + half + n) % n;
      const x = ((p % n) - qx + half + n) % n;
      out[y * n + x] += a[p] * b[q];
    }
  }
  return out;
}

function nonZero(values: Float64Array): number[] {
  return Array.from(values.keys()).filter((i) => values[i] !== 0);
}

/** The first of the largest. */
function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
