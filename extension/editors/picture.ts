/**
 * A picture as editors give and take it, and the little that is done to it on the way: find what is not transparent, cut it
 * out, make it small for a thumbnail.
 */

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Straight-alpha RGBA rows, 4 * width * height values of 0..255. */
  readonly rgba: Uint8ClampedArray;
}

/** Edges in pixels; right and bottom are the first ones outside. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

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
