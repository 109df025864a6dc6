/**
 * Every format kernels leave and enter by, in the order of menus: the one place that lists them.
 */
import { acfFormat } from './acf.ts';
import { csvFormat } from './csv.ts';
import { exportKernel } from './export.ts';
import { ffmpegFormat } from './ffmpeg.ts';
import { fitsFormat } from './fits.ts';
import type { KernelFormat } from './format.ts';
import { geglFormat } from './gegl.ts';
import { imageMagickFormat } from './imagemagick.ts';
import { type Imported, type ImportOptions, importWith } from './import.ts';
import { jsonFormat } from './json.ts';
import { matFormat } from './mat.ts';
import { npyFormat } from './npy.ts';
import { openCvFormat } from './opencv.ts';
import { pfmFormat } from './pfm.ts';
import { pngFormat } from './png.ts';
import { tiffFormat } from './tiff.ts';

export const FORMATS: readonly KernelFormat[] = [
  jsonFormat,
  npyFormat,
  matFormat,
  csvFormat,
  pngFormat,
  fitsFormat,
  tiffFormat,
  pfmFormat,
  openCvFormat,
  imageMagickFormat,
  geglFormat,
  ffmpegFormat,
  acfFormat,
];

/** Formats a kernel can be imported from. */
export const IMPORTABLE: readonly KernelFormat[] = FORMATS.filter(({ reader }) => reader !== undefined);

/** The format a file's name asks for; of several, the one with the longest extension. */
export function formatOfName(name: string): KernelFormat | undefined {
  const lower = name.toLowerCase();
  return FORMATS.filter(({ extension }) => lower.endsWith(extension)).sort(
    (a, b) => b.extension.length - a.extension.length,
  )[0];
}

/** Reads a kernel file of any importable format, told by its content. See `importWith` for what it throws. */
export const importKernel = (file: Uint8Array, options?: ImportOptions): Imported =>
  importWith(IMPORTABLE, file, options);

export type { Exported, ExportOptions } from './export.ts';
export type { KernelFormat } from './format.ts';
export type { Imported, ImportOptions } from './import.ts';
export { exportKernel };
