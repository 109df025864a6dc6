/** The picture of a kernel: its heat map, every value a square of pixels. */
import sharp from 'sharp';
import type { Kernel } from '../../shared/kernel.ts';
import { heatMap } from './heat-map.ts';

/** Side in pixels that the picture comes near to unless told otherwise. */
const COMFORTABLE = 384;

/** A PNG of `kernel.size * zoom` pixels a side; `zoom` is a whole number from 1 up. */
export async function kernelPng(
  kernel: Kernel,
  zoom = Math.max(1, Math.round(COMFORTABLE / kernel.size)),
): Promise<Buffer> {
  const { size } = kernel;
  return sharp(heatMap(kernel), { raw: { width: size, height: size, channels: 3 } })
    .resize(size * zoom, size * zoom, { kernel: 'nearest' })
    .png({ palette: false })
    .toBuffer();
}
