/**
 * Colour under transparent pixels: what a file stores there (often black) would leak into the edge of the picture as soon as
 * anything looks at a neighbourhood, and show as a halo. It is replaced by the colour of the nearest visible parts.
 *
 * Push-pull on a pyramid (Gortler, Grzeszczuk, Szeliski, Cohen, "The Lumigraph", SIGGRAPH 1996, section 3.4): every level
 * holds the alpha-weighted mean colour of 2x2 pixels and how much is known about it; on the way back what is unknown is
 * taken from the level above. Time and memory are linear in the number of pixels.
 */
import type { Layer } from '../kernelfusion/method.ts';
import { makePlanes, type Planes, planeOf } from './planes.ts';

/** Weighted mean of every 2x2 block, and the block's weight (the sum of its four, at most 1). */
function halve(colour: Planes, weight: Float32Array): { colour: Planes; weight: Float32Array } {
  const { width, height, channels } = colour;
  const out = makePlanes(Math.ceil(width / 2), Math.ceil(height / 2), channels);
  const sums = new Float32Array(out.width * out.height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) sums[(y >> 1) * out.width + (x >> 1)] += weight[y * width + x];
  }
  for (let c = 0; c < channels; c++) {
    const from = planeOf(colour, c);
    const to = planeOf(out, c);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = y * width + x;
        to[(y >> 1) * out.width + (x >> 1)] += from[i] * weight[i];
      }
    }
    for (let i = 0; i < to.length; i++) if (sums[i] > 0) to[i] /= sums[i];
  }
  return { colour: out, weight: sums.map((w) => Math.min(w, 1)) };
}

/** Twice the size (to `width` x `height`, the last row or column cut off where odd): bilinear, half-pixel centres. */
function double(plane: Float32Array, width: number, height: number): Float32Array {
  const across = Math.ceil(width / 2);
  const down = Math.ceil(height / 2);
  const neighbour = (i: number, count: number) => Math.min(Math.max((i >> 1) + (i & 1 ? 1 : -1), 0), count - 1);
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const near = (y >> 1) * across;
    const far = neighbour(y, down) * across;
    for (let x = 0; x < width; x++) {
      const beside = neighbour(x, across);
      const here = 0.75 * plane[near + (x >> 1)] + 0.25 * plane[near + beside];
      const there = 0.75 * plane[far + (x >> 1)] + 0.25 * plane[far + beside];
      out[y * width + x] = 0.75 * here + 0.25 * there;
    }
  }
  return out;
}

/** Keeps `keep` (0 .. 1) of every pixel's own colour and takes the rest from its surroundings, weighted by `weight`. */
function fillIn(colour: Planes, weight: Float32Array, keep: Float32Array): Planes {
  const { width, height, channels } = colour;
  if (width === 1 && height === 1) return colour;
  const half = halve(colour, weight);
  const around = fillIn(half.colour, half.weight, half.weight);
  const out = makePlanes(width, height, channels);
  for (let c = 0; c < channels; c++) {
    const own = planeOf(colour, c);
    const other = double(planeOf(around, c), width, height);
    const to = planeOf(out, c);
    for (let i = 0; i < to.length; i++) to[i] = keep[i] === 1 ? own[i] : other[i] + keep[i] * (own[i] - other[i]);
  }
  return out;
}

/**
 * The layer with new colour wherever alpha is 0; every other pixel keeps its own, bit for bit. Pixels weigh by their alpha,
 * so a barely visible one says little about the colour next to it. A layer with nothing to fill in, or nothing visible to
 * fill in from, is returned as it is.
 */
export function bleed(layer: Layer): Layer {
  const alpha = layer.alpha?.data;
  if (!alpha?.includes(0) || !alpha.some((a) => a > 0)) return layer;
  const visible = alpha.map((a) => (a > 0 ? 1 : 0));
  return { ...layer, colour: fillIn(layer.colour, alpha, visible) };
}
