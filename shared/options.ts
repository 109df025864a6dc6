/**
 * What a person can choose about an upscaling: one object, validated once at the boundary (command line, socket), then trusted.
 */
import { KernelFusionError } from './errors.ts';
import type { Scale } from './kernel.ts';

export const PRESETS = ['fast', 'balanced', 'best', 'paper-small', 'paper'] as const;
export type Preset = (typeof PRESETS)[number];

export interface UpscaleOptions {
  /** How many times wider and higher the result is; 1 removes blur without enlarging. */
  readonly scale: Scale;
  readonly preset: Preset;
  /** Seed of every random choice, 0 .. 2^32-1. The same seed, options, versions and thread count give the same bytes. */
  readonly seed: number;
  /** Side of the kernel in HR pixels, of the scale's parity; `null` lets the scale decide. */
  readonly kernelSide: number | null;
  /** Standard deviation of the layer's noise in 8-bit levels (0 .. 64); `null` estimates it. */
  readonly noise: number | null;
}

export const DEFAULT_OPTIONS: UpscaleOptions = Object.freeze({
  scale: 2,
  preset: 'balanced',
  seed: 1,
  kernelSide: null,
  noise: null,
});

/** Strongest noise a layer can be said to have, in 8-bit levels. */
export const MOST_NOISE = 64;

/** Widest kernel that can be asked for, in LR pixels: as wide as is searched where none is. */
const MOST_LR_PIXELS = 14;

const bad = (sentence: string) => new KernelFusionError('BAD_OPTION', sentence);

/** Fills in the defaults and checks every value; throws `BAD_OPTION` with a sentence naming the option. */
export function parseOptions(input: unknown): UpscaleOptions {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw bad('Options must be an object.');
  for (const key of Object.keys(input)) {
    if (!Object.hasOwn(DEFAULT_OPTIONS, key)) throw bad(`There is no option "${key.slice(0, 40)}".`);
  }
  const options: UpscaleOptions = { ...DEFAULT_OPTIONS, ...input };
  const { scale, preset, seed, kernelSide, noise } = options;
  if (![1, 2, 3, 4].includes(scale)) throw bad('scale must be 1, 2, 3 or 4.');
  if (!PRESETS.includes(preset)) throw bad(`preset must be one of: ${PRESETS.join(', ')}.`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw bad('seed must be a whole number from 0 to 4294967295.');
  }
  if (kernelSide !== null) {
    const even = scale % 2 === 0;
    const least = even ? 4 : 3;
    const most = MOST_LR_PIXELS * scale - (even ? 0 : 1);
    const fits = Number.isInteger(kernelSide) && kernelSide >= least && kernelSide <= most;
    if (!fits || (kernelSide - scale) % 2 !== 0) {
      throw bad(`kernelSide must be an ${even ? 'even' : 'odd'} number from ${least} to ${most} at scale ${scale}.`);
    }
  }
  if (noise !== null && !(typeof noise === 'number' && noise >= 0 && noise <= MOST_NOISE)) {
    throw bad(`noise must be a number from 0 to ${MOST_NOISE} (8-bit levels).`);
  }
  return Object.freeze(options);
}
