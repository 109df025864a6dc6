/**
 * A panel without a person: the panel's side of docs/protocol.md as benchmarks need it. It checks the helper's proof, keeps to
 * the window in both directions, and remembers the last that it was told of each job.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type ErrorCode, KernelFusionError } from '../../shared/errors.ts';
import { socketUrl } from '../../shared/protocol/address.ts';
import type { JobStatus } from '../../shared/protocol/fields.ts';
import { decodeFrame, encodeFrame } from '../../shared/protocol/frames.ts';
import { CHUNK, PROTOCOL_VERSION, SUBPROTOCOL, TOKEN_PREFIX, WINDOW } from '../../shared/protocol/limits.ts';
import { type ClientMessage, type HelperMessage, parseHelperMessage } from '../../shared/protocol/messages.ts';
import { proofText } from '../../shared/protocol/proof.ts';
import type { PairingSecrets } from '../server/token-store.ts';

type Request = Extract<ClientMessage, { request: number }>;
/** A request without its number. */
export type Asked = Request extends infer R ? (R extends Request ? Omit<R, 'request'> : never) : never;
type Answer<Type extends HelperMessage['type']> = Extract<HelperMessage, { type: Type }>;

export interface PanelOptions extends PairingSecrets {
  readonly port: number;
  readonly origin: string;
}

/** What a panel was told of a job, latest first of each kind. */
export interface Told {
  status?: JobStatus;
  progress?: Answer<'progress'>;
  /** Bytes of its layer that the helper has. */
  received: number;
  gone: boolean;
  /** Why its layer or result is no longer on its way. */
  failure?: KernelFusionError;
  /** `performance.now()` of the last message or frame about it. */
  last: number;
}

/** Everything throws what the helper answers, with its code, and `BAD_MESSAGE` once the connection has ended. */
export interface Panel {
  /** Resolves to the answer, which has to be of this type. */
  ask<Type extends HelperMessage['type']>(type: Type, message: Asked): Promise<Answer<Type>>;
  told(job: string): Told;
  /** Resolves once it holds; it is asked after everything that comes. */
  until(holds: () => boolean): Promise<void>;
  /** Sends a layer's bytes from its first on; resolves when the last are on their way. */
  upload(job: string, bytes: Uint8Array): Promise<void>;
  /** Fetches a result into `into`, whose size it has to have, from a byte on, until `enough` of it is there. */
  download(job: string, into: Uint8Array, from?: number, enough?: number): Promise<void>;
  /** Cuts the connection without a word. */
  cut(): void;
  close(): Promise<void>;
}

