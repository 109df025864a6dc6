/**
 * Between the numbers in a file and the floats of a layer: interleaved whole numbers of 8 or 16 bits on one side,
 * planes in [0, 1] on the other.
 *
 * One step of a 16-bit value is 256 times larger than the rounding of float32 near 1, so there and back is exact.
 */
import type { Layer } from '../kernelfusion/method.ts';
import { makePlanes, type Planes, planeOf } from './planes.ts';

export type Bits = 8 | 16;
export type Pixels = Uint8Array | Uint16Array;

const largest = (bits: Bits) => 2 ** bits - 1;
const bitsOf = (pixels: Pixels): Bits => (pixels instanceof Uint8Array ? 8 : 16);

/** Values an interleaved picture of this layer takes. */
export function valuesIn({ colour, alpha }: Layer): number {
  return colour.width * colour.height * (colour.channels + (alpha ? 1 : 0));
}

/** Channels `from` .. `from + count - 1` of interleaved pixels, as planes in [0, 1]. */
function pick(pixels: Pixels, width: number, height: number, channels: number, from: number, count: number): Planes {
  const planes = makePlanes(width, height, count);
  const scale = 1 / largest(bitsOf(pixels));
  for (let c = 0; c < count; c++) {
    const plane = planeOf(planes, c);
    for (let i = 0, j = from + c; i < plane.length; i++, j += channels) plane[i] = pixels[j] * scale;
  }
  return planes;
}

/**
 * The layer held by interleaved pixels (rows first; 1 grey, 2 grey + alpha, 3 RGB or 4 RGB + alpha values a pixel; alpha not
 * premultiplied). The colour is taken as stored, also under transparent pixels: see `bleed`.
 */
export function layerOf(pixels: Pixels, width: number, height: number, channels: 1 | 2 | 3 | 4): Layer {
  const colours = channels < 3 ? 1 : 3;
  return {
    colour: pick(pixels, width, height, channels, 0, colours),
    alpha: colours < channels ? pick(pixels, width, height, channels, colours, 1) : null,
  };
}

/** Writes the layer into `pixels` (`valuesIn(layer)` of them), interleaved: clipped to [0, 1], rounded half up. */
export function fillPixels(layer: Layer, pixels: Pixels): void {
  const planes = [layer.colour, ...(layer.alpha ? [layer.alpha] : [])].flatMap((p) =>
    Array.from({ length: p.channels }, (_, c) => planeOf(p, c)),
  );
  const top = largest(bitsOf(pixels));
  planes.forEach((plane, c) => {
    for (let i = 0, j = c; i < plane.length; i++, j += planes.length) {
      pixels[j] = Math.floor(Math.min(Math.max(plane[i], 0), 1) * top + 0.5);
    }
  });
}
