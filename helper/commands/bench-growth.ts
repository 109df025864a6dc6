/**
 * `kernelfusion bench growth`: how time and memory grow with the area of the layer.
 *
 * Layers of one photograph's content, each larger than the one before, are enlarged once each, in a process of its own. Table
 * and plot are written anew after every size, so an interrupted run keeps what it has.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import type { Scale } from '../../shared/kernel.ts';
import { parseOptions, type UpscaleOptions } from '../../shared/options.ts';
import { LEAST_SIDE, MOST_PIXELS, MOST_RESULT_PIXELS } from '../../shared/protocol/limits.ts';
import { writeAtomic } from '../atomic-file.ts';
import { mirrorTile } from '../image/mirror-tile.ts';
import { readPicture } from '../image/read.ts';
import { writePicture } from '../image/write.ts';
import { growthPlot } from './growth-plot.ts';
import { type GrowthRow, growthInWords, growthTable } from './growth-table.ts';
import type { Measurement } from './upscale-apart.ts';

/** What enlarges a file and tells time and memory: `upscaleApart`, or a stand-in in tests. */
export type Measure = (
  input: string,
  output: string,
  options: Pick<UpscaleOptions, 'scale' | 'preset'>,
  signal?: AbortSignal,
) => Promise<Measurement>;

export interface BenchGrowthRequest {
  /** A picture file with the content of the layers. */
  readonly picture: string;
  /** Sides of the square layers in pixels, in any order. */
  readonly sizes: readonly number[];
  /** Raw, as typed. */
  readonly scale: unknown;
  readonly preset: unknown;
  /** Gets growth.md and growth.svg, and each layer and its result as PNG. Made if missing. */
  readonly outDir: string;
  readonly measure: Measure;
  readonly signal?: AbortSignal;
  /** Takes one line (without its end) a size as it finishes. */
  readonly print: (line: string) => void;
}

export interface BenchGrowthResult {
  /** By rising side. */
  readonly rows: readonly GrowthRow[];
  readonly markdown: string;
  readonly svg: string;
}

/** The side from which growth is compared with linear growth: below it, what every run costs weighs too much. */
const REFERENCE_SIDE = 256;

/**
 * Runs the benchmark. Throws `BAD_OPTION` for a side, scale or preset that cannot be, what reading the picture throws,
 * `OUTPUT_UNWRITABLE`, what a run fails with, and `CANCELLED`.
 */
export async function benchGrowth(request: BenchGrowthRequest): Promise<BenchGrowthResult> {
  const { outDir, measure, signal, print } = request;
  const { scale, preset } = parseOptions({ scale: request.scale, preset: request.preset });
  const sides = checkSides(request.sizes, scale);
  const reference = sides.includes(REFERENCE_SIDE) ? REFERENCE_SIDE : sides[0];
  const picture = await readPicture(request.picture, {}, signal);
  await mkdir(outDir, { recursive: true }).catch((cause) => {
    throw new KernelFusionError('OUTPUT_UNWRITABLE', 'The output folder could not be made.', { cause });
  });
  const markdown = path.join(outDir, 'growth.md');
  const svg = path.join(outDir, 'growth.svg');
  const rows: GrowthRow[] = [];
  for (const side of sides) {
    throwIfCancelled(signal);
    const input = path.join(outDir, `growth-${side}.png`);
    await writePicture(input, mirrorTile(picture.layer, side), picture, signal);
    const { threads, ...measured } = await measure(
      input,
      path.join(outDir, `growth-${side}-x${scale}.png`),
      { scale, preset },
      signal,
    );
    const row = { side, ...measured };
    rows.push(row);
    print(growthInWords(row));
    await writeAtomic(markdown, growthTable(`Scale ${scale}, preset ${preset}, ${threads} threads.`, rows, reference));
    await writeAtomic(svg, growthPlot(rows, reference));
  }
  return { rows, markdown, svg };
}

/** Each side once, rising; refused now where the run would be, after hours, by its own limits. */
function checkSides(sizes: readonly number[], scale: Scale): number[] {
  const largest = Math.floor(Math.min(Math.sqrt(MOST_PIXELS), Math.sqrt(MOST_RESULT_PIXELS) / scale));
  const fits = (side: number) => Number.isInteger(side) && side >= LEAST_SIDE && side <= largest;
  if (sizes.length === 0 || !sizes.every(fits)) {
    throw new KernelFusionError('BAD_OPTION', `Sizes must be whole numbers from ${LEAST_SIDE} to ${largest}.`);
  }
  return [...new Set(sizes)].sort((a, b) => a - b);
}
