/**
 * Every format kernels leave and enter by, in the order of menus: the one place that lists them.
 */
import { exportKernel } from './export.ts';
import type { KernelFormat } from './format.ts';
import { type Imported, type ImportOptions, importWith } from './import.ts';
import { jsonFormat } from './json.ts';
import { npyFormat } from './npy.ts';

export const FORMATS: readonly KernelFormat[] = [jsonFormat, npyFormat];

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
