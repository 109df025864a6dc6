/**
 * A picture file in: bytes -> layer, with what has to be kept of the file (bit depth, colour profile, density).
 *
 * The one idea: work in the file's own stored values. libvips is told to ignore the profile, so no colour is converted on the
 * way in or out; the profile travels beside the pixels and is written back. Everything that can be refused is refused from
 * the header, before a pixel is decoded.
 */
import type { FileHandle } from 'node:fs/promises';
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { type ErrorCode, KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import type { Scale } from '../../shared/kernel.ts';
import { LEAST_SIDE, MOST_PIXELS, MOST_RESULT_PIXELS } from '../../shared/protocol/limits.ts';
import { pixelsInWords } from '../amounts.ts';
import type { Layer } from '../kernelfusion/method.ts';
import { openFile } from '../open-file.ts';
import { bleed } from './bleed.ts';
import { exifDensity } from './exif.ts';
import { type Bits, layerOf } from './pixels.ts';
import { type InputFormat, isAnimatedPng, sniff } from './sniff.ts';

/** What a file says about its pixels; all of it is kept in the result. */
export interface PictureInfo {
  /** Bits a value: 16 where the file has more than 8. */
  readonly bits: Bits;
  /** The embedded colour profile, untouched; `null` if there is none that fits the picture. */
  readonly icc: Uint8Array | null;
  /** Pixels an inch; 72 where the file does not say. */
  readonly density: number;
}

export interface Picture extends PictureInfo {
  /** Upright (EXIF orientation applied), in the file's own colours, filled in under transparent pixels. */
  readonly layer: Layer;
  readonly format: InputFormat;
  /** One colour plane instead of three. */
  readonly grey: boolean;
  /** Sentences for the person: what of the file is faulty or could not be kept. */
  readonly notes: readonly string[];
}

export interface ReadLimits {
  /** Pixels a picture may have. */
  readonly maxPixels?: number;
  /** Pixels the result may have, at `scale`. */
  readonly maxOutputPixels?: number;
  readonly scale?: Scale;
}

/** What libvips takes for a PNG or JPEG that does not say. */
const DENSITY = 72;
/** An uncompressed 16-bit RGBA picture of `MOST_PIXELS`, four times over. */
const MAX_BYTES = 512 * 2 ** 20;

const refuse = (code: ErrorCode, sentence: string, cause?: unknown) => new KernelFusionError(code, sentence, { cause });

/**
 * Reads one still picture: PNG, JPEG, WebP, TIFF or GIF; 8 or 16 bits; grey or RGB, with or without alpha.
 * `source` is a path or the file's bytes (`readBytes`).
 *
 * Throws `INPUT_NOT_FOUND`, `INPUT_UNREADABLE` (no picture, damaged, cut off), `INPUT_UNSUPPORTED` (other formats, CMYK, Lab,
 * float), `INPUT_ANIMATED` (several frames or pages), `INPUT_TOO_SMALL` (a side under 16), `INPUT_TOO_LARGE`, `CANCELLED`.
 */
export async function readPicture(
  source: string | Uint8Array,
  limits: ReadLimits = {},
  signal?: AbortSignal,
): Promise<Picture> {
  throwIfCancelled(signal);
  const bytes = typeof source === 'string' ? await readBytes(source) : source;
  throwIfCancelled(signal);
  const format = sniff(bytes);
  if (format === 'other') {
    throw refuse('INPUT_UNSUPPORTED', 'This kind of picture cannot be read: use PNG, JPEG, WebP, TIFF or GIF.');
  }
  if (format === null) throw refuse('INPUT_UNREADABLE', 'This file is not a picture.');
  if (format === 'png' && isAnimatedPng(bytes)) throw animated();

  const open = (options: SharpOptions) => sharp(bytes, { failOn: 'error', ignoreIcc: true, ...options });
  // The header costs no pixel, so it needs no limit: `checkHeader` has the better sentence.
  const header = await open({ limitInputPixels: false }).metadata().catch(damaged);
  checkHeader(header, limits);
  throwIfCancelled(signal);

  const notes: string[] = [];
  const bits: Bits = header.depth === 'ushort' ? 16 : 8;
  // Grey 8-bit with alpha is decoded as RGB, for sharp's raw output drops the alpha of 8-bit grey; each plane is the grey one.
  const grey = header.channels < 3;
  const space = bits === 16 ? (grey ? 'grey16' : 'rgb16') : 'srgb';
  const decode = (failOn: 'warning' | 'error') =>
    open({ failOn, autoOrient: true, limitInputPixels: limits.maxPixels ?? MOST_PIXELS })
      .toColourspace(space)
      .raw({ depth: bits === 16 ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
  // A warning may be a fault of form that many phones and scanners make, or a JPEG whose damaged half comes out grey; libvips
  // cannot tell which, so the person is asked to look. What is cut off is an error, and refused.
  const { data, info } = await decode('warning').catch(() => {
    notes.push('The decoder found faults in this file: look whether all of the picture is there.');
    return decode('error').catch(damaged);
  });
  throwIfCancelled(signal);
  const pixels = bits === 16 ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  const decoded = layerOf(pixels, info.width, info.height, info.channels as 1 | 2 | 3 | 4);
  const layer = bleed(grey ? firstPlane(decoded) : decoded);

  const icc = header.icc ?? null;
  const iccFits = icc === null || profileSpace(icc) === (grey ? 'GRAY' : 'RGB ');
  if (!iccFits) notes.push('The embedded colour profile is not made for this kind of picture and was left out.');
  return {
    layer,
    format,
    bits,
    grey,
    icc: iccFits ? icc : null,
    density: header.density ?? (header.exif && exifDensity(header.exif)) ?? DENSITY,
    notes,
  };
}

/** What kind of values an ICC profile is for: four letters, `RGB ` or `GRAY` among them (ICC.1:2022, 7.2.6). */
function profileSpace(icc: Uint8Array): string {
  return String.fromCharCode(...icc.subarray(16, 20));
}

function firstPlane({ colour, alpha }: Layer): Layer {
  const { width, height, data } = colour;
  return { colour: { width, height, channels: 1, data: data.slice(0, width * height) }, alpha };
}

/** A whole file. Throws `INPUT_NOT_FOUND`, `INPUT_UNREADABLE`, `INPUT_TOO_LARGE`. */
export async function readBytes(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await openFile(path);
    if ((await file.stat()).size > MAX_BYTES) {
      throw refuse('INPUT_TOO_LARGE', `The input file is larger than ${MAX_BYTES / 2 ** 20} MiB.`);
    }
    return await file.readFile();
  } catch (error) {
    if (error instanceof KernelFusionError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw refuse('INPUT_NOT_FOUND', 'There is no such input file.', error);
    if (code === 'EACCES' || code === 'EPERM') {
      throw refuse('INPUT_UNREADABLE', 'There is no permission to read the input file.', error);
    }
    throw refuse('INPUT_UNREADABLE', 'The input file could not be read.', error);
  } finally {
    await file?.close();
  }
}

function animated(): KernelFusionError {
  return refuse(
    'INPUT_ANIMATED',
    'This file holds several frames or pages: save the one you want as a picture of its own.',
  );
}

function damaged(cause: unknown): never {
  throw refuse('INPUT_UNREADABLE', 'This picture is damaged or cut off and could not be decoded.', cause);
}

/** Refuses, from the header alone, what cannot be worked on. */
function checkHeader(header: Metadata, limits: ReadLimits): void {
  const { width, height, space, depth, channels } = header;
  if ((header.pages ?? 1) > 1) throw animated();
  const least = { 'b-w': 1, grey16: 1, srgb: 3, rgb16: 3 }[space as string];
  const plain = least !== undefined && (channels === least || channels === least + 1);
  if (!plain) {
    const name = space === 'cmyk' ? 'in CMYK' : 'in channels other than grey or RGB with or without alpha';
    throw refuse('INPUT_UNSUPPORTED', `This picture is stored ${name}: convert it to RGB first.`);
  }
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw refuse('INPUT_UNSUPPORTED', 'This picture is not stored in 8 or 16 bits a value: convert it first.');
  }
  if (width < LEAST_SIDE || height < LEAST_SIDE) {
    const size = `${width} x ${height}`;
    throw refuse('INPUT_TOO_SMALL', `This picture is ${size}; it must be at least ${LEAST_SIDE} pixels wide and high.`);
  }
  const { maxPixels = MOST_PIXELS, maxOutputPixels = MOST_RESULT_PIXELS, scale = 1 } = limits;
  const pixels = width * height;
  if (pixels > maxPixels) {
    throw refuse(
      'INPUT_TOO_LARGE',
      `This picture has ${pixelsInWords(pixels)}; the limit is ${pixelsInWords(maxPixels)}.`,
    );
  }
  if (pixels * scale ** 2 > maxOutputPixels) {
    const result = pixelsInWords(pixels * scale ** 2);
    const limit = pixelsInWords(maxOutputPixels);
    throw refuse('INPUT_TOO_LARGE', `At scale ${scale} the result would have ${result}; the limit is ${limit}.`);
  }
}
