/**
 * How well a result explains its layer: blurred by the kernel and reduced again, it should be the layer.
 *
 * A few rows at a time, for a copy of a large result would be the largest thing of a whole job.
 */
import type { Kernel } from '../../shared/kernel.ts';
import { cutPlanes, mapPlanes, type Planes, planeOf } from '../image/planes.ts';
import { canvasMargin, makeDegradation } from './degradation.ts';

const ROWS = 64;

/**
 * PSNR in dB (peak 1, at most 120) between y (values in [-1, 1]) and the result (in [0, 1]) degraded again, where the kernel's
 * window stays inside.
 */
export function consistency(y: Planes, result: Planes, kernel: Kernel): number {
  const { scale: s, size } = kernel;
  const margin = canvasMargin(size, s);
  const border = Math.min(Math.ceil(margin / s), Math.floor((Math.min(y.width, y.height) - 1) / 2));
  let sum = 0;
  for (let top = border; top < y.height - border; top += ROWS) {
    const rows = Math.min(ROWS, y.height - border - top);
    const window = cutPlanes(result, s * top - margin, -margin, s * y.width + 2 * margin, s * rows + 2 * margin);
    const canvas = mapPlanes(window, (v) => 2 * v - 1);
    const { apply } = makeDegradation(kernel, y.width, rows);
    for (let c = 0; c < y.channels; c++) {
      const again = apply(planeOf(canvas, c));
      const plane = planeOf(y, c);
      for (let row = 0; row < rows; row++) {
        for (let x = border; x < y.width - border; x++) {
          sum += ((again[row * y.width + x] - plane[(top + row) * y.width + x]) / 2) ** 2;
        }
      }
    }
  }
  const count = y.channels * (y.width - 2 * border) * (y.height - 2 * border);
  return -10 * Math.log10(Math.max(sum / count, 1e-12));
}
