/**
 * One `upscale` as a process of its own, by the command line that is running now: its peak memory is its own, and nothing of
 * an earlier run is warm.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import type { Timings } from '../progress.ts';

/** What is told of one run. */
export interface Measurement {
  /** Seconds. */
  readonly timings: Timings;
  /** MB of the whole process. */
  readonly peakMemory: number;
  readonly threads: number;
}

/** Progress and result of a long run stay far below. */
const MAX_OUTPUT = 2 ** 26;

const run = promisify(execFile);

/**
 * Runs the command line with these arguments (`--json` among them) and returns the object it prints. Throws what the run
 * failed with, `ENGINE_FAILED` where it said nothing, `CANCELLED`.
 */
export async function runApart(args: readonly string[], signal?: AbortSignal, cli = process.argv[1]) {
  const { stdout } = await run(process.execPath, [cli, ...args], {
    maxBuffer: MAX_OUTPUT,
    ...(signal && { signal }),
  }).catch((cause) => {
    throwIfCancelled(signal);
    throw failureOf(cause);
  });
  return JSON.parse(stdout);
}

/** Enlarges a file into another. Throws as `runApart` does. */
export async function upscaleApart(
  input: string,
  output: string,
  { scale, preset }: Pick<UpscaleOptions, 'scale' | 'preset'>,
  signal?: AbortSignal,
  cli?: string,
): Promise<Measurement> {
  const files = [input, '--output', output, '--force'];
  const args = ['upscale', ...files, '--scale', String(scale), '--preset', preset, '--json'];
  const { timings, peakMemory, threads } = await runApart(args, signal, cli);
  return { timings, peakMemory, threads };
}

/** The failure that the run told in JSON, or that it ended without a word (killed for memory, say). */
function failureOf(cause: { stdout?: string; code?: unknown; signal?: unknown }): KernelFusionError {
  try {
    const { code, message } = JSON.parse(cause.stdout ?? '').error;
    return new KernelFusionError(code, message, { cause });
  } catch {
    const end = cause.signal ?? cause.code;
    return new KernelFusionError('ENGINE_FAILED', `The upscaling ended without a result (${end}).`, { cause });
  }
}
