/**
 * Where a kernel may have taps: some of the places of its square.
 *
 * The square has room for the widest camera shake, and a thin kernel fills little of it. Only places at and around what a search begins with
 * are fitted: equations for all of the square would take a dozen times as long, and leave more room for haze (docs/experiments.md).
 */
import type { Kernel } from '../../shared/kernel.ts';

export interface Support {
  /** Side of the square. */
  readonly size: number;
  /** Row-major, ascending. */
  readonly places: Int32Array;
}

/** So many taps a kernel has at most: a square of 14 a side. */
const MOST_TAPS = 196;
/** Taps below this share of the largest do not tell where a kernel is. */
const FAINT = 0.05;

/** How many taps kernels of this side have at most. */
export const mostTaps = (size: number): number => Math.min(MOST_TAPS, size * size);

/** As many places as a kernel may have taps: those nearest to what is clearly there of this one. */
export function supportAround({ size, data }: Kernel): Support {
  const least = FAINT * data.reduce((a, b) => Math.max(a, b));
  const there = [...data.keys()].filter((i) => data[i] >= least);
  const square = (i: number, j: number) =>
    (Math.floor(i / size) - Math.floor(j / size)) ** 2 + ((i % size) - (j % size)) ** 2;
  const far = Float64Array.from(data, (_, i) =>
    there.reduce((nearest, j) => Math.min(nearest, square(i, j)), Infinity),
  );
  const nearest = [...far.keys()].sort((i, j) => far[i] - far[j] || i - j).slice(0, mostTaps(size));
  return { size, places: Int32Array.from(nearest).sort() };
}

/** The places moved within the square; those that leave it are lost. */
export function moveSupport({ size, places }: Support, dy: number, dx: number): Support {
  const inside = (v: number) => v >= 0 && v < size;
  const kept = places.filter((i) => inside(Math.floor(i / size) + dy) && inside((i % size) + dx));
  return { size, places: kept.map((i) => i + dy * size + dx) };
}

/** A square's values from those of its places; zero elsewhere. */
export function spread({ size, places }: Support, values: ArrayLike<number>): Float64Array {
  const square = new Float64Array(size * size);
  for (const [i, place] of places.entries()) square[place] = values[i];
  return square;
}

/** Side of the least square that holds all places. */
export function extentOf(support: Support): number {
  const { rows, columns } = fromCorner(support);
  return 1 + Math.max(...rows, ...columns);
}

/** All places, in the same order, in the top left corner of a square of that side. */
export function closeUp(support: Support, side: number): Support {
  const { rows, columns } = fromCorner(support);
  return { size: side, places: rows.map((row, i) => row * side + columns[i]) };
}

/** Rows and columns of the places, from the topmost and the leftmost on. */
function fromCorner({ size, places }: Support): { readonly rows: Int32Array; readonly columns: Int32Array } {
  const fromLeast = (of: Int32Array) => {
    const least = Math.min(...of);
    return of.map((v) => v - least);
  };
  return { rows: fromLeast(places.map((i) => Math.floor(i / size))), columns: fromLeast(places.map((i) => i % size)) };
}
