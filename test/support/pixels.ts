/**
 * The pixels of a picture file as a layer, by sharp alone: for tests that do not test the reading.
 */
import sharp from 'sharp';
import { makePlanes } from '../../helper/image/planes.ts';
import type { Layer } from '../../helper/kernelfusion/method.ts';

/** An 8-bit RGB or RGBA file, its path or its bytes, value / 255. */
export async function loadLayer(file: string | Buffer): Promise<Layer> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const planes = (first: number, count: number) =>
    makePlanes(
      width,
      height,
      count,
      Float32Array.from({ length: count * width * height }, (_, i) => {
        const pixel = i % (width * height);
        return data[pixel * channels + first + Math.floor(i / (width * height))] / 255;
      }),
    );
  return { colour: planes(0, 3), alpha: channels === 4 ? planes(3, 1) : null };
}
