/**
 * Plain enlargement and reduction of planes: the baseline a result is compared with, and the coarse levels of a pyramid.
 *
 * Both are separable and use half-pixel centres: output pixel o of an enlargement by s lies at (o + 1/2) / s - 1/2 of the
 * input, so only s different sets of taps exist. Equal to Pillow's BICUBIC except in the two border pixels, where the border
 * is replicated here and the filter cut off there.
 */
import { keys } from '../../shared/cubic.ts';
import type { Scale } from '../../shared/kernel.ts';
import { makePlanes, type Planes, planeOf } from './planes.ts';

/** Taps of one output phase: four weights for the input pixels from `first` on, relative to the pixel the output falls in. */
interface Taps {
  readonly first: number;
  readonly weights: readonly [number, number, number, number];
}

/** The furthest any tap reaches beyond the picture. */
const REACH = 2;

function tapsOf(phase: number, scale: Scale): Taps {
  const position = (phase + 0.5) / scale - 0.5;
  const first = Math.floor(position) - 1;
  const weight = (i: number) => keys(first + i - position);
  return { first, weights: [weight(0), weight(1), weight(2), weight(3)] };
}

const phasesOf = (scale: Scale) => Array.from({ length: scale }, (_, phase) => tapsOf(phase, scale));

function widen(plane: Float32Array, width: number, height: number, scale: Scale): Float32Array {
  const phases = phasesOf(scale);
  const out = new Float32Array(width * scale * height);
  const row = new Float64Array(width + 2 * REACH);
  for (let y = 0; y < height; y++) {
    row.set(plane.subarray(y * width, (y + 1) * width), REACH);
    row.fill(row[REACH], 0, REACH);
    row.fill(row[REACH + width - 1], REACH + width);
    for (let phase = 0; phase < scale; phase++) {
      const { first, weights } = phases[phase];
      const [a, b, c, d] = weights;
      let to = y * width * scale + phase;
      for (let i = first + REACH; i < width + first + REACH; i++, to += scale) {
        out[to] = a * row[i] + b * row[i + 1] + c * row[i + 2] + d * row[i + 3];
      }
    }
  }
  return out;
}

function heighten(plane: Float32Array, width: number, height: number, scale: Scale, out: Float32Array): void {
  const phases = phasesOf(scale);
  const row = (y: number) => Math.min(Math.max(y, 0), height - 1) * width;
  for (let y = 0; y < height * scale; y++) {
    const { first, weights } = phases[y % scale];
    const [a, b, c, d] = weights;
    const top = Math.floor(y / scale) + first;
    const [p, q, r, s] = [row(top), row(top + 1), row(top + 2), row(top + 3)];
    const to = y * width;
    for (let x = 0; x < width; x++) {
      out[to + x] = a * plane[p + x] + b * plane[q + x] + c * plane[r + x] + d * plane[s + x];
    }
  }
}

/** Bicubic enlargement, `scale` times wider and higher. Not clipped: near edges values may leave the range of the input. */
export function enlargeBicubic(planes: Planes, scale: Scale): Planes {
  const { width, height, channels } = planes;
  const out = makePlanes(width * scale, height * scale, channels);
  for (let c = 0; c < channels; c++) {
    heighten(widen(planeOf(planes, c), width, height, scale), out.width, height, scale, planeOf(out, c));
  }
  return out;
}

/**
 * Mean of every `factor` x `factor` block (factor: a whole number >= 1). Where the size is no multiple of the factor, the
 * blocks of the last row and column are smaller: the result has ceil(width / factor) x ceil(height / factor) pixels.
 */
export function reduceArea(planes: Planes, factor: number): Planes {
  if (!Number.isInteger(factor) || factor < 1) throw new RangeError(`reduceArea: factor ${factor}`);
  const { width, height, channels } = planes;
  const out = makePlanes(Math.ceil(width / factor), Math.ceil(height / factor), channels);
  for (let c = 0; c < channels; c++) {
    const from = planeOf(planes, c);
    const to = planeOf(out, c);
    for (let y = 0; y < out.height; y++) {
      const bottom = Math.min((y + 1) * factor, height);
      for (let x = 0; x < out.width; x++) {
        const right = Math.min((x + 1) * factor, width);
        let sum = 0;
        for (let v = y * factor; v < bottom; v++) {
          for (let u = x * factor; u < right; u++) sum += from[v * width + u];
        }
        to[y * out.width + x] = sum / ((bottom - y * factor) * (right - x * factor));
      }
    }
  }
  return out;
}
