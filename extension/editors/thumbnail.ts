/**
 * A thumbnail of what a canvas can draw. The panel asks for one every few seconds while a person paints, so it is drawn small
 * from the beginning: no canvas as large as the layer, none of its pixels read.
 */
import type { Picture } from './picture.ts';

/**
 * No side longer than `side`, never enlarged.
 * @param size of what is drawn, in its own pixels
 * @param draw draws it in its own pixels, its corner at (0, 0)
 */
export function drawSmall(
  size: { readonly width: number; readonly height: number },
  side: number,
  draw: (context: CanvasRenderingContext2D) => void,
): Picture {
  const factor = Math.min(1, side / Math.max(size.width, size.height));
  const [width, height] = [size.width, size.height].map((length) => Math.max(1, Math.round(length * factor)));
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.imageSmoothingQuality = 'high';
  context.scale(width / size.width, height / size.height);
  draw(context);
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}
