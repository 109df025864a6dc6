/**
 * Whether a layer was a JPEG once, and how coarsely: it comes as pixels, but on the right grid the 8x8 DCT of its luma still
 * lies near multiples of the quantiser's steps (Fan & de Queiroz 2003, "Identification of bitmap compression history: JPEG
 * detection and quantizer estimation", https://doi.org/10.1109/TIP.2002.807361).
 *
 * Such a layer looks free of noise (noise.ts), for quantisation wipes out the fine detail in which noise is looked for. What was
 * rounded off is noise all the same.
 */
import type { Planes } from '../image/planes.ts';
import { lumaOf } from './luma.ts';

/** Sprites have fewer levels of luma; what they repeat can look like steps. */
const LEAST_LEVELS = 64;
/** Side of JPEG's blocks. */
const SIDE = 8;
/** So many blocks, spread over the layer, are looked at on each of the 64 grids. */
const MOST_BLOCKS = 1024;
/** Coefficients below this many levels were quantised to zero: pixels and colours were rounded afterwards. */
const ZERO = 0.5;
/** Those above were not: where a slope is smooth the rounding makes stairs of it, which can add up to 3 levels. */
const NOT_ZERO = 3;
/** Standard deviation of a coefficient after that rounding, in levels: sqrt(1/12) for luma, and what of 1/12 luma has of the colours. */
const ROUNDING = 0.35;
/** Fewer coefficients that are not zero tell nothing of a step, and fewer steps nothing of the layer. */
const LEAST_COEFFICIENTS = 12;
const LEAST_STEPS = 8;
/** Steps of 1 cannot be told from the rounding afterwards. The largest are those that 8 bits of a quantiser hold. */
const STEPS = { least: 2, most: 255 };
/** Where no step is found, it is 1 if the quantiser was as fine as that elsewhere. */
const FINE = 3;
/** Of the periodicity that rounding would leave, this share has to be there. */
const PERIODIC = 0.5;

export interface JpegTraces {
  /** Where the first whole block begins. */
  readonly top: number;
  readonly left: number;
  /**
   * Quantiser step of each of the 64 coefficients of luma, in 8-bit levels, rows first; null where too few are left to tell, and for
   * the mean, whose rounding adds up over the block.
   */
  readonly steps: readonly (number | null)[];
}

/**
 * Looks for traces in a layer, values in [-1, 1]. Blocks with a pixel whose `usable` is 0 are left out, and those with one that is
 * black or white in a colour: it was cut off there, and its block fits no steps any more. Null: there are none.
 */
export function jpegTraces(planes: Planes, usable: Uint8Array): JpegTraces | null {
  const { width, height } = planes;
  // In place, for layers can be large. The level that JPEG subtracts is 128.
  const luma = lumaOf(planes);
  for (let i = 0; i < luma.length; i++) luma[i] = 127.5 * (luma[i] + 1) - 128;
  if (!hasLevels(luma)) return null;
  const whole = usable.slice();
  planes.data.forEach((v, i) => {
    if (Math.abs(v) > 1 - 1e-4) whole[i % whole.length] = 0;
  });
  let best = { zeros: 0, top: 0, left: 0, blocks: [] as Float64Array[] };
  for (let top = 0; top < SIDE; top++) {
    for (let left = 0; left < SIDE; left++) {
      const corners = blockCorners(whole, width, height, top, left);
      const blocks = corners.map((corner) => dct(luma, corner, width));
      const zeros = zeroShare(blocks);
      if (zeros > best.zeros) best = { zeros, top, left, blocks };
    }
  }
  const { top, left, blocks } = best;
  const found = Array.from({ length: SIDE ** 2 }, (_, f) =>
    f === 0 ? null : quantiserStep(blocks.map((block) => block[f])),
  );
  const seen = known(found).filter((q) => q >= STEPS.least);
  if (seen.length < LEAST_STEPS) return null;
  const isFine = Math.min(...seen) <= FINE;
  return { top, left, steps: found.map((q) => (q === 1 && !isFine ? null : q)) };
}

