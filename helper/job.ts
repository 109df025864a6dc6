/**
 * One upscaling from layer to result: makes the executor, runs the preset's method, keeps the time, and frees the executor
 * whatever happens.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { throwIfCancelled } from '../shared/errors.ts';
import type { Kernel } from '../shared/kernel.ts';
import type { Preset, UpscaleOptions } from '../shared/options.ts';
import type { Checkpoint } from './kernelfusion/checkpoint.ts';
import type { Layer, Method, MethodResult, Progress } from './kernelfusion/method.ts';
import { fast } from './kernelfusion/methods/fast.ts';
import { paper, paperSmall } from './kernelfusion/methods/paper.ts';
import { createMeter, type Reading, type Timings } from './progress.ts';
import type { Executor } from './tensor/executor.ts';
import { createOnnxExecutor } from './tensor/executors/onnx/executor.ts';
import { readVersions, type Versions } from './versions.ts';

export const METHODS: Readonly<Record<Preset, Method>> = { fast, paper, 'paper-small': paperSmall };

export interface JobContext {
  /** The kernel, where it is known. */
  readonly kernel?: Kernel;
  /** Threads to compute on; by default as many as the executor finds useful. */
  readonly threads?: number;
  readonly onProgress?: (progress: Progress, reading: Reading) => void;
  /** In place of the preset's: for benchmarks of its parts. */
  readonly method?: Method;
  /** See `MethodContext`. */
  readonly checkpoint?: Checkpoint;
  readonly onCheckpoint?: (checkpoint: Checkpoint) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface Job {
  readonly result: MethodResult;
  readonly timings: Timings;
  readonly versions: Versions;
  /** Name of the executor it ran on, and its threads: both decide the last bits of the result. */
  readonly executor: string;
  readonly threads: number;
}

/** Milliseconds a closing executor is waited for: a result is not kept back by a thread that ends slowly. */
const CLOSE_LIMIT = 1500;

/** Runs a job; throws what the method throws, `ENGINE_UNAVAILABLE` where nothing can compute, and `CANCELLED`. */
export async function runJob(layer: Layer, options: UpscaleOptions, context: JobContext = {}): Promise<Job> {
  const { kernel, threads, method = METHODS[options.preset], onProgress, checkpoint, onCheckpoint, signal } = context;
  throwIfCancelled(signal);
  const meter = createMeter();
  const executor = await createOnnxExecutor({ ...(threads !== undefined && { threads }) });
  try {
    const result = await method(layer, options, {
      executor,
      ...(kernel && { kernel }),
      ...(checkpoint && { checkpoint }),
      ...(onCheckpoint && { onCheckpoint }),
      ...(signal && { signal }),
      onProgress: (progress) => {
        const reading = meter.record(progress);
        onProgress?.(progress, reading);
      },
    });
    return {
      result,
      timings: meter.timings(),
      versions: readVersions(),
      executor: executor.name,
      threads: executor.threads,
    };
  } finally {
    await closeSoon(executor);
  }
}

async function closeSoon(executor: Executor): Promise<void> {
  const limit = new AbortController();
  const closed = executor.close().finally(() => limit.abort());
  await Promise.race([closed, wait(CLOSE_LIMIT, undefined, { signal: limit.signal }).catch(() => closed)]);
}
