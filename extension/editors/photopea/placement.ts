/**
 * Where a smart object has to go: Photopea places it shrunk to fit and in the middle, and says where its opaque pixels are.
 *
 * The one idea: all is reckoned on the box of opaque pixels, the only one Photopea tells; ours is counted from the
 * pixels themselves, so both speak of the same thing even where a layer's margins are transparent.
 */
import type { Box } from '../picture.ts';

/** How far a measured box may be from the reckoned one: Photopea rounds both edges. */
const ROUNDING = 2;

/**
 * Per cent to resize a smart object by, so that one of its pixels becomes `factor` pixels of the document. It is taken
 * to have been shrunk to fit the document, unless the box found there says otherwise.
 */
export function resizePercent(
  picture: { readonly width: number; readonly height: number; readonly opaque: Box },
  document: { readonly width: number; readonly height: number },
  found: Box,
  factor: number,
): number {
  const fit = Math.min(1, document.width / picture.width, document.height / picture.height);
  const across = picture.opaque[2] - picture.opaque[0] >= picture.opaque[3] - picture.opaque[1] ? 0 : 1;
  const own = picture.opaque[across + 2] - picture.opaque[across];
  const measured = found[across + 2] - found[across];
  const placed = Math.abs(measured - own * fit) <= ROUNDING ? fit : measured / own;
  const percent = (100 * factor) / placed;
  return Math.abs(percent - 100) < 1e-9 ? 100 : percent;
}

/** Where the opaque pixels of a picture belong, its corner at (x, y) and its pixels `factor` of the document's. */
export const goalOf = (opaque: Box, x: number, y: number, factor: number): Box => [
  (x + opaque[0]) * factor,
  (y + opaque[1]) * factor,
  (x + opaque[2]) * factor,
  (y + opaque[3]) * factor,
];

/** Whole pixels from the middle of one box to that of another. */
export const shift = (from: Box, to: Box): readonly [dx: number, dy: number] => [
  Math.round((to[0] + to[2] - from[0] - from[2]) / 2),
  Math.round((to[1] + to[3] - from[1] - from[3]) / 2),
];

/** Whether two boxes are the same but for the rounding of their edges. */
export const agrees = (a: Box, b: Box): boolean => a.every((edge, index) => Math.abs(edge - b[index]) <= ROUNDING);
