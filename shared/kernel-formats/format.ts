/**
 * What a file format for kernels is: how its files are written, perhaps read, and what a person needs to know to use them.
 *
 * The one idea: senses, grids, sides and signs are dealt with once, in export.ts and import.ts. A format gets the values as they
 * have to stand in its file, and only knows how to write them down.
 */
import type { Kernel, Scale } from '../kernel.ts';
import { LARGEST_ODD_KERNEL } from '../protocol/limits.ts';

/**
 * `correlation`: the weight at [u] multiplies the pixel at +u from the middle (the sense of shared/kernel.ts);
 * `convolution`: the same turned by 180 degrees, the point spread function: what a single white pixel becomes.
 */
export const SENSES = ['correlation', 'convolution'] as const;
export type Sense = (typeof SENSES)[number];

/** `hr`: the pixels of the enlarged picture; `lr`: the pixels of the picture as it came. */
export const GRIDS = ['hr', 'lr'] as const;
export type Grid = (typeof GRIDS)[number];

/**
 * Where the kernel's centre lies in the array.
 *   found    the array as it is; for an even side the centre lies between pixels
 *   middle   on the middle element of an odd side: for tools that filter or deconvolve a picture
 *   corner   (s-1)/2 from the middle of an odd side: for programs that reduce by keeping the top left pixel of every s x s
 *            (ZSSR, USRNet, KAIR), whose results then lie where a plain enlargement lies
 */
export const CENTRINGS = ['found', 'middle', 'corner'] as const;
export type Centring = (typeof CENTRINGS)[number];

/** The picture a kernel was estimated from, so that it can be told later which. */
export interface Source {
  /** Of its file or pixels, 64 hexadecimal digits. */
  readonly sha256?: string;
  readonly width?: number;
  readonly height?: number;
}

/** Where a kernel was found, and how sure that is: what stays true of it in whatever file it is. */
export interface Origin {
  readonly source?: Source;
  /** The options of the job that estimated it. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Probability, 0 .. 1, that it restores a better picture than the plain bicubic one. */
  readonly confidence?: number;
}

/** What a file may tell about its values; only JSON tells all of it. */
export interface About extends Origin {
  /** The scale of the kernel's job, whatever the grid. */
  readonly scale: Scale;
  readonly sense: Sense;
  readonly grid: Grid;
  readonly centring: Centring;
}

/** What was read from a file: `size` rows of `size` values, and what the file says about them. Not checked yet. */
export interface Found extends Partial<About> {
  readonly size: number;
  readonly values: ArrayLike<number>;
}

/** A recipe in one line: the file is called `kernel` + extension, pictures `in.png` and `out.png`. */
export interface Recipe {
  /** The program it is for. */
  readonly tool: string;
  readonly language: 'sh' | 'python' | 'octave' | 'text';
  readonly code: string;
}

export interface KernelFormat {
  /** Stable; lower case. */
  readonly id: string;
  /** With its dot; no two formats share one. */
  readonly extension: string;
  readonly label: string;
  /** What it is for, in a sentence. */
  readonly purpose: string;
  readonly recipe: Recipe;
  /** The sense of the values in its files. */
  readonly sense: Sense;
  /** How its files are centred unless asked otherwise. */
  readonly centring: Centring;
  /** The only sides its consumer takes, rising (such formats are always centred in the middle); otherwise any. */
  readonly sides?: readonly number[];
  /** Set where values below 0 cannot be written. */
  readonly unsigned?: true;
  /** The file. `kernel`: values as they have to stand in it (sense, grid, centring, side), sum 1. */
  write(kernel: Kernel, about: About): Uint8Array;
  /** Where the format can be imported. */
  readonly reader?: Reader;
}

export interface Reader {
  /** Whether the file looks like this format, from its first bytes. */
  recognises(file: Uint8Array): boolean;
  /** Throws `BAD_KERNEL` for whatever it cannot read. */
  read(file: Uint8Array): Found;
}

/** Longest side of a kernel that is read, in pixels. `importWith` holds each scale to its own: `largestKernel`. */
export const LARGEST_SIDE = LARGEST_ODD_KERNEL;

/** The values row after row, each row joined by `between`. */
export function rows({ size, data }: Kernel, between: string): string[] {
  return Array.from({ length: size }, (_, r) => Array.from(data.subarray(r * size, (r + 1) * size)).join(between));
}
