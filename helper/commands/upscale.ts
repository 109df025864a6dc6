/**
 * `kernelfusion upscale`: one picture file in; the enlarged picture, its kernel and a report out.
 *
 * Everything that can be refused is refused before the work starts; files appear whole, at the end.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Scale } from '../../shared/kernel.ts';
import type { Origin, Sense, Source } from '../../shared/kernel-formats/format.ts';
import { exportKernel } from '../../shared/kernel-formats/index.ts';
import { pngFormat } from '../../shared/kernel-formats/png.ts';
import { parseOptions, type UpscaleOptions } from '../../shared/options.ts';
import type { WriteFile } from '../atomic-file.ts';
import { type Picture, type ReadLimits, readBytes, readPicture } from '../image/read.ts';
import { checkOutput, type OutputPlan, writePicture } from '../image/write.ts';
import { type Job, runJob } from '../job.ts';
import { peakMemory } from '../peak-memory.ts';
import { spokenTime } from '../progress.ts';
import type { Display } from '../progress-display.ts';
import { kernelPng } from '../report/kernel-png.ts';
import { renderReport } from '../report/report.ts';
import type { CommandResult } from './command-result.ts';
import { formatAskedBy, readKernelFile } from './kernel-file.ts';
import { type Outputs, planOutputs, writerFor } from './outputs.ts';

export interface UpscaleRequest {
  readonly input: string;
  readonly output?: string;
  /** Raw, as typed: `parseOptions` checks it. */
  readonly options: Readonly<Record<string, unknown>>;
  /** A file with the known kernel, and the sense of its values where neither the file nor its format tells. */
  readonly kernel?: string;
  readonly kernelSense?: Sense;
  readonly kernelOut?: readonly string[];
  readonly report?: string;
  readonly threads?: number;
  readonly device?: string;
  /** Bytes. */
  readonly maxMemory?: number;
  readonly maxPixels?: number;
  readonly force: boolean;
}

/** The largest scale's number of result pixels for a pixel: lifts the limit on the result along with that on the input. */
const MAX_GROWTH = 16;

function limitsOf(maxPixels: number | undefined, scale: Scale): ReadLimits {
  return maxPixels === undefined ? { scale } : { scale, maxPixels, maxOutputPixels: maxPixels * MAX_GROWTH };
}

/** Does it all. `display` shows the progress. */
export async function upscale(request: UpscaleRequest, signal: AbortSignal, display: Display): Promise<CommandResult> {
  const options = parseOptions(request.options);
  const { scale } = options;
  if (request.kernel !== undefined && options.kernelSide !== null) {
    throw new KernelFusionError('BAD_OPTION', 'A given kernel has its own side: leave out --kernel-side or --kernel.');
  }
  const { kernelSense: sense } = request;
  const known =
    request.kernel === undefined ? null : await readKernelFile(request.kernel, { scale, ...(sense && { sense }) });
  const outputs = await planOutputs({ ...request, scale }, request.force);
  const input = await readInput(request.input, limitsOf(request.maxPixels, scale), signal);
  const { picture } = input;
  const plan = await checkOutput(outputs.picture, picture, scale);

  signal.addEventListener('abort', display.stop, { once: true });
  const job = await runJob(picture.layer, options, {
    ...(known && { kernel: known.kernel }),
    ...(request.threads !== undefined && { threads: request.threads }),
    ...(request.device !== undefined && { device: request.device }),
    ...(request.maxMemory !== undefined && { maxMemory: request.maxMemory }),
    signal,
    onProgress: display.show,
    onNote: display.note,
  }).finally(display.stop);

  const notes = await writeOutputs(outputs, input, options, job, known?.origin ?? {}, writerFor(request.force), signal);
  const data = describe(outputs, plan, picture, options, job, [...(known?.notes ?? []), ...notes]);
  return { data, text: inWords(data), exitCode: 0 };
}

interface Input {
  /** Name of the file, without its folder. */
  readonly name: string;
  readonly picture: Picture;
  /** Which picture it was. */
  readonly source: Source;
}

/** All there is to know of the input: its file is not looked at again, for it may be another one when the job ends. */
async function readInput(file: string, limits: ReadLimits, signal: AbortSignal): Promise<Input> {
  const bytes = await readBytes(file);
  const picture = await readPicture(bytes, limits, signal);
  const { width, height } = picture.layer.colour;
  const source = { sha256: createHash('sha256').update(bytes).digest('hex'), width, height };
  return { name: path.basename(file), picture, source };
}

/** `knownOrigin`: what the file of a given kernel says of it. Returns what there is to say about the kernel's files. */
async function writeOutputs(
  outputs: Outputs,
  { name, picture, source }: Input,
  options: UpscaleOptions,
  job: Job,
  knownOrigin: Origin,
  write: WriteFile,
  signal: AbortSignal,
): Promise<string[]> {
  const { layer, kernel, kernelSource, confidence } = job.result;
  await writePicture(outputs.picture, layer, picture, signal, write);
  const here: Origin = { source, options: { ...options }, ...(confidence !== null && { confidence }) };
  // A kernel that was given, or the plain one, was not found in this picture.
  const origin = { estimated: here, given: knownOrigin, bicubic: {} }[kernelSource];
  const notes: string[] = [];
  for (const file of outputs.kernels) {
    const format = formatAskedBy(file);
    const exported = exportKernel(kernel, format, origin);
    const isPicture = format === pngFormat; // To look at; `kernel convert` writes one to be read by programs.
    await write(file, isPicture ? await kernelPng(kernel) : exported.bytes, signal);
    if (!isPicture) notes.push(...exported.notes);
  }
  if (outputs.report !== null) {
    const html = await renderReport({ name, picture, options, ...job });
    await write(outputs.report, html, signal);
  }
  return notes;
}

/**
 * The result for scripts. The kernel's `confidence` is 0 to 1 (null: not known), `lrConsistency` in dB, `noise` in 8-bit levels,
 * `timings` in seconds, `peakMemory` (of the whole process) in MB.
 */
function describe(
  outputs: Outputs,
  plan: OutputPlan,
  picture: Picture,
  options: UpscaleOptions,
  job: Job,
  kernelNotes: readonly string[],
) {
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
    kernel: {
      source: result.kernelSource,
      confidence: result.confidence,
      side: result.kernel.size,
      scale: result.kernel.scale,
    },
    notes: [...picture.notes, ...plan.notes, ...result.notes, ...kernelNotes],
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
  const { confidence } = kernel;
  const sure = confidence === null ? '' : `, confidence ${Math.round(100 * confidence)} %`;
  const lines = [
    `${input.width} x ${input.height} enlarged to ${output.width} x ${output.height} in ${spokenTime(timings.total)}.`,
    `Kernel: ${SOURCES[kernel.source]}, ${kernel.side} x ${kernel.side}${sure}. ` +
      `Blurred and reduced again, the result matches the input to ${lrConsistency.toFixed(1)} dB.`,
    ...notes.map((note) => `Note: ${note}`),
    ...[files.picture, ...files.kernels, ...(files.report === null ? [] : [files.report])].map(
      (file) => `Wrote ${file}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
