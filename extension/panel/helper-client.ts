/**
 * The panel's side of docs/protocol.md: one connection to the helper.
 *
 * The one idea: a connection either proves that the helper is the one this panel was paired with, or it is none. Not a pixel is
 * sent before. A connection that breaks fails whatever waits on it; the jobs go on, and are found again by `resume`.
 *
 * A browser does not tell a page why a socket was refused. So a panel whose token is not taken knocks once more without it:
 * where that is answered, it has to be paired again; where not, no helper is there.
 */
import { type ErrorCode, KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { type Kernel, makeKernel } from '../../shared/kernel.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import { socketUrl } from '../../shared/protocol/address.ts';
import { CLOSE_CODES } from '../../shared/protocol/close-codes.ts';
import type { JobStatus } from '../../shared/protocol/fields.ts';
import { decodeFrame, decodePreview, encodeFrame, type PreviewPicture } from '../../shared/protocol/frames.ts';
import {
  ACKNOWLEDGE_EVERY,
  CHUNK,
  PROTOCOL_VERSION,
  SUBPROTOCOL,
  TOKEN_PREFIX,
  WINDOW,
} from '../../shared/protocol/limits.ts';
import { type ClientMessage, type HelperMessage, parseHelperMessage } from '../../shared/protocol/messages.ts';
import { proofText } from '../../shared/protocol/proof.ts';

/** What a pairing leaves with the panel, both in base64url. */
export interface Secrets {
  readonly token: string;
  readonly helperKey: string;
}

export type SocketMaker = (url: string, protocols: string[]) => WebSocket;

export interface HelperAddress {
  readonly port: number;
  /** The browser's own, unless told otherwise. */
  readonly makeSocket?: SocketMaker;
}

export type LayerShape = JobStatus['layer'];
export type Estimate = Omit<Extract<HelperMessage, { type: 'estimated' }>, 'type' | 'request'>;
export type JobProgress = Omit<Extract<HelperMessage, { type: 'progress' }>, 'type' | 'job'>;

/** What becomes of a job that was uploaded or resumed on this connection. */
export type JobNews =
  | { readonly of: 'status'; readonly status: JobStatus }
  | { readonly of: 'progress'; readonly progress: JobProgress }
  | { readonly of: 'kernel'; readonly kernel: Kernel }
  | { readonly of: 'preview'; readonly preview: PreviewPicture }
  /** It was forgotten elsewhere, or has expired. */
  | { readonly of: 'gone' };

/** A result on its way: kept by the caller, so that a transfer that was cut goes on where it was. */
export interface Download {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that are there, from the first on. */
  arrived: number;
}

/**
 * Every method throws what the helper answers, with its code, and `CONNECTION_LOST` once the connection has ended. `onShare` is
 * told the share that has arrived at the other side, 0 .. 1.
 */
export interface HelperConnection {
  /** Name and version of the helper's program. */
  readonly helper: string;
  /** `kernelSide`: of the kernel, where it is known. */
  estimate(layer: LayerShape, options: UpscaleOptions, kernelSide?: number): Promise<Estimate>;
  /** Opens a job for its pixels. Resolves to its id. */
  start(layer: LayerShape, options: UpscaleOptions, kernel?: Kernel): Promise<string>;
  /** Sends the pixels of a job that was started, and queues it. Throws `CANCELLED`; the job then waits to be cancelled. */
  upload(
    job: string,
    pixels: Uint8Array | Uint8ClampedArray,
    onShare?: (share: number) => void,
    signal?: AbortSignal,
  ): Promise<JobStatus>;
  /** News of a job of an earlier connection come from now on; its latest kernel and preview come at once. */
  resume(job: string): Promise<JobStatus>;
  list(): Promise<readonly JobStatus[]>;
  /** Resolves when nothing of the job computes any more. */
  cancel(job: string): Promise<void>;
  forget(job: string): Promise<void>;
  /** Fetches what is missing of a result; `download.bytes` has to have its size. */
  fetch(job: string, download: Download, onShare?: (share: number) => void): Promise<void>;
  /** Calls `listener` with all news of a job until the returned function is called. */
  watch(job: string, listener: (news: JobNews) => void): () => void;
  /** Settles with the reason when the connection has ended; never rejects. */
  readonly ended: Promise<KernelFusionError>;
  close(): void;
}

/** Milliseconds between signs of life that are asked for. A helper that gives none until the next is lost. */
const PING_EVERY = 20_000;
/** Milliseconds until a socket has to be open, and a hello answered. */
const PATIENCE = 10_000;

/**
 * Connects and checks the helper's proof. Throws `HELPER_NOT_RUNNING`; `NOT_PAIRED` where the token is not taken (any more);
 * `NOT_THE_HELPER` where somebody answers who was not at the pairing; `HELPER_OUTDATED`, `PANEL_OUTDATED`, `TOO_MANY_PANELS`;
 * `CANCELLED`. @param client name and version of this program.
 */
export async function connectHelper(
  { port, makeSocket = browserSocket }: HelperAddress,
  { token, helperKey }: Secrets,
  client: string,
  signal?: AbortSignal,
): Promise<HelperConnection> {
  throwIfCancelled(signal);
  const open = () => openSocket(makeSocket(socketUrl(port), [SUBPROTOCOL, TOKEN_PREFIX + token]));
  const socket = await open().catch(async () => {
    await knock({ port, makeSocket });
    // A helper that has just started may have missed the first try: a pairing is not given up for that.
    return open().catch(() => {
      throw new KernelFusionError('NOT_PAIRED', 'The helper does not know this panel any more: pair it again.');
    });
  });
  const line = openLine(socket);
  const stop = () => line.end(new KernelFusionError('CANCELLED', 'Cancelled.'));
  signal?.addEventListener('abort', stop, { once: true });
  try {
    throwIfCancelled(signal);
    const nonce = base64url(crypto.getRandomValues(new Uint8Array(32)));
    line.say({ type: 'hello', protocol: PROTOCOL_VERSION, nonce, client });
    const { proof, helper } = await line.hear('welcome', PATIENCE);
    if (proof !== (await expectedProof(helperKey, nonce, port))) throw replaced();
    return connected(line, helper);
  } catch (error) {
    line.end(lost());
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Whether a helper is there at all. Throws `HELPER_NOT_RUNNING`. */
export async function knock({ port, makeSocket = browserSocket }: HelperAddress): Promise<void> {
  (await openUnpaired({ port, makeSocket })).close();
}

/**
 * Pairs this panel. `code`: six digits. Throws `HELPER_NOT_RUNNING`, `WRONG_CODE`, `NO_CODE`, `TOO_MANY_TRIES` and what else
 * the helper answers.
 */
export async function pairWithHelper(address: HelperAddress, code: string): Promise<Secrets> {
  const line = openLine(await openUnpaired(address));
  try {
    line.say({ type: 'pair', code });
    const { token, helperKey } = await line.hear('paired', PATIENCE);
    return { token, helperKey };
  } finally {
    line.end(lost());
  }
}

const browserSocket: SocketMaker = (url, protocols) => new WebSocket(url, protocols);

async function openUnpaired({ port, makeSocket = browserSocket }: HelperAddress): Promise<WebSocket> {
  try {
    return await openSocket(makeSocket(socketUrl(port), [SUBPROTOCOL]));
  } catch (cause) {
    const sentence = `No helper answers on port ${port} of this computer: start it with "kernelfusion serve".`;
    throw new KernelFusionError('HELPER_NOT_RUNNING', sentence, { cause });
  }
}

function openSocket(socket: WebSocket): Promise<WebSocket> {
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    const refuse = () => {
      clearTimeout(timer);
      reject(new Error('The socket did not open.'));
    };
    const timer = setTimeout(() => socket.close(), PATIENCE);
    socket.addEventListener('open', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.addEventListener('error', refuse);
    socket.addEventListener('close', refuse);
  });
}

type Heard<Type extends HelperMessage['type']> = Extract<HelperMessage, { type: Type }>;

/** Messages over an open socket. Whoever listens is called in the order in which they came. */
interface Line {
  say(message: ClientMessage): void;
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** The first message of a type. For use before anything else is listened to. */
  hear<Type extends HelperMessage['type']>(type: Type, patience: number): Promise<Heard<Type>>;
  listen(onMessage: (message: HelperMessage) => void, onFrame: (bytes: Uint8Array) => void): void;
  /** Ends the connection, unless it has ended. */
  end(reason: KernelFusionError, code?: number): void;
  readonly ended: Promise<KernelFusionError>;
}

function openLine(socket: WebSocket): Line {
  let onMessage: (message: HelperMessage) => void = () => {};
  let onFrame: (bytes: Uint8Array) => void = () => {};
  let settle: (reason: KernelFusionError) => void;
  const ended = new Promise<KernelFusionError>((resolve) => {
    settle = resolve;
  });
  let isOver = false;
  let alive = true;

  const over = (reason: KernelFusionError) => {
    isOver = true;
    clearInterval(heartbeat);
    settle(reason);
  };
  const end = (reason: KernelFusionError, code = 1000) => {
    if (isOver) return;
    over(reason);
    socket.close(code);
  };
  const say = (message: ClientMessage) => socket.send(JSON.stringify(message));
  const heartbeat = setInterval(() => {
    if (!alive) return end(lost());
    alive = false;
    say({ type: 'ping' });
  }, PING_EVERY);

  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (isOver) return;
    alive = true;
    try {
      if (typeof data !== 'string') return onFrame(new Uint8Array(data));
      const message = parseHelperMessage(data);
      // An error about nothing in particular is the last word before the helper closes.
      if (message.type === 'error' && message.request === undefined && message.job === undefined) {
        return end(toError(message));
      }
      onMessage(message);
    } catch (error) {
      if (!(error instanceof KernelFusionError)) throw error;
      end(error, CLOSE_CODES.BAD_MESSAGE);
    }
  });
  socket.addEventListener('close', () => over(lost()));

  return {
    say,
    send: (frame) => socket.send(frame),
    listen(message, frame) {
      onMessage = message;
      onFrame = frame;
    },
    hear: (type, patience) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => end(lost()), patience);
        ended.then(reject).finally(() => clearTimeout(timer));
        onMessage = (message) => {
          if (message.type !== type) return end(nonsense(`"${message.type}" came where "${type}" should have`));
          clearTimeout(timer);
          resolve(message as Heard<typeof type>);
        };
      }),
    end,
    ended,
  };
}

