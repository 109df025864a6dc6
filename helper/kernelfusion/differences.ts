/**
 * Differences between neighbouring pixels, in which the priors of natural pictures are written: to the right, below, and along
 * both diagonals, the latter with half the weight (Levin et al. 2007).
 */

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

/** out += D^T (weight . D x). Written out, for the solvers spend their time here. */
export function addRoughness(
  out: Float32Array,
  x: Float32Array,
  weight: Float32Array,
  width: number,
  height: number,
  [rows, columns]: Direction,
): void {
  const { left, right } = span(width, columns);
  const step = rows * width + columns;
  for (let r = 0; r + rows < height; r++) {
    for (let i = r * width + left; i < r * width + right; i++) {
      const d = weight[i] * (x[i + step] - x[i]);
      out[i + step] += d;
      out[i] -= d;
    }
  }
}
