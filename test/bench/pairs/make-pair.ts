/**
 * One pair out of a photograph: a crop of it, and what a kernel makes of the crop and of what lies around it.
 *
 * The photograph is reduced first, so that its own blur and the traces of its compression are no part of the truth; the truth is
 * then what 8 bits hold, and the layer is made of exactly that.
 */
import { reduceArea } from '../../../helper/image/enlarge.ts';
import { fillPixels, layerOf, valuesIn } from '../../../helper/image/pixels.ts';
import { cutPlanes, makePlanes, type Planes, planeOf } from '../../../helper/image/planes.ts';
import { canvasMargin, makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { lumaOf } from '../../../helper/kernelfusion/luma.ts';
import type { Random } from '../../../helper/kernelfusion/random.ts';
import type { Kernel } from '../../../shared/kernel.ts';

/** A photograph is reduced by as much of this as its size allows. */
const REDUCTIONS = [3, 2];
/** Crops of which the richest in detail is taken: elsewhere photographs are sky, or out of focus. */
const TRIES = 8;

export interface Pair {
  /** Both of 8-bit values in [0, 1]. */
  readonly lr: Planes;
  readonly hr: Planes;
  /** By what the photograph was reduced, and where in the reduced one the crop begins. */
  readonly reduce: number;
  readonly top: number;
  readonly left: number;
}

/** Side of the square that a layer of `side` pixels sees through the kernel. */
const canvasSide = ({ size, scale }: Kernel, side: number) => Math.max(side * scale, side * scale + size - scale);

/** By what a photograph whose shorter side is `shorter` can be reduced for that layer; undefined: it is too small. */
export const reductionFor = (shorter: number, kernel: Kernel, side: number): number | undefined =>
  REDUCTIONS.find((factor) => Math.floor(shorter / factor) >= canvasSide(kernel, side));

/**
 * A layer of `side` x `side` pixels and its truth. `noise`: standard deviation of what is added to the layer, 1 being white.
 * Throws `RangeError` where `reductionFor` finds the photograph too small.
 */
export function makePair(photograph: Planes, kernel: Kernel, side: number, noise: number, random: Random): Pair {
  const reduce = reductionFor(Math.min(photograph.width, photograph.height), kernel, side);
  if (reduce === undefined) throw new RangeError('makePair: the photograph is too small');
  const reduced = reduceArea(photograph, reduce);
  const hrSide = side * kernel.scale;
  const margin = canvasMargin(kernel.size, kernel.scale);
  const { top, left } = richestCrop(reduced, hrSide, Math.max(0, margin), random);
  const canvas = inBytes(cutPlanes(reduced, top - margin, left - margin, hrSide + 2 * margin, hrSide + 2 * margin));
  const lr = makePlanes(side, side, canvas.channels);
  const { apply } = makeDegradation(kernel, side, side);
  for (let c = 0; c < canvas.channels; c++) planeOf(lr, c).set(apply(planeOf(canvas, c)));
  if (noise > 0) {
    const added = random.normals(lr.data.length);
    for (let i = 0; i < added.length; i++) lr.data[i] += noise * added[i];
  }
  return { lr: inBytes(lr), hr: inBytes(cutPlanes(reduced, top, left, hrSide, hrSide)), reduce, top, left };
}

/** Of some random crops with `margin` pixels of the picture around them, the one whose luma bends most from pixel to pixel. */
function richestCrop(planes: Planes, side: number, margin: number, random: Random): { top: number; left: number } {
  const { width, height } = planes;
  const luma = lumaOf(planes);
  const place = (length: number) => margin + random.below(length - side - 2 * margin + 1);
  const crops = Array.from({ length: TRIES }, () => {
    const [top, left] = [place(height), place(width)];
    let detail = 0;
    for (let y = top + 1; y < top + side - 1; y++) {
      for (let i = y * width + left + 1; i < y * width + left + side - 1; i++) {
        detail += Math.abs(4 * luma[i] - luma[i - 1] - luma[i + 1] - luma[i - width] - luma[i + width]);
      }
    }
    return { top, left, detail };
  });
  return crops.reduce((best, crop) => (crop.detail > best.detail ? crop : best));
}

/** The values rounded to 8 bits. */
function inBytes(colour: Planes): Planes {
  const layer = { colour, alpha: null };
  const bytes = new Uint8Array(valuesIn(layer));
  fillPixels(layer, bytes);
  return layerOf(bytes, colour.width, colour.height, colour.channels as 1 | 3).colour;
}