type Request = Extract<ClientMessage, { request: number }>;
type WithoutNumber<R> = R extends Request ? Omit<R, 'request'> : never;
type Answer = Exclude<Extract<HelperMessage, { request?: number | undefined }>, { type: 'error' }>;

/** What came of a transfer of pixels, in either direction. */
interface Transfer {
  onBytes(bytes: number): void;
  onFrame(offset: number, payload: Uint8Array): void;
  fail(error: KernelFusionError): void;
}

function connected(line: Line, helper: string): HelperConnection {
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  const watchers = new Map<string, Set<(news: JobNews) => void>>();
  const transfers = new Map<string, Transfer>();
  let last = 0;
  let reason: KernelFusionError | null = null;

  const tell = (job: string, news: JobNews) => {
    for (const listener of watchers.get(job) ?? []) listener(news);
  };

  line.ended.then((why) => {
    reason = why;
    for (const { reject } of waiting.values()) reject(why);
    for (const { fail } of transfers.values()) fail(why);
  });

  function hear(message: HelperMessage): void {
    switch (message.type) {
      case 'job':
        tell(message.job.id, { of: 'status', status: message.job });
        break;
      case 'progress': {
        const { type: _, job, ...progress } = message;
        tell(job, { of: 'progress', progress });
        return;
      }
      case 'kernel': {
        const { size, scale, data } = message.kernel;
        tell(message.job, { of: 'kernel', kernel: makeKernel(size, scale, data) });
        return;
      }
      case 'received':
        transfers.get(message.job)?.onBytes(message.bytes);
        return;
      case 'gone':
        tell(message.job, { of: 'gone' });
        return;
      case 'error':
        if (message.request !== undefined) waiting.get(message.request)?.reject(toError(message));
        else if (message.job !== undefined) transfers.get(message.job)?.fail(toError(message));
        return;
      case 'welcome':
      case 'paired':
      case 'pong':
        return;
    }
    if (message.request !== undefined) waiting.get(message.request)?.resolve(message);
  }

  line.listen(hear, (bytes) => {
    const { type, job, offset, payload } = decodeFrame(bytes);
    if (type === 'preview') tell(job, { of: 'preview', preview: decodePreview(payload) });
    else if (type === 'result') transfers.get(job)?.onFrame(offset, payload);
  });

  async function ask<Type extends Answer['type']>(
    type: Type,
    message: WithoutNumber<Request>,
  ): Promise<Extract<Answer, { type: Type }>> {
    if (reason) throw reason;
    const request = last++;
    const answer = new Promise<Answer>((resolve, reject) => waiting.set(request, { resolve, reject }));
    line.say({ ...message, request } as Request);
    try {
      const heard = await answer;
      if (heard.type !== type) throw nonsense(`"${heard.type}" answered "${message.type}"`);
      return heard as Extract<Answer, { type: Type }>;
    } finally {
      waiting.delete(request);
    }
  }

  return {
    helper,
    ended: line.ended,
    close: () => line.end(lost()),

    async estimate(layer, options, kernelSide) {
      const {
        type: _,
        request: __,
        ...estimate
      } = await ask('estimated', {
        type: 'estimate',
        layer,
        options: { ...options },
        ...(kernelSide !== undefined && { kernelSide }),
      });
      return estimate;
    },

    async start(layer, options, kernel) {
      const { job } = await ask('started', {
        type: 'start',
        layer,
        options: { ...options },
        ...(kernel && { kernel: { size: kernel.size, scale: kernel.scale, data: Array.from(kernel.data) } }),
      });
      return job;
    },

    async upload(job, pixels, onShare, signal) {
      if (reason) throw reason;
      const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
      let received = 0;
      let failure: KernelFusionError | null = null;
      let wake = () => {};
      transfers.set(job, {
        onBytes(count) {
          received = count;
          onShare?.(count / bytes.length);
          wake();
        },
        onFrame() {},
        fail(error) {
          failure = error;
          wake();
        },
      });
      signal?.addEventListener('abort', () => wake(), { once: true });
      try {
        for (let offset = 0, sequence = 0; offset < bytes.length; offset += CHUNK, sequence++) {
          const payload = bytes.subarray(offset, offset + CHUNK);
          for (;;) {
            throwIfCancelled(signal);
            if (failure) throw failure;
            if (offset + payload.length - received <= WINDOW) break;
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
          line.send(encodeFrame({ type: 'layer', job, sequence, offset, payload }));
        }
        return (await ask('job', { type: 'uploaded', job })).job;
      } finally {
        transfers.delete(job);
      }
    },

    resume: async (job) => (await ask('job', { type: 'resume', job })).job,
    list: async () => (await ask('jobs', { type: 'list' })).jobs,
    cancel: async (job) => void (await ask('ok', { type: 'cancel', job })),
    forget: async (job) => void (await ask('ok', { type: 'forget', job })),

    async fetch(job, download, onShare) {
      if (reason) throw reason;
      const { bytes } = download;
      let acknowledged = download.arrived;
      const arriving = new Promise<void>((resolve, reject) => {
        transfers.set(job, {
          onBytes() {},
          onFrame(offset, payload) {
            if (offset !== download.arrived || offset + payload.length > bytes.length) {
              return reject(nonsense('a piece of the result came in the wrong place'));
            }
            bytes.set(payload, offset);
            download.arrived += payload.length;
            onShare?.(download.arrived / bytes.length);
            const isAll = download.arrived === bytes.length;
            if (isAll || download.arrived - acknowledged >= ACKNOWLEDGE_EVERY) {
              acknowledged = download.arrived;
              line.say({ type: 'received', job, bytes: acknowledged });
            }
            if (isAll) resolve();
          },
          fail: reject,
        });
      });
      arriving.catch(() => {}); // Where the question itself fails, nobody waits for the frames.
      try {
        const sending = await ask('sending', { type: 'fetch', job, offset: download.arrived });
        if (sending.bytes !== bytes.length) throw nonsense('the result has another size than its layer');
        if (download.arrived < bytes.length) await arriving;
      } finally {
        transfers.delete(job);
      }
    },

    watch(job, listener) {
      const listeners = watchers.get(job) ?? new Set();
      watchers.set(job, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) watchers.delete(job);
      };
    },
  };
}

async function expectedProof(helperKey: string, nonce: string, port: number): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', fromBase64url(helperKey), algorithm, false, ['sign']);
  const text = new TextEncoder().encode(proofText(nonce, port));
  return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, text)));
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
const fromBase64url = (text: string) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));

/** A newer helper may know codes that we don't: its sentence is what counts. */
const toError = ({ code, sentence }: { readonly code: string; readonly sentence: string }) =>
  new KernelFusionError(code as ErrorCode, sentence);
const lost = () =>
  new KernelFusionError('CONNECTION_LOST', 'The connection to the helper broke. It is tried again by itself.');
const nonsense = (what: string) => new KernelFusionError('BAD_MESSAGE', `The helper makes no sense: ${what}.`);
const replaced = () =>
  new KernelFusionError(
    'NOT_THE_HELPER',
    'Another program answers in the place of your helper, and has seen this panel\'s token. Run "kernelfusion pair --revoke all", find out what uses the port, then pair again.',
  );
