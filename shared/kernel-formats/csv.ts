/**
 * A kernel as a table: a line a row, decimals with commas between, no heading. Convolution sense.
 *
 * RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180) names no other way to write numbers; what is read is what spreadsheets of any
 * country make of it: commas, semicolons (then commas may be decimal), tabs or spaces between, `#` for comments.
 */
import { KernelFusionError } from '../errors.ts';
import type { Kernel } from '../kernel.ts';
import { bytesOf, textOf } from './bytes.ts';
import { type Found, type KernelFormat, LARGEST_SIDE, rows } from './format.ts';

/** Longest file that is read, in bytes: 64 x 64 numbers of 30 characters fill a tenth. */
const LONGEST_FILE = 2 ** 20;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const bad = (sentence: string) => new KernelFusionError('BAD_KERNEL', sentence);

export const writeCsv = (kernel: Kernel): Uint8Array => bytesOf(`${rows(kernel, ',').join('\n')}\n`);

/** Throws `BAD_KERNEL` where it is no square of numbers. */
export function readCsv(file: Uint8Array): Found {
  if (file.length > LONGEST_FILE) throw bad('This file is too long to be the table of a kernel.');
  const lines = textOf(file)
    .replace(/^\xef\xbb\xbf/, '') // What Excel puts before UTF-8.
    .split(/\r\n|\r|\n/)
    .filter((line) => /^[^#]*[^#,;\s]/.test(line));
  const size = lines.length;
  if (size === 0 || size > LARGEST_SIDE)
    throw bad(`A kernel's table must have 1 to ${LARGEST_SIDE} rows, not ${size}.`);
  const values = lines.flatMap((line, row) => {
    const numbers = fields(line).map((field) => (NUMBER.test(field) ? Number(field) : Number.NaN));
    if (numbers.some(Number.isNaN))
      throw bad(`Row ${row + 1} of the kernel's table holds something other than numbers.`);
    if (numbers.length !== size) {
      throw bad(
        `A kernel's table must be square: it has ${size} rows, but row ${row + 1} has ${numbers.length} values.`,
      );
    }
    return numbers;
  });
  return { size, values };
}

/** The fields of a line, decimal commas made points. A separator at the very end closes the last field. */
function fields(line: string): string[] {
  const plain = line.trim();
  if (plain.includes(';'))
    return plain
      .replace(/;$/, '')
      .replaceAll(',', '.')
      .split(';')
      .map((field) => field.trim());
  return plain.replace(/,$/, '').split(/\s*,\s*|\s+/);
}

export const csvFormat: KernelFormat = {
  id: 'csv',
  extension: '.csv',
  label: 'CSV table',
  purpose: 'To look at in a spreadsheet, and for whatever reads tables of numbers.',
  recipe: {
    tool: 'scikit-image',
    language: 'python',
    code: `sharp = skimage.restoration.richardson_lucy(picture, numpy.loadtxt('kernel.csv', delimiter=','), 30)`,
  },
  sense: 'convolution',
  centring: 'found',
  write: writeCsv,
  // A table has no mark of its own: whatever begins like a number or a comment may be one.
  reader: { recognises: (file) => /^(\xef\xbb\xbf)?\s*[+\-.\d#]/.test(textOf(file.subarray(0, 64))), read: readCsv },
};
