/**
 * How fast a layer gets to the helper and back, beside a plain echo of the same bytes, and what memory the helper takes for it.
 *
 * The layer goes the whole way: on to the disk and into the queue (where it is cancelled, for this is not about the work). The
 * result that comes back is as large, of a job that the helper found finished when it started. Echo and helper take turns, so
 * that whatever else the computer is doing slows both alike.
 */
import { fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { bicubicKernel } from '../../shared/kernel.ts';
import { parseOptions } from '../../shared/options.ts';
import { CHUNK, WINDOW } from '../../shared/protocol/limits.ts';
import { jobsFolder, makePrivateFolder } from '../server/directories.ts';
import { bytesOf, type JobId, type LayerShape } from '../server/jobs.ts';
import { folderOf, newJobId } from '../server/spool.ts';
import { readVersions } from '../versions.ts';
import { BENCH_ORIGIN, startBenchHelper } from './bench-helper.ts';
import type { Panel } from './bench-panel.ts';

export interface Transfer {
  /** Seconds of one round: to the helper's queue, and back. */
  readonly up: number;
  readonly down: number;
  /** Seconds in which a plain echo sent and got back as many bytes. */
  readonly echo: number;
}

export interface TransferResult {
  readonly bytes: number;
  readonly rounds: readonly Transfer[];
  /** Bytes by which the helper's resident memory grew at most; `null` where that cannot be read. */
  readonly growth: number | null;
}

export interface TransferRequest {
  /** Of the square layer, in pixels. */
  readonly side: number;
  readonly rounds: number;
  readonly signal?: AbortSignal;
  /** Hears of each round as it finishes. */
  readonly onRound?: (round: Transfer) => void;
  /** The command line's script. */
  readonly cli?: string;
}

/** Throws what the helper answers, `HELPER_NOT_RUNNING`, `ENGINE_FAILED` where bytes come back changed, `CANCELLED`. */
export async function benchTransfer(request: TransferRequest): Promise<TransferResult> {
  const { side, signal, cli } = request;
  const layer: LayerShape = { width: side, height: side, channels: 4, depth: 8 };
  const pixels = randomFillSync(new Uint8Array(bytesOf(layer)));
  const done = newJobId();
  const helper = await startBenchHelper(
    (places) => putFinishedJob(jobsFolder(places), done, layer, pixels),
    signal,
    cli,
  );
  const echo = await startEcho();
  try {
    const panel = await helper.connect();
    const into = new Uint8Array(pixels.length);
    const before = await helper.memory();
    const rounds: Transfer[] = [];
    // The first is for warming up.
    for (let round = 0; round <= request.rounds; round++) {
      throwIfCancelled(signal);
      const plain = await echo.send(pixels);
      const up = await timeUpload(panel, layer, pixels);
      const down = await seconds(() => panel.download(done, into.fill(0)));
      if (!Buffer.from(into.buffer).equals(pixels)) throw new KernelFusionError('ENGINE_FAILED', 'The bytes changed.');
      if (round === 0) continue;
      rounds.push({ up, down, echo: plain });
      request.onRound?.(rounds[rounds.length - 1]);
    }
    const after = await helper.memory();
    await panel.close();
    return { bytes: pixels.length, rounds, growth: before && after && after.highest - before.now };
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  } finally {
    echo.end();
    await helper.end();
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** Until the layer is on the disk and its job in the queue, whence it is taken again. */
async function timeUpload(panel: Panel, layer: LayerShape, pixels: Uint8Array): Promise<number> {
  let job = '';
  const time = await seconds(async () => {
    ({ job } = await panel.ask('started', { type: 'start', layer, options: { scale: 1 } }));
    await panel.upload(job, pixels);
    await panel.ask('job', { type: 'uploaded', job });
  });
  await panel.ask('ok', { type: 'forget', job });
  return time;
}

async function putFinishedJob(spool: string, id: JobId, layer: LayerShape, pixels: Uint8Array): Promise<void> {
  await makePrivateFolder(spool);
  const folder = folderOf(spool, id);
  await (await folder.begin()).close();
  const options = parseOptions({ scale: 1 });
  await folder.writeRecord({ owner: BENCH_ORIGIN, layer, options, kernel: null, created: Date.now() });
  const nothing = { prior: 0, kernel: 0, image: 0, alpha: 0, total: 0 };
  const kernel = { kernel: bicubicKernel(1), kernelSource: 'bicubic', confidence: null, notes: [] } as const;
  const rest = { noise: 0, lrConsistency: 0, timings: nothing, versions: readVersions(), seed: options.seed };
  await folder.writeResult({ layer, bytes: pixels.length, ...kernel, ...rest }, pixels);
  await folder.deleteWork();
}

interface Echo {
  /** Seconds until all of it is back. */
  send(bytes: Uint8Array): Promise<number>;
  end(): void;
}

async function startEcho(): Promise<Echo> {
  const child = fork(new URL('./bench-echo.js', import.meta.url), { execArgv: [] });
  const [port] = (await once(child, 'message')) as [number];
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(socket, 'open');
  let back = 0;
  let look = () => {};
  socket.on('message', (data: Buffer) => {
    back += data.length;
    look();
  });
  return {
    send: (bytes) =>
      seconds(async () => {
        back = 0;
        let sent = 0;
        while (back < bytes.length) {
          for (; sent < bytes.length && sent - back < WINDOW; sent += CHUNK) {
            socket.send(bytes.subarray(sent, sent + CHUNK));
          }
          await new Promise<void>((resolve) => {
            look = resolve;
          });
        }
      }),
    end() {
      socket.terminate();
      child.disconnect();
    },
  };
}
