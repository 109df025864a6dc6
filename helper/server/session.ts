/**
 * What a paired panel may ask for, and what is under way for it: layers coming in, results going out, jobs it is told about.
 *
 * The one idea: the session owns nothing but transfers. Jobs belong to the queue and outlive it; with the session end uploads
 * (deleted), downloads (fetched again later, from where they stopped) and the telling of what becomes of jobs.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import { parseOptions } from '../../shared/options.ts';
import type { Frame } from '../../shared/protocol/frames.ts';
import { MOST_TRANSFERS } from '../../shared/protocol/limits.ts';
import type { ClientMessage } from '../../shared/protocol/messages.ts';
import { type Download, sendResult } from './download.ts';
import { bytesOf, type JobId, type Jobs } from './jobs.ts';
import type { Outgoing } from './outgoing.ts';
import { createSlots } from './slots.ts';
import { type LayerReceiver, receiveLayer } from './upload.ts';
import { type Watch, watchJob } from './watch.ts';
import { fromWireKernel, toStatus } from './wire.ts';

export type Request = Extract<ClientMessage, { request: number }>;
type Asked<Type extends Request['type']> = Extract<Request, { type: Type }>;

export interface Session {
  /** Sends the answer; throws where the answer is an error. */
  answer(request: Request): Promise<void>;
  /** A piece of a layer. Those of an upload that has ended are overlooked: they were on their way. */
  take(frame: Frame): void;
  /** What the panel has of a result. Throws `BAD_MESSAGE` where that cannot be. */
  received(job: JobId, bytes: number): void;
  /** Whether a job the panel is told about has yet to end. */
  isWaiting(): boolean;
  /** Ends all that is under way; resolves when unfinished uploads are deleted. May be called again. */
  close(): Promise<void>;
}

/** @param failed told of transfers that broke down on their way */
export function createSession(
  owner: string,
  jobs: Jobs,
  outgoing: Outgoing,
  failed: (error: unknown, job: JobId) => void,
): Session {
  const uploads = new Map<JobId, LayerReceiver>();
  const downloads = new Map<JobId, Download>();
  const watches = new Map<JobId, Watch>();
  const takeUploadSlot = createSlots(MOST_TRANSFERS, 'Other layers are on their way: wait until one has arrived.');
  const takeDownloadSlot = createSlots(MOST_TRANSFERS, 'Other results are on their way: wait until one has arrived.');
  let isClosed = false;

  /** Keeps a transfer until it ends. */
  function keep<T extends LayerReceiver | Download>(
    transfers: Map<JobId, T>,
    job: JobId,
    transfer: T,
    ended: () => void,
  ) {
    transfers.set(job, transfer);
    transfer.done
      .catch((error) => failed(error, job))
      .finally(() => {
        transfers.delete(job);
        ended();
      });
  }

  async function start({ request, layer, options, kernel }: Asked<'start'>) {
    const freeSlot = takeUploadSlot();
    try {
      const upload = await jobs.create(owner, layer, parseOptions(options), kernel && fromWireKernel(kernel));
      const acknowledge = (bytes: number) => outgoing.message({ type: 'received', job: upload.id, bytes });
      const receiver = receiveLayer(upload, bytesOf(layer), acknowledge);
      keep(uploads, upload.id, receiver, freeSlot);
      if (isClosed) await receiver.abandon();
      outgoing.message({ type: 'started', request, job: upload.id });
    } catch (error) {
      freeSlot();
      throw error;
    }
  }

  async function uploaded({ request, job }: Asked<'uploaded'>) {
    const receiver = uploads.get(job);
    if (!receiver) throw new KernelFusionError('NO_SUCH_JOB', 'There is no such job on its way.');
    await receiver.finish();
    tellAbout(job, request);
  }

  function tellAbout(job: JobId, request: number) {
    if (isClosed) return;
    const watch = watches.get(job) ?? watchJob(jobs, owner, job, outgoing, () => watches.delete(job));
    watches.set(job, watch);
    watch.answer(request);
  }

  async function fetch({ request, job, offset }: Asked<'fetch'>) {
    const freeSlot = takeDownloadSlot();
    try {
      const reader = await jobs.openResult(owner, job);
      const refusal = refuseFetch(job, offset, reader.bytes);
      if (refusal) {
        await reader.close();
        throw refusal;
      }
      outgoing.message({ type: 'sending', request, job, offset, bytes: reader.bytes });
      const download = sendResult(reader, job, offset, outgoing);
      keep(downloads, job, download, freeSlot);
      if (isClosed) download.stop();
    } catch (error) {
      freeSlot();
      throw error;
    }
  }

  function refuseFetch(job: JobId, offset: number, bytes: number): KernelFusionError | null {
    if (offset > bytes) return new KernelFusionError('BAD_MESSAGE', 'The result was asked for from behind its end.');
    if (downloads.has(job)) return new KernelFusionError('TOO_MANY_REQUESTS', 'This result is on its way already.');
    return null;
  }

  /** An unfinished layer of this session is deleted by whoever receives it. */
  async function endUpload(job: JobId): Promise<boolean> {
    const receiver = uploads.get(job);
    await receiver?.abandon();
    return receiver !== undefined;
  }

  return {
    async answer(message) {
      const { request } = message;
      switch (message.type) {
        case 'estimate': {
          const estimate = jobs.estimate(message.layer, parseOptions(message.options), message.kernelSide);
          return outgoing.message({ type: 'estimated', request, ...estimate });
        }
        case 'start':
          return start(message);
        case 'uploaded':
          return uploaded(message);
        case 'resume':
          return tellAbout(message.job, request);
        case 'list':
          return outgoing.message({ type: 'jobs', request, jobs: jobs.list(owner).map(toStatus) });
        case 'cancel':
          if (!(await endUpload(message.job))) await jobs.cancel(owner, message.job);
          return outgoing.message({ type: 'ok', request });
        case 'forget':
          downloads.get(message.job)?.stop();
          if (!(await endUpload(message.job))) await jobs.forget(owner, message.job);
          return outgoing.message({ type: 'ok', request });
        case 'fetch':
          return fetch(message);
        default:
          message satisfies never;
      }
    },

    take(frame) {
      if (frame.type !== 'layer') throw new KernelFusionError('BAD_MESSAGE', `A panel sends no frame "${frame.type}".`);
      uploads.get(frame.job)?.take(frame);
    },

    received: (job, bytes) => downloads.get(job)?.received(bytes),

    isWaiting: () => [...watches.values()].some((watch) => watch.isOpen()),

    async close() {
      isClosed = true;
      for (const watch of watches.values()) watch.stop();
      watches.clear();
      for (const download of downloads.values()) download.stop();
      await Promise.allSettled([...uploads.values()].map((receiver) => receiver.abandon()));
    },
  };
}
