/**
 * `kernelfusion bench`: from what was typed to a benchmark. Lines appear as they are known, for all take long.
 */
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import { parseOptions } from '../../shared/options.ts';
import { writeAtomic } from '../atomic-file.ts';
import { deviceNamed, PROCESSOR } from '../devices/catalogue.ts';
import { openDevice, survey, surveyFile } from '../devices/survey.ts';
import { readPicture } from '../image/read.ts';
import { runJob } from '../job.ts';
import { PAPER_PLANS, type PaperPlan } from '../kernelfusion/methods/paper.ts';
import { benchAblation } from './bench-ablation.ts';
import { benchDevices } from './bench-devices.ts';
import { benchEngine } from './bench-engine.ts';
import { benchGrowth } from './bench-growth.ts';
import { benchPage } from './bench-page.ts';
import { benchQuality } from './bench-quality.ts';
import { benchServer } from './bench-server.ts';
import { benchSpeed, speedTable } from './bench-speed.ts';
import type { CommandResult } from './command-result.ts';
import { runApart, upscaleApart } from './upscale-apart.ts';

const print = (line: string) => process.stdout.write(`${line}\n`);

export interface BenchQualityArguments {
  readonly pairs: string;
  readonly out: string;
  readonly only?: readonly string[];
  readonly preset: string;
  readonly seed: number;
  readonly knownKernel?: boolean;
  readonly threads?: number;
  readonly device?: string;
}

export async function runBenchQuality(
  { pairs, out, knownKernel = false, ...rest }: BenchQualityArguments,
  signal: AbortSignal,
): Promise<CommandResult> {
  const request = { ...rest, pairsDir: pairs, outDir: out, knownKernel, upscale: runJob, signal, print };
  const { csv, markdown, exitCode, ...data } = await benchQuality(request);
  return { data, text: `Wrote ${csv}\nWrote ${markdown}\n`, exitCode };
}

export interface BenchPageArguments {
  readonly pairs: string;
  readonly run: string;
  /** A folder `page` within that of the run where it is left out. */
  readonly write?: string;
}

export async function runBenchPage(
  { pairs, run, write = path.join(run, 'page') }: BenchPageArguments,
  signal: AbortSignal,
): Promise<CommandResult> {
  const data = await benchPage({ pairsDir: pairs, runDir: run, outDir: write, signal, print });
  const { markdown, pictures, bytes } = data;
  const text = `Wrote ${markdown} and its pictures (${pictures.length}), ${(bytes / 1e6).toFixed(2)} MB together\n`;
  return { data, text, exitCode: 0 };
}

export interface BenchAblationArguments {
  readonly pairs: string;
  readonly out: string;
  readonly only?: readonly string[];
  readonly preset: 'paper' | 'paper-small';
  readonly seed: number;
  readonly threads?: number;
  readonly device?: string;
  readonly width?: number;
  readonly diffusionSteps?: number;
  readonly iterations?: readonly number[];
  readonly channels?: readonly number[];
}

export async function runBenchAblation(
  { pairs, out, preset, width, diffusionSteps, iterations, channels, ...rest }: BenchAblationArguments,
  signal: AbortSignal,
): Promise<CommandResult> {
  if (iterations && iterations.length !== 2) {
    throw new KernelFusionError(
      'BAD_OPTION',
      'iterations must be two numbers: of the first diffusion step, of each later one.',
    );
  }
  const { training, diffusion } = PAPER_PLANS[preset];
  const plan: PaperPlan = {
    training: { ...training, ...(width && { width }) },
    diffusion: {
      ...diffusion,
      ...(diffusionSteps && { steps: diffusionSteps }),
      ...(iterations && { firstIterations: iterations[0], iterations: iterations[1] }),
      ...(channels && { widths: channels }),
    },
  };
  const request = { ...rest, preset, plan, pairsDir: pairs, outDir: out, run: runJob, signal, print };
  const { csv, markdown, exitCode, rows } = await benchAblation(request);
  return { data: { rows }, text: `Wrote ${csv}\nWrote ${markdown}\n`, exitCode };
}

export async function runBenchEngine({ threads }: { threads?: number }, signal: AbortSignal): Promise<CommandResult> {
  const data = await benchEngine({ threads: threads ?? availableParallelism(), signal, print });
  return { data, text: '', exitCode: 0 };
}

export interface BenchSpeedArguments {
  readonly picture: string;
  readonly scale: number;
  readonly preset: string;
  readonly out: string;
  readonly device?: string;
  readonly threads?: number;
}

export async function runBenchSpeed(
  { picture, scale, preset, out, device, threads }: BenchSpeedArguments,
  signal: AbortSignal,
): Promise<CommandResult> {
  const options = parseOptions({ scale, preset });
  const { layer } = await readPicture(picture, { scale: options.scale }, signal);
  const open = () => openDevice(device === undefined ? PROCESSOR : deviceNamed(device), threads);
  const data = await benchSpeed({ layer, options, open, signal });
  const { width, height } = layer.colour;
  const heading = `${width} x ${height} at scale ${scale}, preset ${preset}, ${data.executor}, ${data.threads} threads.`;
  const markdown = path.join(out, 'speed.md');
  const text = speedTable(heading, data);
  await makeFolder(out);
  await writeAtomic(markdown, text);
  return { data: { ...data, markdown }, text: `${text}\nWrote ${markdown}\n`, exitCode: 0 };
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw new KernelFusionError('OUTPUT_UNWRITABLE', 'The output folder could not be made.', { cause });
  });
}

export async function runBenchDevices(
  { out, ...rest }: BenchGrowthArguments,
  signal: AbortSignal,
): Promise<CommandResult> {
  const found = await survey({ file: surveyFile(), anew: true, signal });
  const measure = (device: string, input: string, output: string) =>
    runApart(
      ['upscale', input, '--output', output, '--scale', `${rest.scale}`, '--device', device, '--force', '--json'],
      signal,
    );
  const data = await benchDevices({ ...rest, survey: found, outDir: out, measure, signal, print });
  return { data, text: `Wrote ${data.markdown}\n`, exitCode: 0 };
}

export interface BenchGrowthArguments {
  readonly picture: string;
  readonly sizes: readonly number[];
  readonly scale: number;
  readonly preset: string;
  readonly out: string;
}

export async function runBenchGrowth(
  { out, ...rest }: BenchGrowthArguments,
  signal: AbortSignal,
): Promise<CommandResult> {
  const data = await benchGrowth({ ...rest, outDir: out, measure: upscaleApart, signal, print });
  return { data, text: `Wrote ${data.markdown}\nWrote ${data.svg}\n`, exitCode: 0 };
}

export interface BenchServerArguments {
  readonly side: number;
  readonly rounds: number;
  readonly cancelSide: number;
  readonly out: string;
}

export async function runBenchServer(
  { out, ...rest }: BenchServerArguments,
  signal: AbortSignal,
): Promise<CommandResult> {
  const data = await benchServer({ ...rest, outDir: out, signal, print });
  return { data, text: `Wrote ${data.markdown}\n`, exitCode: 0 };
}
