/**
 * Requests and answers over Photopea's mail, which knows neither.
 *
 * The one idea: Photopea's own "done" tells nothing (it comes early, twice or never), so every script says its answers
 * with a prefix of our making and ends with a mark; all else that arrives is somebody else's. A script that died says
 * nothing at all: when the mark is late, a ping goes after it, and once that is answered the script cannot be running
 * any more. One request at a time: the caller waits for one before sending the next.
 */
import * as v from 'valibot';
import { KernelFusionError } from '../../../shared/errors.ts';
import type { Message, PhotopeaPort } from './port.ts';
import { answerPrefix, END, ERROR, type Problem, ping, type Script, wrap } from './scripts.ts';

/** How long to wait, in milliseconds, and how much to send. */
export interface Limits {
  /** For a ping, when looking for a way that works. */
  readonly ping: number;
  /** For the end of a script before asking whether it is still alive. */
  readonly doubt: number;
  /** For a script that only reads or sets. */
  readonly script: number;
  /** For one that opens, exports or resizes a picture. */
  readonly slow: number;
  /** For a picture to appear that Photopea was given to open. */
  readonly appear: number;
  /** Characters of a file's address within a script; a longer one is handed over as a file. */
  readonly address: number;
}

export const LIMITS: Limits = {
  ...{ ping: 1_500, doubt: 2_000, script: 20_000, slow: 120_000, appear: 60_000 },
  address: 20_000_000,
};

export interface Answer<Reply> {
  readonly reply: Reply;
  readonly file: ArrayBuffer | null;
}

const SENTENCES: Readonly<Record<Problem, readonly [KernelFusionError['code'], string]>> = {
  'no-document': ['NO_DOCUMENT', 'Photopea has no document open. Open one and select a layer.'],
  'no-layer': ['NO_SUCH_LAYER', 'That layer is not in the open document any more. Select a layer again.'],
  'no-copy': ['EDITOR_FAILED', 'Photopea did not copy the layer into a document of its own.'],
  'no-history': [
    'EDITOR_FAILED',
    'This version of Photopea does not let a panel undo. Press Ctrl+Z (Cmd+Z) in it instead.',
  ],
  'too-large': [
    'LAYER_TOO_LARGE',
    'The layer is larger than a browser can hold as one picture. Crop it or make it smaller.',
  ],
  'other-document': [
    'DOCUMENT_CHANGED',
    'Another document has become the active one in Photopea. Go back to yours and insert again.',
  ],
};

const problemReply = v.object({ problem: v.picklist(Object.keys(SENTENCES) as Problem[]) });

const silent = () =>
  new KernelFusionError(
    'EDITOR_SILENT',
    'Photopea did not answer. Close any window that is open within it, finish what you are typing there, and try again.',
  );

/** Why a script's answer will not come. */
class Ended extends Error {}

export class PhotopeaChannel {
  readonly #ways: readonly PhotopeaPort[];
  readonly #limits: Limits;
  /** Tells our answers from those to a panel that was here before us. */
  readonly #session = Math.floor(Math.random() * 2 ** 40).toString(36);
  #requests = 0;
  #way: PhotopeaPort | null = null;
  /** The last request was not answered: what it left behind may still be coming. */
  #doubtful = false;

  constructor(ways: readonly PhotopeaPort[], limits: Limits = LIMITS) {
    this.#ways = ways;
    this.#limits = limits;
  }

  /** The way that works, once one has been found. */
  get way(): PhotopeaPort['way'] | null {
    return this.#way?.way ?? null;
  }

  /**
   * Runs a script. Throws EDITOR_SILENT when no answer comes in time, EDITOR_FAILED when the script broke off, and what
   * the script itself finds wrong (no document, no such layer ...).
   */
  async run<Reply>(script: Script<Reply>): Promise<Answer<Reply>> {
    const way = await this.#working();
    return this.#exchange(way, script, script.slow ? this.#limits.slow : this.#limits.script);
  }

