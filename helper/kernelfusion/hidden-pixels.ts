/**
 * Which LR pixels are hidden from a scene, to be foretold from it.
 *
 * A judge of kernels hides squares of pixels, not single ones: what a single pixel is can be told from its neighbours whatever the kernel, by
 * interpolation alone, and a wrong kernel that goes along with a pattern of the scene is found out in larger gaps only. In gaps much wider
 * than a blur nothing can be told, with whatever kernel (docs/experiments.md).
 */
import type { Random } from './random.ts';

/** Squares of `side` pixels are hidden, each pixel in one of the turns. */
export interface Hiding {
  readonly side: number;
  readonly turns: number;
}
/** Tells which of two kernels is the right one. */
export const IN_SQUARES: Hiding = { side: 4, turns: 5 };
/** Tells which parts of a layer speak against a kernel (confidence.ts). */
export const ONE_BY_ONE: Hiding = { side: 1, turns: 4 };

/** 1 for pixels that are shown, 0 for hidden ones, each hidden with that chance. */
export function hidePixels(count: number, random: Random, share: number): Float32Array {
  return Float32Array.from({ length: count }, () => (random.uniform() < share ? 0 : 1));
}

/** Planes of 1 for pixels that are shown and 0 for hidden ones, one for each turn. */
export function hideInTurn(
  { width, height }: { readonly width: number; readonly height: number },
  { side, turns }: Hiding,
  random: Random,
): Float32Array[] {
  const columns = Math.ceil(width / side);
  const turnOf = deal(columns * Math.ceil(height / side), turns, random);
  const squareOf = (i: number) => Math.floor(Math.floor(i / width) / side) * columns + Math.floor((i % width) / side);
  return Array.from({ length: turns }, (_, turn) =>
    Float32Array.from({ length: width * height }, (_, i) => (turnOf[squareOf(i)] === turn ? 0 : 1)),
  );
}

/** As many of each hand, or one more, in random order (Fisher-Yates). */
function deal(count: number, hands: number, random: Random): number[] {
  const dealt = Array.from({ length: count }, (_, i) => i % hands);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [dealt[i], dealt[j]] = [dealt[j], dealt[i]];
  }
  return dealt;
}
