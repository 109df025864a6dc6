/**
 * Restoration with a known kernel under the gradients of natural pictures, closed form as far as it goes:
 *   x = argmin |A x - y|^2 + w sum_d c_d |D_d x|^0.8,
 * with D the differences to the right, below and along both diagonals (Krishnan & Fergus 2009; Levin et al. 2007), by
 * iteratively reweighted least squares: each round replaces |d|^p by (p/2) (d0^2 + eps^2)^(p/2 - 1) d^2 and solves the
 * quadratic problem by conjugate gradients. The colours share their weights: an edge is an edge in all of them.
 */
import type { Kernel } from '../../shared/kernel.ts';
import { type Planes, planeOf } from '../image/planes.ts';
import { bicubicCanvas } from './degradation.ts';
import { addEnergy, DIRECTIONS, type Direction } from './differences.ts';
import { ROUNDING_VARIANCE } from './noise.ts';
import { eachPlane, makePlaneSolver, type Sight } from './plane-solve.ts';

const POWER = 0.8;
/** Differences are rounded off below this (values in [-1, 1]). */
const EPSILON = 0.02;

export interface HyperLaplacianOptions {
  /** w of the least squares that start it, and of the sparse rounds. */
  readonly quadratic: number;
  readonly sparse: number;
  readonly rounds: number;
  readonly iterations: number;
}

/** The prior's weights for noise of standard deviation sigma (values in [-1, 1]); found on the development pairs. */
export function naturalWeights(sigma: number): Pick<HyperLaplacianOptions, 'quadratic' | 'sparse'> {
  const variance = sigma ** 2 / 6 + ROUNDING_VARIANCE;
  return { quadratic: 30 * variance, sparse: 28 * variance };
}

/** The picture on the kernel's canvas that y (values in [-1, 1], noise sigma) shows if `kernel` is right. */
export const restoreByGradients = (
  y: Planes,
  kernel: Kernel,
  sigma: number,
  thoroughness: Pick<HyperLaplacianOptions, 'rounds' | 'iterations'>,
  signal?: AbortSignal,
): Promise<Planes> => {
  const options = { ...naturalWeights(sigma), ...thoroughness };
  return restoreHyperLaplacian(y, { kernel }, bicubicCanvas(y, kernel), options, signal);
};

/** y: LR planes in [-1, 1]; start: canvas planes. Returns canvas planes. */
export async function restoreHyperLaplacian(
  y: Planes,
  sight: Sight,
  start: Planes,
  { quadratic, sparse, rounds, iterations }: HyperLaplacianOptions,
  signal?: AbortSignal,
): Promise<Planes> {
  const { width, height } = y;
  let x = start;
  for (let round = 0; round <= rounds; round++) {
    const roughness = round === 0 ? evenRoughness(x, quadratic) : sparseRoughness(x, sparse);
    const solve = makePlaneSolver({ sight, width, height, trust: 0, roughness });
    x = await eachPlane(x, (start, c) => solve(planeOf(y, c), start, { iterations, tolerance: 1e-4 }, signal));
  }
  return x;
}

/** w_d of weight sum_d c_d |D_d x|^2. */
function evenRoughness({ width, height }: Planes, weight: number): Float32Array[] {
  return DIRECTIONS.map(([, , share]) => new Float32Array(width * height).fill(weight * share));
}

/** w_d of weight sum_d c_d |D_d x|^0.8, as it looks from the picture x. */
export function sparseRoughness(x: Planes, weight: number): Float32Array[] {
  return DIRECTIONS.map((direction) => sparseWeights(x, direction, weight * direction[2]));
}

/** The reweighting of one direction, from the mean squared difference over the colours; one entry a pixel. */
function sparseWeights(x: Planes, direction: Direction, weight: number): Float32Array {
  const { width, height, channels } = x;
  const energy = new Float32Array(width * height);
  for (let c = 0; c < channels; c++) addEnergy(energy, planeOf(x, c), width, height, direction, 1 / channels);
  return energy.map((e) => weight * (POWER / 2) * (e + EPSILON ** 2) ** (POWER / 2 - 1));
}
