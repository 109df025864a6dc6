/**
 * A kernel on its way in: the format told by the file's own bytes, its values checked and turned to the sense of
 * shared/kernel.ts.
 */
import { KernelFusionError } from '../errors.ts';
import { flip, type Kernel, makeKernel, type Scale } from '../kernel.ts';
import { largestKernel } from '../protocol/limits.ts';
import type { Found, KernelFormat, Origin, Sense } from './format.ts';
import { fromCorner } from './placing.ts';

export interface ImportOptions {
  /** The scale the kernel is for: needed unless the file tells it (JSON does). */
  readonly scale?: Scale;
  /** The sense of the values, where it is not the one the file tells or, where it tells none, the format is exported in. */
  readonly sense?: Sense;
}

export interface Imported {
  readonly kernel: Kernel;
  readonly format: KernelFormat;
  /** As far as the file tells it. */
  readonly origin: Origin;
  /** Sentences for the person: what had to be changed. */
  readonly notes: readonly string[];
}

/** Longest file that is looked into, in bytes: a MATLAB file may hold other things beside the kernel. */
export const LONGEST_FILE = 2 ** 24;
/** Sums farther from 1 than this are told: more than rounding to 8 bits makes of it. */
const ROUNDING = 0.01;
/** Negative values may weigh half as much as positive ones: bicubic and Lanczos kernels come to a quarter. */
const MOST_NEGATIVE = 0.5;

const bad = (sentence: string) => new KernelFusionError('BAD_KERNEL', sentence);

/**
 * Reads a kernel file of one of `formats`. Throws `BAD_KERNEL`: unknown format, damaged, not square, too large, not finite,
 * no positive sum, more sharpening than blur, or made for another scale than the one asked for.
 */
export function importWith(formats: readonly KernelFormat[], file: Uint8Array, options: ImportOptions = {}): Imported {
  if (file.length > LONGEST_FILE)
    throw bad(`This file is too large to be a kernel (${LONGEST_FILE / 2 ** 20} MiB at most).`);
  const format = formats.find(({ reader }) => reader?.recognises(file));
  if (!format?.reader) {
    const known = formats.filter(({ reader }) => reader).map(({ extension }) => extension);
    throw bad(`This is not a kernel file of a known kind: ${known.join(', ')}.`);
  }
  const found = format.reader.read(file);
  const notes: string[] = [];
  const scale = scaleOf(found, options.scale);
  const checked = check(found, scale, format.unsigned === undefined, notes);
  const sense = senseOf(found, options.sense, notes) ?? format.sense;
  const turned = sense === 'convolution' ? flip(checked) : checked;
  const kernel = found.centring === 'corner' ? fromCorner(turned) : turned;
  const largest = largestKernel(scale);
  if (kernel.size > largest)
    throw bad(`At scale ${scale} a kernel's side must be 1 to ${largest}, not ${kernel.size}.`);
  return { kernel, format, origin: originOf(found), notes };
}

const originOf = ({ source, options, confidence }: Found): Origin => ({
  ...(source && { source }),
  ...(options && { options }),
  ...(confidence !== undefined && { confidence }),
});

/** The scale whose enlarged picture has the grid of the values. */
function scaleOf({ grid, scale }: Found, asked: Scale | undefined): Scale {
  const own = grid === 'lr' ? 1 : scale;
  if (own === undefined && asked === undefined) {
    throw bad('The file does not say which scale its kernel is for: say so (--scale).');
  }
  if (own !== undefined && asked !== undefined && own !== asked) {
    throw bad(`This kernel is for scale ${own}, not ${asked}: choose scale ${own}, or another kernel.`);
  }
  return (own ?? asked) as Scale;
}

/** Who asks for a sense knows better than the file: names in MATLAB files are mere habits, fields of JSON files may be wrong. */
function senseOf({ sense: own }: Found, asked: Sense | undefined, notes: string[]): Sense | undefined {
  if (own !== undefined && asked !== undefined && own !== asked) {
    notes.push(`By the file its values are in ${own} sense; they were taken in ${asked} sense, as asked for.`);
  }
  return asked ?? own;
}

function check({ size, values }: Found, scale: Scale, tellsSum: boolean, notes: string[]): Kernel {
  const kernel = makeKernel(size, scale, values);
  const sum = Array.from(values).reduce((a, b) => a + b, 0);
  const negative = kernel.data.reduce((total, value) => total - Math.min(0, value), 0);
  if (negative > MOST_NEGATIVE * (1 + negative)) {
    throw bad(
      'The negative values of this kernel nearly outweigh the others: it sharpens or finds edges, and is no blur.',
    );
  }
  if (tellsSum && Math.abs(sum - 1) > ROUNDING) {
    notes.push(`The values of the kernel added up to ${Number(sum.toPrecision(4))}; they were divided by that.`);
  }
  return kernel;
}
