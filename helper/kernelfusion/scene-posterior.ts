/**
 * What can be said of the sharp picture when the kernel is known: its mean and one draw, given the LR pixels shown.
 *
 * Each difference between neighbouring pixels is Gaussian with a variance of its own, taken to be its expected square
 * (automatic relevance determination, MacKay 1992; in blind deconvolution Wipf & Zhang 2014), so that edges may be steep while
 * flats stay flat. Given these variances the posterior is Gaussian with precision
 *   Q = A^T M A / v + sum_d D_d^T W_d D_d      (M: 1 for shown pixels; W_d = c_d / (E (D_d x)^2 + eps^2)).
 * Its mean solves Q x = A^T M y / v; a draw solves the same with noise of covariance Q added on the right (Papandreou & Yuille
 * 2010). Mean and draw tell how uncertain the picture is without any matrix being inverted.
 */
import type { Kernel } from '../../shared/kernel.ts';
import { type CgLimits, conjugateGradients } from './conjugate-gradient.ts';
import { makeDegradation } from './degradation.ts';
import { addAdjoint, addDiagonal, addEnergy, DIRECTIONS, makeRoughness } from './differences.ts';
import type { Random } from './random.ts';

/** Two canvas planes; the very same one where nothing has been inferred yet. */
export interface Scene {
  readonly mean: Float32Array;
  readonly draw: Float32Array;
}

/** One LR plane as it is seen. */
export interface View {
  /** Values in [-1, 1]. */
  readonly y: Float32Array;
  readonly width: number;
  readonly height: number;
  /** 1 for pixels that are shown, 0 for hidden ones. */
  readonly shown: Float32Array;
  /** Variance of y's noise. */
  readonly variance: number;
}

/** Differences are rounded off below this (values in [-1, 1]). */
const EPSILON = 0.02;
/** A draw's squared deviations are averaged over this many pixels around each: alone they are a noisy witness. */
const RADIUS = 2;
const TOLERANCE = 1e-4;

/** The next mean and draw, from the last, by so many iterations of conjugate gradients each. */
export async function inferScene(
  { y, width: lrWidth, height: lrHeight, shown, variance }: View,
  kernel: Kernel,
  last: Scene,
  random: Random,
  iterations: number,
  signal?: AbortSignal,
): Promise<Scene> {
  const degradation = makeDegradation(kernel, lrWidth, lrHeight);
  const { canvasWidth: width, canvasHeight: height } = degradation;
  const precision = gradientPrecision(last, width, height);
  const addRoughness = makeRoughness(precision, width, height);
  const weight = shown.map((v) => v / variance);
  const lr = new Float32Array(y.length);
  const seen = (values: Float32Array, to?: Float32Array) => {
    for (let i = 0; i < lr.length; i++) lr[i] = values[i] * weight[i];
    return degradation.adjoint(lr, to);
  };
  const product = new Float32Array(width * height);
  const multiply = (x: Float32Array) => {
    seen(degradation.apply(x, lr), product);
    addRoughness(product, x);
    return product;
  };
  // A pixel is seen with weight sum k^2 / s^2 on average.
  const energy = kernel.data.reduce((sum, k) => sum + k * k, 0) / kernel.scale ** 2;
  const diagonal = new Float32Array(width * height).fill(energy / variance);
  const disturbance = new Float32Array(width * height);
  for (const [d, direction] of DIRECTIONS.entries()) {
    addDiagonal(diagonal, precision[d], width, height, direction);
    const normals = random.normals(width * height);
    const noise = normals.map((n, i) => n * Math.sqrt(precision[d][i]));
    addAdjoint(disturbance, noise, width, height, direction);
  }
  const noise = random.normals(y.length);
  const disturbed = seen(y.map((v, i) => v + Math.sqrt(variance) * noise[i])).map((v, i) => v + disturbance[i]);
  const limits: CgLimits = { iterations, tolerance: TOLERANCE, diagonal };

  const mean = await conjugateGradients(multiply, seen(y), last.mean, limits, signal);
  const drawn = last.draw === last.mean ? mean : last.draw;
  return { mean, draw: await conjugateGradients(multiply, disturbed, drawn, limits, signal) };
}

/** W_d of the four directions; the same everywhere where nothing has been inferred yet. */
function gradientPrecision({ mean, draw }: Scene, width: number, height: number): Float32Array[] {
  const deviation = mean.map((v, i) => draw[i] - v);
  return DIRECTIONS.map((direction) => {
    const energy = new Float32Array(mean.length);
    addEnergy(energy, mean, width, height, direction);
    if (draw === mean) {
      energy.fill(energy.reduce((a, b) => a + b) / energy.length);
    } else {
      const spread = new Float32Array(mean.length);
      addEnergy(spread, deviation, width, height, direction);
      const around = boxMean(spread, width, height, RADIUS);
      for (let i = 0; i < energy.length; i++) energy[i] += around[i];
    }
    for (let i = 0; i < energy.length; i++) energy[i] = direction[2] / (energy[i] + EPSILON ** 2);
    return energy;
  });
}

/** Means over squares of 2 radius + 1 pixels a side, as far as they lie inside. */
export function boxMean(plane: Float32Array, width: number, height: number, radius: number): Float32Array {
  return lineMeans(lineMeans(plane, height, width, width, 1, radius), width, 1, height, width, radius);
}

/** Means along `count` lines that begin `stride` apart, each of `length` values `step` apart. */
function lineMeans(
  from: Float32Array,
  count: number,
  stride: number,
  length: number,
  step: number,
  radius: number,
): Float32Array {
  const out = new Float32Array(from.length);
  for (let line = 0; line < count; line++) {
    const at = (i: number) => line * stride + i * step;
    let sum = 0;
    for (let i = 0; i < Math.min(radius, length); i++) sum += from[at(i)];
    for (let i = 0; i < length; i++) {
      if (i + radius < length) sum += from[at(i + radius)];
      if (i > radius) sum -= from[at(i - radius - 1)];
      out[at(i)] = sum / (Math.min(i + radius, length - 1) - Math.max(i - radius, 0) + 1);
    }
  }
  return out;
}
