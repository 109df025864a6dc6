/**
 * `kernelfusion bench`: from what was typed to a benchmark. Lines appear as they are known, for all take long.
 */
import { availableParallelism } from 'node:os';
import { KernelFusionError } from '../../shared/errors.ts';
import { runJob } from '../job.ts';
import { PAPER_PLANS, type PaperPlan } from '../kernelfusion/methods/paper.ts';
import { benchAblation } from './bench-ablation.ts';
import { benchEngine } from './bench-engine.ts';
import { benchGrowth } from './bench-growth.ts';
import { benchQuality } from './bench-quality.ts';
import { benchServer } from './bench-server.ts';
import type { CommandResult } from './command-result.ts';
import { upscaleApart } from './upscale-apart.ts';

const print = (line: string) => process.stdout.write(`${line}\n`);

export interface BenchQualityArguments {
  readonly pairs: string;
  readonly out: string;
  readonly only?: readonly string[];
  readonly preset: string;
  readonly seed: number;
  readonly knownKernel?: boolean;
  readonly threads?: number;
}

export async function runBenchQuality(
  { pairs, out, knownKernel = false, ...rest }: BenchQualityArguments,
  signal: AbortSignal,
): Promise<CommandResult> {
  const request = { ...rest, pairsDir: pairs, outDir: out, knownKernel, upscale: runJob, signal, print };
  const { csv, markdown, exitCode, ...data } = await benchQuality(request);
  return { data, text: `Wrote ${csv}\nWrote ${markdown}\n`, exitCode };
}

export interface BenchAblationArguments {
  readonly pairs: string;
  readonly out: string;
  readonly only?: readonly string[];
  readonly preset: 'paper' | 'paper-small';
  readonly seed: number;
  readonly threads?: number;
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
  const { training, diffusion } = PAPER_PLANS[preset]!;
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

export interface BenchGrowthArguments {
  readonly picture: string;
  readonly sizes: readonly number[];
  readonly scale: number;
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
