/**
 * One upscaling from layer to result: makes the executor, runs the preset's method, keeps the time, and frees the executor
 * whatever happens. Where a device fails, the next one goes on from the last finished phase, and the result says so.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type ErrorCode, KernelFusionError, throwIfCancelled } from '../shared/errors.ts';
import type { Kernel } from '../shared/kernel.ts';
import type { Preset, UpscaleOptions } from '../shared/options.ts';
import { type Device, deviceNamed, PROCESSOR } from './devices/catalogue.ts';
import { openDevice, survey, surveyFile } from './devices/survey.ts';
import { freeMemory } from './free-memory.ts';
import type { Checkpoint } from './kernelfusion/checkpoint.ts';
import { type JobSize, type MemoryPlan, planWithin } from './kernelfusion/memory.ts';
import type { Layer, Method, MethodResult, Progress } from './kernelfusion/method.ts';
import { CLOSED_FORM_PLANS, closedForm } from './kernelfusion/methods/closed-form.ts';
import {
  methodOf,
  type PaperPlan,
  paper,
  paperPlanOf,
  paperSmall,
  predictPaperBytes,
} from './kernelfusion/methods/paper.ts';
import { createMeter, type Meter, type Reading, type Timings } from './progress.ts';
import type { Executor } from './tensor/executor.ts';
import { openTasks, usefulThreads } from './threads/task-threads.ts';
import { readVersions, type Versions } from './versions.ts';

export const METHODS: Readonly<Record<Preset, Method>> = {
  fast: closedForm(CLOSED_FORM_PLANS.fast),
  balanced: closedForm(CLOSED_FORM_PLANS.balanced),
  best: closedForm(CLOSED_FORM_PLANS.best),
  paper,
  'paper-small': paperSmall,
};

export interface JobContext {
  /** The kernel, where it is known. */
  readonly kernel?: Kernel;
  /** Threads to compute on; by default as many as the executor finds useful. */
  readonly threads?: number;
  /** Name of the device; by default the fastest that can be used. */
  readonly device?: string;
  /** Bytes of memory it may use; by default what is free. */
  readonly maxMemory?: number;
  readonly onProgress?: (progress: Progress, reading: Reading) => void;
  /** Hears a sentence when the job goes on in another way than it began; it is also among the result's notes. */
  readonly onNote?: (sentence: string) => void;
  /** Runs the paper's method by this plan in place of the preset's: for benchmarks of its parts. */
  readonly plan?: PaperPlan;
  /** See `MethodContext`. */
  readonly checkpoint?: Checkpoint;
  readonly onCheckpoint?: (checkpoint: Checkpoint) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface Job {
  readonly result: MethodResult;
  readonly timings: Timings;
  readonly versions: Versions;
  /** Name of the executor it ended on, and its threads (0 where it computes elsewhere): both decide the last bits of the result. */
  readonly executor: string;
  readonly threads: number;
}

/** Milliseconds a closing executor is waited for: a result is not kept back by a thread that ends slowly. */
const CLOSE_LIMIT = 1500;

/** What opens devices, the first choice first: `devicesFor`, except in tests. */
export type Openers = readonly { readonly name: string; open(threads?: number): Promise<Executor> }[];

const openerOf = (device: Device) => ({
  name: device.name,
  open: (threads?: number) => openDevice(device, threads),
});

/** The device asked for, or all that can be used, and what takes over. Throws `BAD_OPTION`, `CANCELLED`. */
async function devicesFor(name: string | undefined, signal: AbortSignal | undefined): Promise<Openers> {
  if (name !== undefined) return [...new Set([deviceNamed(name), PROCESSOR])].map(openerOf);
  const { order } = await survey({ file: surveyFile(), ...(signal && { signal }) });
  return order.map((chosen) => openerOf(deviceNamed(chosen)));
}

/** What is the device's fault, or may be: another one may do better. */
const FAULTS: readonly ErrorCode[] = ['ENGINE_FAILED', 'ENGINE_UNAVAILABLE', 'OUT_OF_MEMORY', 'NOT_ENOUGH_MEMORY'];

/**
 * Runs a job; throws what the method throws, `ENGINE_UNAVAILABLE` where nothing can compute or the device asked for does not
 * open, `NOT_ENOUGH_MEMORY` where the prediction says so, `BAD_OPTION` where there is no such device, and `CANCELLED`.
 */
export async function runJob(
  layer: Layer,
  options: UpscaleOptions,
  context: JobContext = {},
  devices?: Openers,
): Promise<Job> {
  const { signal, device, threads, onNote } = context;
  const left = [...(devices ?? (await devicesFor(device, signal)))];
  const notes: string[] = [];
  let reached = context.checkpoint;
  const onCheckpoint = async (checkpoint: Checkpoint) => {
    reached = checkpoint;
    await context.onCheckpoint?.(checkpoint);
  };
  const meter = createMeter();
  for (;;) {
    throwIfCancelled(signal);
    const { name, open } = left.shift()!;
    try {
      const size = sizeOf(layer, options, context.plan);
      const memory = planWithin(context.maxMemory ?? freeMemory(), size, usefulThreads(threads), name);
      const executor = await open(threads);
      const from = { ...context, onCheckpoint, ...(reached && { checkpoint: reached }) };
      const result = await runOn(executor, layer, options, from, memory, meter);
      return {
        result: { ...result, notes: [...notes, ...result.notes] },
        timings: meter.timings(),
        versions: readVersions(),
        executor: executor.name,
        threads: executor.threads,
      };
    } catch (error) {
      throwIfCancelled(signal);
      const isFault = error instanceof KernelFusionError && FAULTS.includes(error.code);
      const wasAskedFor = device !== undefined && isFault && error.code === 'ENGINE_UNAVAILABLE';
      if (!isFault || wasAskedFor || left.length === 0) throw error;
      notes.push(`The device ${name} failed (${error.code}), so ${left[0].name} went on from the last finished phase.`);
      onNote?.(notes.at(-1)!);
    }
  }
}

function sizeOf({ colour, alpha }: Layer, options: UpscaleOptions, plan = paperPlanOf(options.preset)): JobSize {
  const { width, height, channels } = colour;
  const size = { width, height, channels, hasAlpha: alpha !== null, scale: options.scale };
  return plan ? { ...size, paper: predictPaperBytes(size, options, plan).memory } : size;
}

async function runOn(
  executor: Executor,
  layer: Layer,
  options: UpscaleOptions,
  { kernel, plan, onProgress, checkpoint, onCheckpoint, signal }: JobContext,
  { tileSide, threads }: MemoryPlan,
  meter: Meter,
): Promise<MethodResult> {
  const tasks = openTasks(threads);
  try {
    const method = plan ? methodOf(plan) : METHODS[options.preset];
    return await method(layer, options, {
      executor,
      tasks,
      tileSide,
      ...(kernel && { kernel }),
      ...(checkpoint && { checkpoint }),
      ...(onCheckpoint && { onCheckpoint }),
      ...(signal && { signal }),
      onProgress: (progress) => {
        const reading = meter.record(progress);
        onProgress?.(progress, reading);
      },
    });
  } finally {
    await tasks.close();
    await closeSoon(executor);
  }
}

async function closeSoon(executor: Executor): Promise<void> {
  const limit = new AbortController();
  const closed = executor.close().finally(() => limit.abort());
  await Promise.race([closed, wait(CLOSE_LIMIT, undefined, { signal: limit.signal }).catch(() => closed)]);
}