/**
 * Standard deviation, in 8-bit levels, of the noise that tells as much as was left: that of rounding to a step q is q / sqrt(12), and
 * precisions are averaged over the coefficients.
 */
export function quantisationNoise({ steps }: JpegTraces): number {
  const precisions = known(steps).map((q) => 12 / q ** 2);
  return Math.sqrt(precisions.length / precisions.reduce((a, b) => a + b));
}

const known = (steps: readonly (number | null)[]): number[] => steps.filter((q) => q !== null);

/** Whether there are LEAST_LEVELS; of photographs a few rows show it. */
function hasLevels(luma: Float64Array): boolean {
  const levels = new Set<number>();
  for (const v of luma) if (levels.add(Math.round(100 * v)).size >= LEAST_LEVELS) return true;
  return false;
}

/** Top left pixels of the blocks of one grid that are usable throughout: all, or an even choice of them. */
function blockCorners(usable: Uint8Array, width: number, height: number, top: number, left: number): number[] {
  const stride = SIDE * Math.ceil(Math.sqrt((width * height) / SIDE ** 2 / MOST_BLOCKS));
  const corners: number[] = [];
  for (let y = top; y + SIDE <= height; y += stride) {
    for (let x = left; x + SIDE <= width; x += stride) {
      const corner = y * width + x;
      const rows = Array.from({ length: SIDE }, (_, row) => corner + row * width);
      if (rows.every((row) => !usable.subarray(row, row + SIDE).includes(0))) corners.push(corner);
    }
  }
  return corners;
}

/** Orthonormal basis of the DCT-II, [frequency][pixel]. */
const BASIS = Array.from({ length: SIDE }, (_, u) =>
  Float64Array.from(
    { length: SIDE },
    (_, x) => Math.sqrt((u === 0 ? 1 : 2) / SIDE) * Math.cos(((2 * x + 1) * u * Math.PI) / (2 * SIDE)),
  ),
);

/** The DCT of a block, rows first. */
function dct(plane: Float64Array, corner: number, pitch: number): Float64Array {
  const rows = new Float64Array(SIDE ** 2);
  const out = new Float64Array(SIDE ** 2);
  for (let y = 0; y < SIDE; y++) {
    for (let u = 0; u < SIDE; u++) {
      for (let x = 0; x < SIDE; x++) rows[y * SIDE + u] += BASIS[u][x] * plane[corner + y * pitch + x];
    }
  }
  for (let v = 0; v < SIDE; v++) {
    for (let y = 0; y < SIDE; y++) {
      for (let u = 0; u < SIDE; u++) out[v * SIDE + u] += BASIS[v][y] * rows[y * SIDE + u];
    }
  }
  return out;
}

/** Share of the coefficients that are zero. */
function zeroShare(blocks: readonly Float64Array[]): number {
  const zeros = blocks.reduce((sum, block) => sum + block.reduce((n, c) => n + (Math.abs(c) < ZERO ? 1 : 0), 0), 0);
  return zeros / Math.max(1, blocks.length * SIDE ** 2);
}

/** The largest step of whose multiples these coefficients are, but for rounding; 1 if there is none, null if they are too few. */
function quantiserStep(coefficients: readonly number[]): number | null {
  const sizes = coefficients.map(Math.abs).filter((c) => c > NOT_ZERO);
  if (sizes.length < LEAST_COEFFICIENTS) return null;
  // Nothing that is not zero rounds to no step at all.
  const periodicity = (q: number) =>
    sizes.reduce((sum, c) => sum + (c < q / 2 ? 0 : Math.cos((2 * Math.PI * c) / q)), 0) / sizes.length;
  // Of arbitrary coefficients it would be 0, give or take 1 / sqrt(2 n).
  const chance = 4 / Math.sqrt(2 * sizes.length);
  const isPeriod = (q: number) =>
    periodicity(q) >= Math.max(chance, PERIODIC * Math.exp(-2 * (Math.PI * (ROUNDING / q)) ** 2));
  for (let q = STEPS.most; q >= STEPS.least; q--) {
    if (!isPeriod(q)) continue;
    while (q > STEPS.least && periodicity(q - 1) > periodicity(q)) q--;
    return q;
  }
  return 1;
}
