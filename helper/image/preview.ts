/**
 * A small picture of a large result in the making: each pixel is the mean of a block of the result, once the piece that
 * the block lies in has been worked on; before that it shows the layer. Large results come in pieces, and so the sharp picture
 * grows over the blurred one.
 */
import type { Layer, Piece } from '../kernelfusion/method.ts';
import { reduceArea } from './enlarge.ts';
import { cutPlanes, makePlanes, type Planes, planeOf } from './planes.ts';
import { rgbaOf } from './rgba.ts';

export interface PreviewPainter {
  /** Takes in a piece and returns the whole preview: RGBA of `width` x `height` pixels. */
  paint(piece: Piece): { readonly width: number; readonly height: number; readonly rgba: Uint8Array };
}

/** @param most pixels a side of the preview, at most */
export function createPreviewPainter(layer: Layer, scale: number, most: number): PreviewPainter {
  const { width, height } = layer.colour;
  /** Result pixels a preview pixel, along either side. */
  const factor = Math.ceil((scale * Math.max(width, height)) / most);
  const shrunk = (planes: Planes) => sample(planes, scale, factor);
  const colour = shrunk(layer.colour);
  const alpha = layer.alpha && shrunk(layer.alpha);

  return {
    paint(piece) {
      paintBlocks(colour, piece, factor);
      return { width: colour.width, height: colour.height, rgba: rgbaOf({ colour, alpha }) };
    },
  };
}

/** Paints the blocks that begin inside the piece: what lies before them a neighbour has shown, or will show. */
function paintBlocks(preview: Planes, { colour, top, left }: Piece, factor: number): void {
  const [row, column] = [Math.ceil(top / factor), Math.ceil(left / factor)];
  const [cutTop, cutLeft] = [row * factor - top, column * factor - left];
  const [width, height] = [colour.width - cutLeft, colour.height - cutTop];
  if (width <= 0 || height <= 0) return;
  const small = reduceArea(cutPlanes(colour, cutTop, cutLeft, width, height), factor);
  for (let c = 0; c < small.channels; c++) {
    for (let y = 0; y < small.height; y++) {
      const values = planeOf(small, c).subarray(y * small.width, (y + 1) * small.width);
      planeOf(preview, c).set(values, (row + y) * preview.width + column);
    }
  }
}

/** The layer where the middles of the blocks lie. */
function sample(planes: Planes, scale: number, factor: number): Planes {
  const { width, height, channels } = planes;
  const out = makePlanes(Math.ceil((scale * width) / factor), Math.ceil((scale * height) / factor), channels);
  const at = (i: number, length: number) => Math.min(length - 1, Math.floor(((i + 0.5) * factor) / scale));
  for (let c = 0; c < channels; c++) {
    const from = planeOf(planes, c);
    const to = planeOf(out, c);
    for (let y = 0; y < out.height; y++) {
      const row = at(y, height) * width;
      for (let x = 0; x < out.width; x++) to[y * out.width + x] = from[row + at(x, width)];
    }
  }
  return out;
}
