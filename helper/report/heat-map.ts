/**
 * A kernel as colours: from black (0) over purple and orange to pale yellow (its largest value); negative values in blue.
 *
 * The colours are anchors of matplotlib's "magma" (CC0): lightness rises evenly, so it reads the same in grey and for
 * colour-blind eyes. Negative lobes, where there are any, are on the same scale.
 */
import type { Kernel } from '../../shared/kernel.ts';

type Rgb = readonly [number, number, number];

const RISING: readonly Rgb[] = [
  [0, 0, 4],
  [59, 15, 112],
  [140, 41, 129],
  [222, 73, 104],
  [254, 159, 109],
  [252, 253, 191],
];
const FALLING: readonly Rgb[] = [
  [0, 0, 4],
  [24, 110, 190],
  [140, 220, 255],
];

/** The colour at `t` (0 .. 1, clipped) on evenly spaced anchors. */
function between(anchors: readonly Rgb[], t: number): Rgb {
  const at = Math.min(1, Math.max(0, t)) * (anchors.length - 1);
  const i = Math.min(anchors.length - 2, Math.floor(at));
  const mix = (c: 0 | 1 | 2) => Math.round(anchors[i][c] + (at - i) * (anchors[i + 1][c] - anchors[i][c]));
  return [mix(0), mix(1), mix(2)];
}

/** Colour of a value relative to the largest (1); below 0 in blue. */
export function heat(t: number): Rgb {
  return t < 0 ? between(FALLING, -t) : between(RISING, t);
}

/** 8-bit RGB, row-major, one pixel a value. */
export function heatMap({ data }: Kernel): Uint8Array {
  const largest = data.reduce((a, b) => Math.max(a, b));
  return Uint8Array.from(Array.from(data).flatMap((v) => heat(v / largest)));
}

/** The scale of colours from 0 to 1, left to right, as a CSS image. */
export const HEAT_GRADIENT = `linear-gradient(to right, ${RISING.map((c) => `rgb(${c.join(' ')})`).join(', ')})`;
