/**
 * How noisy a layer is, from its finest diagonal detail (Haar), which flat and gently sloping areas do not have.
 *
 * Two views, of which the larger counts. Between colours: noise is independent in each, texture mostly is not, so differences
 * of colour planes hold little but noise. Within a plane (all there is for grey layers, and for photographs whose colour was
 * smoothed): the quietest blocks, discounted by how much quieter they are than the typical block, for where every block has
 * texture the quietest one has too. Layers reduced by a narrow kernel alias and look noisy to simpler estimates.
 */
import { makePlanes, type Planes, planeOf } from '../image/planes.ts';

const BLOCK = 8;
/** 5 % and 50 % quantiles of chi-square with 16 degrees of freedom, over 16: block variances of unit noise. */
const QUIET = { share: 0.05, variance: 7.96 / 16 };
const TYPICAL = { share: 0.5, variance: 15.34 / 16 };

/** Standard deviation of the noise, in the units of the planes. */
export function estimateNoise(planes: Planes): number {
  const within = mean(eachPlane(planes).map((plane) => discounted(blockVariances(plane, planes.width))));
  if (planes.channels < 3) return within;
  const differences = eachPlane(colourDifferences(planes));
  const between = mean(differences.map((plane) => deviation(blockVariances(plane, planes.width), QUIET)));
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

/** Ascending mean squares of the diagonal detail over BLOCK x BLOCK blocks. */
function blockVariances(plane: Float32Array, width: number): Float64Array {
  const height = plane.length / width;
  const variances: number[] = [];
  for (let top = 0; top + BLOCK <= height; top += BLOCK) {
    for (let left = 0; left + BLOCK <= width; left += BLOCK) variances.push(diagonalVariance(plane, width, top, left));
  }
  return Float64Array.from(variances).sort();
}

/** Mean square of (a - b - c + d) / 2 over the 2x2 cells of a block: the variance of white noise is kept. */
function diagonalVariance(plane: Float32Array, width: number, top: number, left: number): number {
  let sum = 0;
  for (let y = top; y < top + BLOCK; y += 2) {
    for (let x = left; x < left + BLOCK; x += 2) {
      const i = y * width + x;
      sum += ((plane[i] - plane[i + 1] - plane[i + width] + plane[i + width + 1]) / 2) ** 2;
    }
  }
  return sum / (BLOCK / 2) ** 2;
}