/** Connects and says hello. Throws `NOT_PAIRED` where the helper cannot prove itself, `BAD_MESSAGE` where it cannot be reached. */
export async function connectPanel({ port, origin, token, helperKey }: PanelOptions): Promise<Panel> {
  const socket = new WebSocket(socketUrl(port), [SUBPROTOCOL, `${TOKEN_PREFIX}${token}`], {
    origin,
    perMessageDeflate: false,
  });
  const jobs = new Map<string, Told>();
  const answers = new Map<number, (answer: HelperMessage) => void>();
  const results = new Map<string, (offset: number, payload: Uint8Array) => void>();
  let welcome: Answer<'welcome'> | null = null;
  let asked = 0;
  let lost: KernelFusionError | null = null;
  let waiting: (() => void)[] = [];

  const look = () => {
    const all = waiting;
    waiting = [];
    for (const ask of all) ask();
  };
  const lose = (sentence: string) => {
    lost ??= new KernelFusionError('BAD_MESSAGE', sentence);
    look();
  };

  function told(job: string): Told {
    const known = jobs.get(job) ?? { received: 0, gone: false, last: 0 };
    jobs.set(job, known);
    return known;
  }

  function hear(message: HelperMessage): void {
    if ('request' in message && message.request !== undefined) answers.get(message.request)?.(message);
    switch (message.type) {
      case 'welcome':
        welcome = message;
        return;
      case 'job':
        Object.assign(told(message.job.id), { status: message.job, last: performance.now() });
        return;
      case 'progress':
        Object.assign(told(message.job), { progress: message, last: performance.now() });
        return;
      case 'kernel':
        told(message.job).last = performance.now();
        return;
      case 'received':
        told(message.job).received = message.bytes;
        return;
      case 'gone':
        told(message.job).gone = true;
        return;
      case 'error':
        if (message.job !== undefined) told(message.job).failure = failureOf(message);
        else if (message.request === undefined) lose(`The helper ended the connection: ${message.sentence}`);
        return;
    }
  }

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) {
      const { type, job, offset, payload } = decodeFrame(data);
      if (type === 'result') results.get(job)?.(offset, payload);
      else told(job).last = performance.now();
    } else hear(parseHelperMessage(data.toString()));
    look();
  });
  socket.on('open', look);
  socket.on('error', ({ message }) => lose(`The connection broke: ${message}`));
  socket.on('close', (code) => lose(`The connection has ended (${code}).`));

  const until = async (holds: () => boolean) => {
    while (!holds()) {
      if (lost) throw lost;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };

  const say = (message: ClientMessage) => socket.send(JSON.stringify(message));
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  await until(() => socket.readyState === socket.OPEN);
  say({ type: 'hello', protocol: PROTOCOL_VERSION, nonce, client: 'kernelfusion bench' });
  await until(() => welcome !== null);
  const key = Buffer.from(helperKey, 'base64url');
  if (welcome!.proof !== createHmac('sha256', key).update(proofText(nonce, port)).digest('base64url')) {
    socket.terminate();
    throw new KernelFusionError('NOT_PAIRED', 'Another program answers in the place of the helper.');
  }

  const panel: Panel = {
    told,
    until,

    async ask(type, message) {
      const request = asked++;
      let answer: HelperMessage | null = null;
      answers.set(request, (heard) => {
        answer = heard;
      });
      say({ ...message, request } as ClientMessage);
      await until(() => answer !== null).finally(() => answers.delete(request));
      const heard = answer as unknown as HelperMessage;
      if (heard.type === 'error') throw failureOf(heard);
      if (heard.type !== type) throw new KernelFusionError('BAD_MESSAGE', `The helper answered "${heard.type}".`);
      return heard as Extract<HelperMessage, { type: typeof type }>;
    },

    async upload(job, bytes) {
      const state = told(job);
      for (let offset = 0, sequence = 0; offset < bytes.length; offset += CHUNK, sequence++) {
        const payload = bytes.subarray(offset, offset + CHUNK);
        await until(() => state.failure !== undefined || offset + payload.length - state.received <= WINDOW);
        if (state.failure) throw state.failure;
        socket.send(encodeFrame({ type: 'layer', job, sequence, offset, payload }));
      }
    },

    async download(job, into, from = 0, enough = into.length) {
      const state = told(job);
      let arrived = from;
      results.set(job, (offset, payload) => {
        if (offset !== arrived) return lose(`Byte ${arrived} of a result should have come, not ${offset}.`);
        into.set(payload, offset);
        arrived += payload.length;
        say({ type: 'received', job, bytes: arrived });
      });
      try {
        const { bytes } = await panel.ask('sending', { type: 'fetch', job, offset: from });
        if (bytes !== into.length) {
          throw new KernelFusionError('BAD_MESSAGE', `The result has ${bytes} bytes, not ${into.length}.`);
        }
        await until(() => state.failure !== undefined || arrived >= enough);
        if (state.failure) throw state.failure;
      } finally {
        results.delete(job);
      }
    },

    cut: () => socket.terminate(),

    async close() {
      if (socket.readyState === socket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
  return panel;
}

const failureOf = ({ code, sentence }: Answer<'error'>) => new KernelFusionError(code as ErrorCode, sentence);
