/**
 * `kernelfusion upscale`: one picture file in; the enlarged picture, its kernel and a report out.
 *
 * Everything that can be refused is refused before the work starts; files appear whole, at the end.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Kernel, Scale } from '../../shared/kernel.ts';
import { readNpy, writeNpy } from '../../shared/kernel-formats/npy.ts';
import { parseOptions, type UpscaleOptions } from '../../shared/options.ts';
import { writeAtomic } from '../atomic-file.ts';
import { type Picture, type ReadLimits, readPicture } from '../image/read.ts';
import { checkOutput, type OutputPlan, writePicture } from '../image/write.ts';
import { type Job, runJob } from '../job.ts';
import { peakMemory } from '../peak-memory.ts';
import { spokenTime } from '../progress.ts';
import type { Display } from '../progress-display.ts';
import { kernelPng } from '../report/kernel-png.ts';
import { renderReport } from '../report/report.ts';
import type { CommandResult } from './command-result.ts';
import { type Outputs, planOutputs } from './outputs.ts';

export interface UpscaleRequest {
  readonly input: string;
  readonly output?: string;
  /** Raw, as typed: `parseOptions` checks it. */
  readonly options: Readonly<Record<string, unknown>>;
  /** A `.npy` file with the known kernel. */
  readonly kernel?: string;
  readonly kernelOut?: readonly string[];
  readonly report?: string;
  readonly threads?: number;
  readonly maxPixels?: number;
  readonly force: boolean;
}

/** The largest scale's number of result pixels for a pixel: lifts the limit on the result along with that on the input. */
const MAX_GROWTH = 16;

function limitsOf(maxPixels: number | undefined, scale: Scale): ReadLimits {
  return maxPixels === undefined ? { scale } : { scale, maxPixels, maxOutputPixels: maxPixels * MAX_GROWTH };
}

/** Reads a known kernel. Throws `INPUT_NOT_FOUND`, `INPUT_UNREADABLE`, `BAD_KERNEL`. */
async function readKernel(file: string, scale: Scale): Promise<Kernel> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw new KernelFusionError('INPUT_NOT_FOUND', 'There is no such kernel file.', { cause: error });
    }
    throw new KernelFusionError('INPUT_UNREADABLE', 'The kernel file could not be read.', { cause: error });
  });
  return readNpy(bytes, scale);
}

/** Does it all. `display` shows the progress. */
export async function upscale(request: UpscaleRequest, signal: AbortSignal, display: Display): Promise<CommandResult> {
  const options = parseOptions(request.options);
  const { scale } = options;
  if (request.kernel !== undefined && options.kernelSide !== null) {
    throw new KernelFusionError('BAD_OPTION', 'A given kernel has its own side: leave out --kernel-side or --kernel.');
  }
  const kernel = request.kernel === undefined ? undefined : await readKernel(request.kernel, scale);
  const outputs = await planOutputs({ ...request, scale }, request.force);
  const picture = await readPicture(request.input, limitsOf(request.maxPixels, scale), signal);
  const plan = await checkOutput(outputs.picture, picture, scale);

  signal.addEventListener('abort', display.stop, { once: true });
  const job = await runJob(picture.layer, options, {
    ...(kernel && { kernel }),
    ...(request.threads !== undefined && { threads: request.threads }),
    signal,
    onProgress: display.show,
  }).finally(display.stop);

  await writeOutputs(outputs, request.input, picture, options, job, signal);
  const data = describe(outputs, plan, picture, options, job);
  return { data, text: inWords(data), exitCode: 0 };
}

async function writeOutputs(
  outputs: Outputs,
  input: string,
  picture: Picture,
  options: UpscaleOptions,
  job: Job,
  signal: AbortSignal,
): Promise<void> {
  const { layer, kernel } = job.result;
  await writePicture(outputs.picture, layer, picture, signal);
  for (const file of outputs.kernels) {
    const isPicture = path.extname(file).toLowerCase() === '.png';
    await writeAtomic(file, isPicture ? await kernelPng(kernel) : writeNpy(kernel), signal);
  }
  if (outputs.report !== null) {
    const html = await renderReport({ name: path.basename(input), picture, options, ...job });
    await writeAtomic(outputs.report, html, signal);
  }
}

/**
 * The result for scripts. `lrConsistency` is in dB (null: exact), `noise` in 8-bit levels, `timings` in seconds, `peakMemory`
 * (of the whole process) in MB.
 */
function describe(outputs: Outputs, plan: OutputPlan, picture: Picture, options: UpscaleOptions, job: Job) {
  const { result, timings, versions, executor, threads } = job;
  const size = ({ width, height, channels }: Picture['layer']['colour'], alpha: boolean, bits: number) => ({
    width,
    height,
    channels: channels + (alpha ? 1 : 0),
    bits,
  });
  return {
    files: outputs,
    input: size(picture.layer.colour, picture.layer.alpha !== null, picture.bits),
    output: size(result.layer.colour, result.layer.alpha !== null, plan.bits),
    kernel: { source: result.kernelSource, side: result.kernel.size, scale: result.kernel.scale },
    notes: [...picture.notes, ...plan.notes, ...result.notes],
    noise: result.noise,
    lrConsistency: result.lrConsistency,
    seed: options.seed,
    options,
    versions,
    executor,
    threads,
    timings,
    peakMemory: Math.round(peakMemory() / 1e6),
  };
}

const SOURCES = {
  estimated: 'estimated from the picture',
  given: 'the one given',
  bicubic: 'plain bicubic',
} as const;

function inWords({ files, input, output, kernel, notes, lrConsistency, timings }: ReturnType<typeof describe>): string {
  const lines = [
    `${input.width} x ${input.height} enlarged to ${output.width} x ${output.height} in ${spokenTime(timings.total)}.`,
    `Kernel: ${SOURCES[kernel.source]}, ${kernel.side} x ${kernel.side}. ` +
      `Blurred and reduced again, the result matches the input to ${lrConsistency.toFixed(1)} dB.`,
    ...notes.map((note) => `Note: ${note}`),
    ...[files.picture, ...files.kernels, ...(files.report === null ? [] : [files.report])].map(
      (file) => `Wrote ${file}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
