/**
 * One picture that shows a result: the same window of bicubic enlargement, result and truth, then the true and the found kernel.
 *
 * The window is where bicubic enlargement and result differ most: the truth has no say in it, so it is as good at showing harm
 * as at showing gain. Nothing is smoothed: a pixel is a square of the picture, and so is a value of a kernel.
 */
import sharp from 'sharp';
import { centreOfMass, type Kernel } from '../../shared/kernel.ts';
import type { Layer } from '../kernelfusion/method.ts';
import { luma, overGrey, type Plane } from '../kernelfusion/metrics.ts';
import { heat, heatMap } from './heat-map.ts';

export interface SideBySideRequest {
  /** All of the same size. */
  readonly bicubic: Layer;
  readonly result: Layer;
  readonly truth: Layer;
  readonly trueKernel: Kernel;
  readonly foundKernel: Kernel;
  /** Pixels at each side of the pictures that the window keeps away from. */
  readonly border: number;
}

/** A square, in pixels of the pictures. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly side: number;
}

export interface SideBySide {
  readonly png: Buffer;
  readonly window: Window;
}

/** Side of the window in pixels of the pictures, where they are large enough. */
const WINDOW = 96;
/** A panel is as much of this as whole squares fill. */
const PANEL = 192;
/** Pixels between two panels. */
const GAP = 4;
const BACKGROUND = 255;

/** From left to right: bicubic, result, truth, true kernel, found kernel. Layers are shown over mid grey, as they are scored. */
export async function sideBySide(request: SideBySideRequest): Promise<SideBySide> {
  const { border, trueKernel, foundKernel } = request;
  const pictures = [request.bicubic, request.result, request.truth].map(overGrey);
  const window = mostDifferent(luma(pictures[0]), luma(pictures[1]), border);
  const zoom = Math.floor(PANEL / window.side);
  const side = window.side * zoom;
  const kernelZoom = Math.max(1, Math.min(...[trueKernel, foundKernel].map((kernel) => largestZoom(kernel, side))));
  const panels: Panel[] = [
    ...pictures.map((planes) => picturePanel(planes, window, zoom)),
    ...[trueKernel, foundKernel].map((kernel) => kernelPanel(kernel, side, kernelZoom)),
  ];
  const width = panels.length * (side + GAP) - GAP;
  const pixels = new Uint8Array(3 * width * side).fill(BACKGROUND);
  panels.forEach((colourAt, p) => {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) pixels.set(colourAt(y, x), 3 * (y * width + p * (side + GAP) + x));
    }
  });
  const png = await sharp(pixels, { raw: { width, height: side, channels: 3 } })
    .png({ compressionLevel: 9, adaptiveFiltering: true })
    .toBuffer();
  return { png, window };
}

/** The 8-bit colour at a row and a column. */
type Panel = (y: number, x: number) => ArrayLike<number>;

function picturePanel(planes: readonly Plane[], { top, left }: Window, zoom: number): Panel {
  const { width } = planes[0];
  return (y, x) => {
    const at = (top + Math.floor(y / zoom)) * width + left + Math.floor(x / zoom);
    return planes.map(({ data }) => Math.round(data[at]));
  };
}

/** The heat map with its centre of mass in the middle of the panel; black, which is 0, around it. */
function kernelPanel(kernel: Kernel, side: number, zoom: number): Panel {
  const colours = heatMap(kernel);
  const { size } = kernel;
  const [row, column] = centreOfMass(kernel).map((offset) => {
    const middle = size / 2 + offset;
    return (place: number) => Math.floor((place + 0.5 - side / 2) / zoom + middle);
  });
  return (y, x) => {
    const [r, c] = [row(y), column(x)];
    const isInside = Math.min(r, c) >= 0 && Math.max(r, c) < size;
    return isInside ? colours.subarray(3 * (r * size + c), 3 * (r * size + c + 1)) : heat(0);
  };
}

/** Pixels a value may have for all of the kernel to be in the panel, its centre of mass in the middle. */
function largestZoom(kernel: Kernel, side: number): number {
  const reach = kernel.size / 2 + Math.max(...centreOfMass(kernel).map(Math.abs));
  return Math.floor(side / 2 / reach);
}

/**
 * The window, at least `border` pixels from every side, in which two planes of one size differ most (sum of squares); of
 * several such the uppermost, then the leftmost.
 */
export function mostDifferent(a: Plane, b: Plane, border: number): Window {
  const width = a.width - 2 * border;
  const height = a.height - 2 * border;
  const side = Math.min(WINDOW, width, height);
  // sums[y][x]: of everything above and left of (y, x).
  const sums = new Float64Array((height + 1) * (width + 1));
  const at = (y: number, x: number) => y * (width + 1) + x;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = (y + border) * a.width + x + border;
      const here = (a.data[i] - b.data[i]) ** 2;
      sums[at(y + 1, x + 1)] = here + sums[at(y, x + 1)] + sums[at(y + 1, x)] - sums[at(y, x)];
    }
  }
  let best = { top: border, left: border, side };
  let most = 0;
  for (let y = 0; y + side <= height; y++) {
    for (let x = 0; x + side <= width; x++) {
      const inside = sums[at(y + side, x + side)] - sums[at(y, x + side)] - sums[at(y + side, x)] + sums[at(y, x)];
      if (inside <= most) continue;
      most = inside;
      best = { top: y + border, left: x + border, side };
    }
  }
  return best;
}
