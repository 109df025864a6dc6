/**
 * How long a cancel takes, wherever in its way a job is: from the word of the panel until the helper has answered, has said its
 * last about the job, and the process that worked on it is gone.
 */
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { PHASES, type Phase } from '../kernelfusion/method.ts';
import { makeRandom } from '../kernelfusion/random.ts';
import { bytesOf, type LayerShape } from '../server/jobs.ts';
import { type BenchHelper, startBenchHelper } from './bench-helper.ts';
import type { Panel } from './bench-panel.ts';

export const PLACES = ['uploading', 'queued', ...PHASES] as const;
export type Place = (typeof PLACES)[number];

export interface Cancelled {
  readonly place: Place;
  /** `null` where the job had left the place before the cancel came: the layer is too small to tell. */
  readonly seconds: number | null;
}

export interface CancelRequest {
  /** Of the square layer, in pixels. */
  readonly side: number;
  readonly places: readonly Place[];
  readonly signal?: AbortSignal;
  readonly onCancelled?: (cancelled: Cancelled) => void;
  /** The command line's script. */
  readonly cli?: string;
}

/** Every place is waited for with a new job, of the real method. Throws what the helper answers, `CANCELLED`. */
export async function benchCancel({ side, places, signal, onCancelled, cli }: CancelRequest): Promise<Cancelled[]> {
  const helper = await startBenchHelper(async () => {}, signal, cli);
  try {
    const panel = await helper.connect();
    const all: Cancelled[] = [];
    for (const place of places) {
      throwIfCancelled(signal);
      const cancelled = { place, seconds: await cancelIn(place, panel, helper, side) };
      all.push(cancelled);
      onCancelled?.(cancelled);
    }
    await panel.close();
    return all;
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  } finally {
    await helper.end();
  }
}

async function cancelIn(place: Place, panel: Panel, helper: BenchHelper, side: number): Promise<number | null> {
  if (place === 'uploading') {
    const job = await start(panel, side);
    await panel.upload(job, pixelsOf(side).subarray(0, bytesOf(shapeOf(side)) / 2));
    return timeCancel(panel, helper, job, 0);
  }
  const job = await submit(panel, side);
  if (place === 'queued') {
    const behind = await submit(panel, side);
    const time = await timeCancel(panel, helper, behind, 1);
    await panel.ask('ok', { type: 'cancel', job });
    return time;
  }
  const isOver = () => panel.told(job).status?.state !== 'queued' && panel.told(job).status?.state !== 'running';
  const isAt = (phase: Phase) => panel.told(job).progress?.phase === phase;
  await panel.until(() => isAt(place) || isOver());
  const time = await timeCancel(panel, helper, job, 0);
  const { status } = panel.told(job);
  if (status?.state === 'failed') throw new KernelFusionError('ENGINE_FAILED', 'The job to be cancelled failed.');
  return status?.state === 'cancelled' && isAt(place) ? time : null;
}

/** `left`: processes that go on, for they work on other jobs. */
async function timeCancel(panel: Panel, helper: BenchHelper, job: string, left: number): Promise<number> {
  const asked = performance.now();
  await panel.ask('ok', { type: 'cancel', job });
  const answered = performance.now();
  let gone = answered;
  while (((await helper.workers()) ?? left) > left) gone = performance.now();
  // What was on its way before this answer has come.
  await panel.ask('jobs', { type: 'list' });
  return (Math.max(answered, gone, panel.told(job).last) - asked) / 1000;
}

async function start(panel: Panel, side: number): Promise<string> {
  return (await panel.ask('started', { type: 'start', layer: shapeOf(side), options: { scale: 2 } })).job;
}

async function submit(panel: Panel, side: number): Promise<string> {
  const job = await start(panel, side);
  await panel.upload(job, pixelsOf(side));
  await panel.ask('job', { type: 'uploaded', job });
  return job;
}

const shapeOf = (side: number): LayerShape => ({ width: side, height: side, channels: 4, depth: 8 });

/** Sheets of one colour strewn over each other, which have edges and corners of all sizes; the right quarter fades out. */
function pixelsOf(side: number): Uint8Array {
  const pixels = new Uint8Array(bytesOf(shapeOf(side)));
  const random = makeRandom(1);
  for (let sheet = 0; sheet < 200; sheet++) {
    const [left, top] = [random.below(side) - (side >> 3), random.below(side) - (side >> 3)];
    const [right, bottom] = [left + 2 + random.below(side / 3), top + 2 + random.below(side / 3)];
    const colour = [random.below(256), random.below(256), random.below(256)];
    for (let y = Math.max(0, top); y < Math.min(side, bottom); y++) {
      for (let x = Math.max(0, left); x < Math.min(side, right); x++) pixels.set(colour, 4 * (y * side + x));
    }
  }
  for (let i = 0; i < side ** 2; i++) pixels[4 * i + 3] = Math.min(255, (4 * 255 * (side - (i % side))) / side);
  return pixels;
}