  /** Hands Photopea a file, which it opens as a document. It says nothing of use: a script has to look. */
  async deliver(file: ArrayBuffer): Promise<void> {
    const way = await this.#working();
    const port = await way.open(() => {});
    port.send(file);
    port.close();
  }

  /** The way found before, or the first of all that answers. */
  async #working(): Promise<PhotopeaPort> {
    if (this.#way && this.#doubtful) {
      await this.#exchange(this.#way, ping(), this.#limits.ping);
      this.#doubtful = false;
    }
    if (this.#way) return this.#way;
    for (const way of this.#ways) {
      try {
        await this.#exchange(way, ping(), this.#limits.ping);
        this.#way = way;
        this.#doubtful = false;
        return way;
      } catch {
        // This one is not answered here; the next may be.
      }
    }
    throw silent();
  }

  async #exchange<Reply>(way: PhotopeaPort, script: Script<Reply>, milliseconds: number): Promise<Answer<Reply>> {
    const id = this.#nextId();
    const pingId = this.#nextId();
    const { promise, resolve, reject } = withResolvers<{ said: unknown; file: ArrayBuffer | null }>();
    let said: unknown = null;
    let file: ArrayBuffer | null = null;
    let failure: string | null = null;
    let ended = false;
    const timers: ReturnType<typeof setTimeout>[] = [];
    const after = (time: number, act: () => void) => timers.push(setTimeout(act, time));

    const hear = (message: Message) => {
      if (typeof message !== 'string') file = message;
      else if (message.startsWith(answerPrefix(id))) {
        const rest = message.slice(answerPrefix(id).length);
        if (rest === END) ended = true;
        else if (rest.startsWith(ERROR)) failure = rest.slice(ERROR.length);
        else said = rest;
      } else if (message.startsWith(answerPrefix(pingId)) && !ended) {
        // Answers come in order, give or take a little: what is not here by then will not come.
        after(this.#limits.doubt / 2, () => !ended && reject(new Ended('the script ended before it was through')));
      } else if (/^(?:[A-Z]\w*)?Error\b/.test(message)) failure ??= message;
      if (failure !== null && (ended || !said)) reject(new Ended(failure));
      else if (ended && (!script.sendsFile || file || isProblem(said))) resolve({ said, file });
    };

    const port = await way.open(hear);
    try {
      port.send(wrap(id, script));
      after(milliseconds, () => reject(silent()));
      after(this.#limits.doubt, () => !ended && port.send(wrap(pingId, ping())));
      const answer = await promise;
      return { reply: understand(script, answer.said), file: answer.file };
    } catch (error) {
      if (error instanceof Ended)
        throw new KernelFusionError('EDITOR_FAILED', brokeOff(error.message), { cause: error });
      this.#doubtful ||= error instanceof KernelFusionError && error.code === 'EDITOR_SILENT';
      throw error;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      port.close();
    }
  }

  #nextId(): string {
    this.#requests += 1;
    return `${this.#session}-${this.#requests}`;
  }
}

const isProblem = (said: unknown) => typeof said === 'string' && said.startsWith('{"problem"');

function understand<Reply>(script: Script<Reply>, said: unknown): Reply {
  let value: unknown;
  try {
    value = JSON.parse(String(said));
  } catch (error) {
    throw new KernelFusionError('EDITOR_FAILED', brokeOff('its answer is not readable'), { cause: error });
  }
  const problem = v.safeParse(problemReply, value);
  if (problem.success) throw new KernelFusionError(...SENTENCES[problem.output.problem]);
  const reply = v.safeParse(script.reply, value);
  if (!reply.success) throw new KernelFusionError('EDITOR_FAILED', brokeOff('its answer is not what was asked for'));
  return reply.output;
}

/** What the page says is quoted, cut short: it is text from somebody else. */
const brokeOff = (why: string) =>
  `Photopea broke off what the panel asked of it (${why.replace(/\s+/g, ' ').slice(0, 120)}). Try again.`;

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
