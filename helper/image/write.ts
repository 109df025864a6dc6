/**
 * A layer out: into PNG, JPEG, WebP or TIFF, told by the extension, with the profile and density it came with.
 *
 * Values are written as they are (rounded half up, clipped): no colour conversion, and no loss but JPEG's own and the rounding
 * to 8 bits where a format holds no more. EXIF and XMP of the input are not copied: they describe the old pixels (size, crop,
 * orientation, thumbnail), and may tell where a picture was taken.
 */
import { extname } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import type { Scale } from '../../shared/kernel.ts';
import { checkWritable, type WriteFile, writeAtomic } from '../atomic-file.ts';
import type { Layer } from '../kernelfusion/method.ts';
import type { Bits } from './pixels.ts';
import type { Picture, PictureInfo } from './read.ts';
import { packTiff, pixelBytes } from './tiff.ts';

export type OutputFormat = 'png' | 'jpeg' | 'webp' | 'tiff';

const EXTENSIONS: Readonly<Record<string, OutputFormat>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
  '.tif': 'tiff',
  '.tiff': 'tiff',
};

interface Ability {
  readonly name: string;
  readonly bits: Bits;
  readonly alpha: boolean;
  readonly grey: boolean;
  /** The largest width or height its encoder takes. */
  readonly side: number;
}

const ABILITIES: Readonly<Record<OutputFormat, Ability>> = {
  png: { name: 'PNG', bits: 16, alpha: true, grey: true, side: 2 ** 31 - 1 },
  tiff: { name: 'TIFF', bits: 16, alpha: true, grey: true, side: 2 ** 31 - 1 },
  webp: { name: 'WebP', bits: 8, alpha: true, grey: false, side: 16383 },
  jpeg: { name: 'JPEG', bits: 8, alpha: false, grey: true, side: 65500 },
};

/** What will be written. */
export interface OutputPlan {
  readonly format: OutputFormat;
  readonly bits: Bits;
  /** Sentences for the person: what the format cannot hold. */
  readonly notes: readonly string[];
}

const bad = (sentence: string) => new KernelFusionError('BAD_OPTION', sentence);

function formatOf(path: string): OutputFormat {
  const format = EXTENSIONS[extname(path).toLowerCase()];
  if (!format) throw bad('The name of the output must end in .png, .jpg, .jpeg, .webp, .tif or .tiff.');
  return format;
}

/** Whether `format` can hold the layer, `scale` times enlarged; throws `BAD_OPTION` if not. */
function planOutput(format: OutputFormat, layer: Layer, info: PictureInfo, scale: Scale): OutputPlan {
  const can = ABILITIES[format];
  const { width, height, channels } = layer.colour;
  if (layer.alpha && !can.alpha) {
    throw bad(`${can.name} holds no transparency, and this picture has some: choose PNG, WebP or TIFF.`);
  }
  if (Math.max(width, height) * scale > can.side) {
    throw bad(`${can.name} holds at most ${can.side} pixels a side, and the result has more: choose PNG or TIFF.`);
  }
  if (info.icc && channels === 1 && !can.grey) {
    throw bad(`${can.name} holds no grey picture with a colour profile: choose PNG, JPEG or TIFF.`);
  }
  const bits = info.bits === 16 ? can.bits : 8;
  if (pixelBytes(layer, bits) * scale ** 2 > 2 ** 32 - 2 ** 24) throw bad('The result would be larger than 4 GiB.');
  const notes =
    bits < info.bits
      ? [`${can.name} holds 8 bits a value: the 16 of this picture are rounded. PNG and TIFF keep them.`]
      : [];
  return { format, bits, notes };
}

/**
 * Whether the result of enlarging `picture` can be written to `path`, to be asked before the long job.
 * Throws `BAD_OPTION` (unknown extension, alpha into JPEG, too large for the format) or `OUTPUT_UNWRITABLE` (the folder).
 */
export async function checkOutput(path: string, picture: Picture, scale: Scale): Promise<OutputPlan> {
  const plan = planOutput(formatOf(path), picture.layer, picture, scale);
  await checkWritable(path);
  return plan;
}

/** The layer as a file of that format. Throws `BAD_OPTION` as `checkOutput` does, `CANCELLED`. */
export async function encodePicture(
  layer: Layer,
  info: PictureInfo,
  format: OutputFormat,
  signal?: AbortSignal,
): Promise<Buffer> {
  throwIfCancelled(signal);
  const { bits } = planOutput(format, layer, info, 1);
  const grey = layer.colour.channels === 1 && ABILITIES[format].grey;
  const space = bits === 16 ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb';
  const image = sharp(packTiff(layer, bits, info.icc), { limitInputPixels: false })
    .toColourspace(space)
    .keepIccProfile()
    .withDensity(info.density);
  const bytes = await encode(image, format).toBuffer();
  throwIfCancelled(signal);
  return bytes;
}

function encode(image: Sharp, format: OutputFormat): Sharp {
  switch (format) {
    case 'png':
      return image.png();
    case 'jpeg':
      return image.jpeg({ quality: 95, chromaSubsampling: '4:4:4' });
    case 'webp':
      // `exact`: also the colour under transparent pixels stays.
      return image.webp({ lossless: true, exact: true });
    case 'tiff':
      return image.tiff({ compression: 'deflate', predictor: 'horizontal' });
  }
}

/**
 * Writes the layer to `path`, whole or not at all, in the format its extension tells.
 * Throws `BAD_OPTION`, `OUTPUT_UNWRITABLE`, `CANCELLED`.
 */
export async function writePicture(
  path: string,
  layer: Layer,
  info: PictureInfo,
  signal?: AbortSignal,
  write: WriteFile = writeAtomic,
): Promise<void> {
  await write(path, await encodePicture(layer, info, formatOf(path), signal), signal);
}
