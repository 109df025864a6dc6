/**
 * Differences between neighbouring pixels, in which the priors of natural pictures are written: to the right, below, and along
 * both diagonals, the latter with half the weight (Levin et al. 2007).
 */
import { makeWorkspace } from './loops.ts';

/** [rows, columns] to the neighbour, and its share. */
export const DIRECTIONS = [
  [0, 1, 1],
  [1, 0, 1],
  [1, 1, 0.5],
  [1, -1, 0.5],
] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Calls `visit` with the places of both ends of every difference in a plane. */
function eachDifference(
  width: number,
  height: number,
  [rows, columns]: Direction,
  visit: (i: number, j: number) => void,
): void {
  const { left, right } = span(width, columns);
  const step = rows * width + columns;
  for (let r = 0; r + rows < height; r++) {
    for (let i = r * width + left; i < r * width + right; i++) visit(i, i + step);
  }
}

/** Columns that have a neighbour `columns` further: `left` .. `right`-1. */
function span(width: number, columns: number): { left: number; right: number } {
  return { left: Math.max(0, -columns), right: width - Math.max(0, columns) };
}

/** energy += share (D x)^2, at the pixel where the difference begins. */
export function addEnergy(
  energy: Float32Array,
  x: Float32Array,
  width: number,
  height: number,
  direction: Direction,
  share = 1,
): void {
  eachDifference(width, height, direction, (i, j) => {
    energy[i] += share * (x[j] - x[i]) ** 2;
  });
}

/** out += D^T d; d: a value for each pixel where a difference begins. */
export function addAdjoint(
  out: Float32Array,
  d: Float32Array,
  width: number,
  height: number,
  direction: Direction,
): void {
  eachDifference(width, height, direction, (i, j) => {
    out[j] += d[i];
    out[i] -= d[i];
  });
}

/** out += the diagonal of D^T diag(weight) D. */
export function addDiagonal(
  out: Float32Array,
  weight: Float32Array,
  width: number,
  height: number,
  direction: Direction,
): void {
  eachDifference(width, height, direction, (i, j) => {
    out[i] += weight[i];
    out[j] += weight[i];
  });
}

/** out += sum_d D_d^T (w_d . D_d x) over all directions. */
export type Roughness = (out: Float32Array, x: Float32Array) => void;

/**
 * The roughness of these weights w_d, for planes of one size: what the solvers do in every iteration. What the weights are where
 * no difference begins doesn't matter.
 */
export function makeRoughness(weights: readonly Float32Array[], width: number, height: number): Roughness {
  const area = width * height;
  /** Zeros around x, and before the weights: as far as the furthest neighbour. */
  const margin = width + 1;
  const { loops, arrays } = makeWorkspace({
    out: area,
    x: margin + area + margin,
    weights: DIRECTIONS.length * (margin + area),
  });
  const inside = arrays.x.subarray(margin, margin + area);
  const terms = DIRECTIONS.map(([rows, columns], d) => {
    const { left, right } = span(width, columns);
    const w = arrays.weights.subarray(d * (margin + area) + margin);
    for (let r = 0; r + rows < height; r++) {
      if (left < right) w.set(weights[d].subarray(r * width + left, r * width + right), r * width + left);
    }
    return { w, far: rows * width + columns };
  });
  return (out, x) => {
    arrays.out.set(out);
    inside.set(x);
    for (const { w, far } of terms) loops.rough(arrays.out, inside, w, far, area);
    out.set(arrays.out);
  };
}
