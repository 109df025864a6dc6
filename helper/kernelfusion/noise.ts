/**
 * How noisy a layer is, from its finest diagonal detail (Haar), which flat and gently sloping areas do not have.
 *
 * Two views, of which the larger counts. Between colours: noise is independent in each, texture mostly is not, so differences
 * of colour planes hold little but noise. Within a plane (all there is for grey layers, and for photographs whose colour was
 * smoothed): the quietest blocks, discounted by how much quieter they are than the typical block, for where every block has
 * texture the quietest one has too. Layers reduced by a narrow kernel alias and look noisy to simpler estimates.
 */
import { makePlanes, type Planes, planeOf } from '../image/planes.ts';

/** Variance of 8-bit rounding, values in [-1, 1]. */
export const ROUNDING_VARIANCE = (2 / 255) ** 2 / 12;
/**
 * The noise that layers have at least, one 8-bit level, where kernels are judged and the prior is weighed against the layer: rounding, and
 * the error of every kernel. (Gradients are weighed against less, rounding alone: `naturalWeights` in hyper-laplacian.ts.)
 */
export const LEAST_SIGMA = 1 / 127.5;

const BLOCK = 8;
/** Of fewer blocks none need be quiet: on a 16 x 16 sprite the pattern would be taken for noise, and smoothed away. */
const LEAST_BLOCKS = 9;
/** 5 % and 50 % quantiles of chi-square with 16 degrees of freedom, over 16: block variances of unit noise. */
const QUIET = { share: 0.05, variance: 7.96 / 16 };
const TYPICAL = { share: 0.5, variance: 15.34 / 16 };

/**
 * Standard deviation of the noise, in the units of the planes. Blocks with a pixel whose `usable` is 0 are left out:
 * clipped and transparent areas are quieter than the rest. 0 where fewer than LEAST_BLOCKS are left.
 */
export function estimateNoise(planes: Planes, usable?: Uint8Array): number {
  const corners = blocks(planes, usable);
  if (corners.length < LEAST_BLOCKS) return 0;
  const variances = (of: Planes) => eachPlane(of).map((plane) => blockVariances(plane, planes.width, corners));
  const within = mean(variances(planes).map(discounted));
  if (planes.channels < 3) return within;
  const between = mean(variances(colourDifferences(planes)).map((ascending) => deviation(ascending, QUIET)));
  return Math.max(within, between);
}

const eachPlane = (planes: Planes) => Array.from({ length: planes.channels }, (_, c) => planeOf(planes, c));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** (R - G) / sqrt 2 and (B - G) / sqrt 2: noise that is independent in each colour keeps its strength. */
function colourDifferences(planes: Planes): Planes {
  const out = makePlanes(planes.width, planes.height, 2);
  const green = planeOf(planes, 1);
  for (const [to, from] of [0, 2].entries()) {
    const colour = planeOf(planes, from);
    planeOf(out, to).set(colour.map((v, i) => (v - green[i]) * Math.SQRT1_2));
  }
  return out;
}

function deviation(ascending: Float64Array, { share, variance }: typeof QUIET): number {
  return Math.sqrt(ascending[Math.floor(share * ascending.length)] / variance);
}

function discounted(ascending: Float64Array): number {
  const quiet = deviation(ascending, QUIET);
  const typical = deviation(ascending, TYPICAL);
  return typical > quiet ? quiet ** 2 / typical : quiet;
}

/** Top left pixels of the BLOCK x BLOCK blocks that are usable throughout. */
function blocks({ width, height }: Planes, usable?: Uint8Array): number[] {
  const corners: number[] = [];
  for (let top = 0; top + BLOCK <= height; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK) {
      const corner = top * width + left;
      if (!usable || isUsable(usable, width, corner)) corners.push(corner);
    }
  }
  return corners;
}

function isUsable(usable: Uint8Array, width: number, corner: number): boolean {
  for (let y = 0; y < BLOCK; y++) {
    const row = corner + y * width;
    if (usable.subarray(row, row + BLOCK).includes(0)) return false;
  }
  return true;
}

/** Ascending mean squares of the diagonal detail over blocks. */
function blockVariances(plane: Float32Array, width: number, corners: readonly number[]): Float64Array {
  return Float64Array.from(corners, (corner) => diagonalVariance(plane, width, corner)).sort();
}

/** Mean square of (a - b - c + d) / 2 over the 2x2 cells of a block: the variance of white noise is kept. */
function diagonalVariance(plane: Float32Array, width: number, corner: number): number {
  let sum = 0;
  for (let y = 0; y < BLOCK; y += 2) {
    for (let x = 0; x < BLOCK; x += 2) {
      const i = corner + y * width + x;
      sum += ((plane[i] - plane[i + 1] - plane[i + width] + plane[i + width + 1]) / 2) ** 2;
    }
  }
  return sum / (BLOCK / 2) ** 2;
}
