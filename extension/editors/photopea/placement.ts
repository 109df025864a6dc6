/**
 * Where a smart object has to go: Photopea places it shrunk to fit and in the middle, and says where its opaque pixels are.
 *
 * The one idea: all is reckoned on the box of opaque pixels, the only one Photopea tells; ours is counted from the
 * pixels themselves, so both speak of the same thing even where a layer's margins are transparent.
 */
import type { Picture } from '../png.ts';
import type { Box } from './scripts.ts';

/** The box of what is not wholly transparent, or null when nothing is. */
export function opaqueBox({ width, height, rgba }: Picture): Box | null {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    const row = 4 * width * y + 3;
    let first = 0;
    while (first < width && rgba[row + 4 * first] === 0) first++;
    if (first === width) continue;
    let last = width - 1;
    while (rgba[row + 4 * last] === 0) last--;
    top = Math.min(top, y);
    bottom = y + 1;
    left = Math.min(left, first);
    right = Math.max(right, last + 1);
  }
  return bottom === 0 ? null : [left, top, right, bottom];
}

/** The part of a picture within a box that lies inside of it. */
export function crop(picture: Picture, [left, top, right, bottom]: Box): Picture {
  const [width, height] = [right - left, bottom - top];
  if (width === picture.width && height === picture.height) return picture;
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 4 * ((top + y) * picture.width + left);
    rgba.set(picture.rgba.subarray(from, from + 4 * width), 4 * width * y);
  }
  return { width, height, rgba };
}

/** No side longer than `side`, by averaging what falls into a pixel (colour weighted by alpha); never enlarged. */
export function shrink(picture: Picture, side: number): Picture {
  const factor = Math.max(1, Math.max(picture.width, picture.height) / side);
  if (factor === 1) return picture;
  const width = Math.max(1, Math.round(picture.width / factor));
  const height = Math.max(1, Math.round(picture.height / factor));
  const rgba = new Uint8ClampedArray(4 * width * height);
  const edge = (index: number, from: number, to: number) => Math.floor((index * from) / to);
  for (let y = 0; y < height; y++) {
    const [y0, y1] = [edge(y, picture.height, height), edge(y + 1, picture.height, height)];
    for (let x = 0; x < width; x++) {
      const [x0, x1] = [edge(x, picture.width, width), edge(x + 1, picture.width, width)];
      const sum = [0, 0, 0, 0];
      for (let v = y0; v < y1; v++) {
        for (let u = x0; u < x1; u++) {
          const at = 4 * (v * picture.width + u);
          const alpha = picture.rgba[at + 3];
          for (let c = 0; c < 3; c++) sum[c] += picture.rgba[at + c] * alpha;
          sum[3] += alpha;
        }
      }
      const to = 4 * (y * width + x);
      for (let c = 0; c < 3; c++) rgba[to + c] = sum[3] === 0 ? 0 : sum[c] / sum[3];
      rgba[to + 3] = sum[3] / ((x1 - x0) * (y1 - y0));
    }
  }
  return { width, height, rgba };
}

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
