/**
 * The running job, in a process of its own: reads the layer from the job's folder, runs the method from its last checkpoint on,
 * and writes the result there.
 *
 * It has no way to be asked to stop: whoever wants it gone ends the process, in the middle of whatever it does. Every file it
 * writes appears whole or not at all, so there is nothing to be tidy about.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { LARGEST_PREVIEW } from '../../shared/protocol/limits.ts';
import { toCoded } from '../failure.ts';
import { createPreviewPainter } from '../image/preview.ts';
import { layerOfRgba, rgbaOf } from '../image/rgba.ts';
import type { Job, runJob } from '../job.ts';
import type { Checkpoint } from '../kernelfusion/checkpoint.ts';
import { type Layer, PHASES, type Progress } from '../kernelfusion/method.ts';
import type { Reading } from '../progress.ts';
import { readVersions } from '../versions.ts';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint-file.ts';
import { JobFolder, type JobRecord } from './job-folder.ts';
import type { Failure, JobProgress, ResultInfo } from './jobs.ts';
import type { Assignment, WorkerMessage } from './worker-messages.ts';

/** What does the upscaling: `runJob`, except in tests. */
export type Run = typeof runJob;

/** To a helper that is gone there is nothing to say; the message is lost, and `disconnect` follows. */
const tell = (message: WorkerMessage) =>
  new Promise<void>((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });

/** Waits for its job, does it, and ends the process. */
export function serveOneJob(run: Run): void {
  // Without a helper nobody wants the result now; the next one goes on from the checkpoint.
  process.once('disconnect', () => process.exit());
  // Ctrl+C goes to every process of a terminal; when this one ends, the helper says.
  process.on('SIGINT', () => {});
  offerToDieFirst();
  process.once('message', async ({ folder, device }: Assignment) => {
    await work(new JobFolder(folder), device, run).catch((error) =>
      tell({ kind: 'failed', failure: failureOf(error) }),
    );
    process.exit();
  });
}

function failureOf(error: unknown): Failure {
  const { code, message } = toCoded(error);
  return { code, sentence: message };
}

/** Where memory runs out Linux ends the process with the highest score: it should be this one, not the browser (proc(5)). */
function offerToDieFirst(): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // A sandbox may not allow it: then the largest process is chosen, which most likely is this one too.
  }
}

async function work(folder: JobFolder, device: string | undefined, run: Run): Promise<void> {
  const record = await folder.readRecord();
  const { layer: shape, options, kernel } = record;
  const layer = layerOfRgba(await folder.readInput(), shape.width, shape.height);
  // Not the device: a job that has lost its own goes on from what was finished on it.
  const stamp = JSON.stringify({ ...readVersions(), threads: availableParallelism() });
  const kept = await folder.readCheckpoint();
  const checkpoint = kept && decodeCheckpoint(kept, stamp);
  const finished = PHASES.filter((phase) => checkpoint && phase in checkpoint);
  await tell({ kind: 'began', finished, discarded: kept !== null && checkpoint === null });

  const progress = createProgress(layer, record);
  let note: string | null = null;
  const job = await run(layer, options, {
    ...(kernel && { kernel }),
    ...(checkpoint && { checkpoint }),
    onCheckpoint: async (phases) => tell({ kind: 'checkpoint', failure: await keep(folder, phases, stamp) }),
    ...(device !== undefined && { device }),
    onNote: (sentence) => {
      note = sentence;
    },
    onProgress: (...step) => void tell({ kind: 'progress', progress: { ...progress(...step), ...(note && { note }) } }),
  });
  const pixels = rgbaOf(job.result.layer);
  await folder.writeResult(describe(job, record, pixels), pixels);
}

/** Without its checkpoint a job goes on all the same: only an interruption would cost more. */
async function keep(folder: JobFolder, phases: Checkpoint, stamp: string): Promise<Failure | null> {
  try {
    await folder.writeCheckpoint(encodeCheckpoint(phases, stamp));
    return null;
  } catch (error) {
    return failureOf(error);
  }
}

function createProgress(layer: Layer, { options }: JobRecord): (step: Progress, reading: Reading) => JobProgress {
  const painter = createPreviewPainter(layer, options.scale, LARGEST_PREVIEW);
  return ({ phase, done, kernel, piece }, { remaining }) => ({
    phase,
    // Many sums of many parts may come out a little over.
    fraction: Math.min(1, done),
    etaSeconds: remaining,
    ...(kernel && { kernel }),
    ...(piece && { preview: painter.paint(piece) }),
  });
}

function describe({ result, timings, versions }: Job, { options }: JobRecord, pixels: Uint8Array): ResultInfo {
  const { kernel, kernelSource, confidence, notes, noise, lrConsistency } = result;
  const { width, height } = result.layer.colour;
  return {
    layer: { width, height, channels: 4, depth: 8 },
    bytes: pixels.length,
    ...{ kernel, kernelSource, confidence, notes, noise, lrConsistency, timings, versions },
    seed: options.seed,
  };
}
