/**
 * A pair of a benchmark: a folder with lr.png (the input), hr.png (the truth), kernel.npy (the true kernel) and meta.json (its
 * `scale`, and what else is known of it).
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Kernel, Scale } from '../../shared/kernel.ts';
import { readNpy } from '../../shared/kernel-formats/npy.ts';
import { parseOptions } from '../../shared/options.ts';
import { enlargeBicubic } from '../image/enlarge.ts';
import { type Picture, readPicture } from '../image/read.ts';
import type { Layer } from '../kernelfusion/method.ts';

export interface Pair {
  readonly input: Picture;
  readonly truth: Layer;
  readonly kernel: Kernel;
  readonly scale: Scale;
  readonly origin: Origin;
}

/** Where a pair comes from, as far as its meta.json says. */
export interface Origin {
  /** Whose photograph it is, for people (`source`). */
  readonly photograph?: string;
  readonly licence?: string;
  /** What the true kernel is called (`kernel`). */
  readonly kernelName?: string;
  /** Standard deviation of the noise in the input, white being 1 (`noise`). */
  readonly noise?: number;
}

/** Throws `INPUT_UNREADABLE`, `BAD_KERNEL`, `BAD_OPTION` (the scale), and what `readPicture` throws. */
export async function readPair(folder: string): Promise<Pair> {
  const file = (name: string) => path.join(folder, name);
  const missing = (name: string) => (cause: unknown) => {
    throw new KernelFusionError('INPUT_UNREADABLE', `The pair's ${name} cannot be read.`, { cause });
  };
  const meta = await readFile(file('meta.json'), 'utf8').then(JSON.parse).catch(missing('meta.json'));
  const { scale } = parseOptions({ scale: meta?.scale });
  const kernel = readNpy(await readFile(file('kernel.npy')).catch(missing('kernel.npy')), scale);
  const input = await readPicture(file('lr.png'));
  const { layer: truth } = await readPicture(file('hr.png'));
  return { input, truth, kernel, scale, origin: originIn(meta) };
}

function originIn(meta: Record<string, unknown>): Origin {
  const { source, licence, kernel, noise } = meta;
  return {
    ...(typeof source === 'string' && { photograph: source }),
    ...(typeof licence === 'string' && { licence }),
    ...(typeof kernel === 'string' && { kernelName: kernel }),
    ...(typeof noise === 'number' && { noise }),
  };
}

/** What every result is compared with. */
export function bicubicOf({ input: { layer }, scale }: Pair): Layer {
  const { colour, alpha } = layer;
  return { colour: enlargeBicubic(colour, scale), alpha: alpha && enlargeBicubic(alpha, scale) };
}
