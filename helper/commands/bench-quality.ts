/**
 * `kernelfusion bench quality`: every pair of a folder enlarged and scored, beside plain bicubic enlargement.
 *
 * The tables are written anew after every pair, so an interrupted run keeps what it has; a pair that fails is told as failed
 * and the others go on.
 */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import type { Kernel } from '../../shared/kernel.ts';
import { writeNpy } from '../../shared/kernel-formats/npy.ts';
import { parseOptions, type UpscaleOptions } from '../../shared/options.ts';
import { writeAtomic } from '../atomic-file.ts';
import { failureText, toCoded } from '../failure.ts';
import { writePicture } from '../image/write.ts';
import type { Layer, MethodResult } from '../kernelfusion/method.ts';
import { scoreKernel, scorePicture } from '../kernelfusion/metrics.ts';
import type { Timings } from '../progress.ts';
import { bicubicOf, readPair } from './bench-pair.ts';
import { type Failure, type Row, rowInWords, type Score, summaryInWords, toCsv, toMarkdown } from './quality-table.ts';

/** What enlarges a layer: `runJob`, or a stand-in in tests. */
export type Upscale = (
  layer: Layer,
  options: UpscaleOptions,
  context: {
    readonly kernel?: Kernel;
    readonly threads?: number;
    readonly device?: string;
    readonly signal?: AbortSignal;
  },
) => Promise<{ readonly result: MethodResult; readonly timings: Timings }>;

export interface BenchQualityRequest {
  readonly pairsDir: string;
  /** Gets quality.csv and quality.md, and each pair's result as NAME.png and NAME.npy. Made if missing. */
  readonly outDir: string;
  /** Pairs to run, each by its name or the beginning of it; all where it is left out. */
  readonly only?: readonly string[];
  readonly preset: string;
  readonly seed: number;
  /** Hands the true kernel to the method: what is measured then is the restoration alone. */
  readonly knownKernel: boolean;
  readonly threads?: number;
  readonly device?: string;
  readonly upscale: Upscale;
  readonly signal?: AbortSignal;
  /** Takes one line (without its end) a pair as it finishes, and the summary at last. */
  readonly print: (line: string) => void;
}

export interface BenchQualityResult {
  readonly scores: readonly Score[];
  readonly failures: readonly Failure[];
  readonly csv: string;
  readonly markdown: string;
  /** 0, or 1 where a pair failed. */
  readonly exitCode: 0 | 1;
}

/**
 * Runs the benchmark. Throws `INPUT_NOT_FOUND` where there are no pairs, `BAD_OPTION` where a name of `only` fits none,
 * `OUTPUT_UNWRITABLE` and `CANCELLED`.
 */
export async function benchQuality(request: BenchQualityRequest): Promise<BenchQualityResult> {
  const { outDir, signal, print } = request;
  const { preset, seed } = parseOptions({ preset: request.preset, seed: request.seed });
  const names = await choosePairs(request.pairsDir, request.only);
  await mkdir(outDir, { recursive: true }).catch((cause) => {
    throw new KernelFusionError('OUTPUT_UNWRITABLE', 'The output folder could not be made.', { cause });
  });
  const kernel = request.knownKernel ? 'true kernel given' : 'kernel estimated';
  const heading = `Preset ${preset}, seed ${seed}, ${kernel}, ${request.threads ?? 'all'} threads.`;
  const csv = path.join(outDir, 'quality.csv');
  const markdown = path.join(outDir, 'quality.md');
  const rows: Row[] = [];
  for (const name of names) {
    throwIfCancelled(signal);
    const row = await scorePair(name, request).catch((error) => failureOf(name, error, print));
    rows.push(row);
    print(rowInWords(row));
    await writeAtomic(csv, toCsv(rows));
    await writeAtomic(markdown, toMarkdown(heading, rows));
  }
  const scores = rows.filter((row) => row.ok);
  const failures = rows.filter((row) => !row.ok);
  for (const line of summaryInWords(scores)) print(line);
  if (failures.length > 0) print(`Failed: ${failures.map(({ name }) => name).join(', ')}`);
  return { scores, failures, csv, markdown, exitCode: failures.length > 0 ? 1 : 0 };
}

async function choosePairs(folder: string, only: readonly string[] | undefined): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw new KernelFusionError('INPUT_NOT_FOUND', 'The folder of pairs cannot be read.', { cause });
  });
  const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  if (names.length === 0) throw new KernelFusionError('INPUT_NOT_FOUND', 'There are no pairs in that folder.');
  if (only === undefined) return names;
  const stray = only.find((wanted) => !names.some((name) => name.startsWith(wanted)));
  if (stray !== undefined) throw new KernelFusionError('BAD_OPTION', `There is no pair "${stray.slice(0, 40)}".`);
  return names.filter((name) => only.some((wanted) => name.startsWith(wanted)));
}

function failureOf(name: string, error: unknown, print: (line: string) => void): Failure {
  const { code, message } = toCoded(error);
  // Without an output folder or on request to stop, there is no going on.
  if (code === 'CANCELLED' || code === 'OUTPUT_UNWRITABLE') throw error;
  if (process.env.KERNELFUSION_DEBUG === '1') print(failureText(toCoded(error), true));
  return { ok: false, name, reason: `${code}: ${message}` };
}

async function scorePair(name: string, request: BenchQualityRequest): Promise<Score> {
  const pair = await readPair(path.join(request.pairsDir, name));
  const { input, truth, kernel, scale } = pair;
  const options = parseOptions({ preset: request.preset, seed: request.seed, scale });
  const { value, peakMemory } = await withPeakMemory(() =>
    request.upscale(input.layer, options, {
      ...(request.knownKernel && { kernel }),
      ...(request.threads !== undefined && { threads: request.threads }),
      ...(request.device !== undefined && { device: request.device }),
      ...(request.signal && { signal: request.signal }),
    }),
  );
  const { result, timings } = value;
  throwIfCancelled(request.signal);
  await writePicture(path.join(request.outDir, `${name}.png`), result.layer, input, request.signal);
  await writeAtomic(path.join(request.outDir, `${name}.npy`), writeNpy(result.kernel), request.signal);
  return {
    ok: true,
    name,
    scale,
    width: input.layer.colour.width,
    height: input.layer.colour.height,
    bicubic: scorePicture(bicubicOf(pair), truth, scale),
    ours: scorePicture(result.layer, truth, scale),
    kernel: scoreKernel(result.kernel, kernel),
    kernelSource: result.kernelSource,
    confidence: result.confidence,
    notes: result.notes,
    lrConsistency: result.lrConsistency,
    timings,
    peakMemory,
  };
}

const SAMPLING_MS = 50;

/** Runs the work and watches the resident size of the process, every 50 ms; the largest seen is told in bytes. */
async function withPeakMemory<T>(work: () => Promise<T>): Promise<{ value: T; peakMemory: number }> {
  let peakMemory = 0;
  const look = () => {
    peakMemory = Math.max(peakMemory, process.memoryUsage.rss());
  };
  const timer = setInterval(look, SAMPLING_MS);
  try {
    const value = await work();
    look();
    return { value, peakMemory };
  } finally {
    clearInterval(timer);
  }
}
