/**
 * The Photopea double's mail: scripts and files in; strings, files and more "done"s than one can use out.
 *
 * The one idea: it keeps the documented contract (photopea.com/api/live) in the worst way the reports tell of. "done" comes
 * early, twice or never; pings of another protocol come between; answers come late; a script may die in silence at any
 * call; pictures are opened and sent after the script. One message at a time, in order.
 */
import { type Application, type Errand, globalsFor, type HostQuirks, place } from './host.ts';
import { Death, interpret } from './interpreter.ts';
import { composite, type Picture } from './model.ts';

/** How pictures become PNG files and back: sharp in Node, a canvas in a browser. */
export interface Codec {
  encode(picture: Picture): Promise<ArrayBuffer>;
  decode(bytes: ArrayBuffer): Promise<Picture>;
}

export interface Quirks extends HostQuirks {
  /** "done" before the answers of the script. */
  readonly earlyDone?: boolean;
  /** No "done" at all. */
  readonly mute?: boolean;
  /** Messages of a protocol that is not ours, before every answer. */
  readonly pings?: boolean;
  /** Answers come this many milliseconds after the script. */
  readonly echoDelay?: number;
  /** `app.open` has its layer in place this many milliseconds later, when other scripts may have run. */
  readonly openDelay?: number;
  /** Exported files come this many milliseconds after the echoes of the script. */
  readonly exportDelay?: number;
}

export type Reply = (message: string | ArrayBuffer) => void;

export class PhotopeaDouble {
  readonly application: Application = { docs: [], active: -1 };
  quirks: Quirks = {};
  /** The script dies at this call of a host function, counted from 1 over all scripts; 0: never. */
  dieAt = 0;
  /** Calls of host functions so far, over all scripts. */
  calls = 0;
  /** While a dialog is open no message is looked at. */
  dialog = false;
  /** Every script received, for a test to look at. */
  readonly scripts: string[] = [];
  /** Hears of every change that could be seen. */
  onChange: () => void = () => {};

  readonly #codec: Codec;
  #queue: Promise<void> = Promise.resolve();

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** Takes a message as Photopea's window would. `reply` gets what comes back, in its own time. */
  receive(message: string | ArrayBuffer, reply: Reply): void {
    this.#queue = this.#queue
      .then(() =>
        this.dialog ? undefined : typeof message === 'string' ? this.#run(message, reply) : this.#open(message, reply),
      )
      .catch((error: unknown) => {
        reply(String(error));
      });
  }

  async #open(file: ArrayBuffer, reply: Reply): Promise<void> {
    place(this.application, await this.#codec.decode(file), false);
    this.onChange();
    reply('done');
  }

  async #run(script: string, reply: Reply): Promise<void> {
    this.scripts.push(script);
    const { quirks } = this;
    const errands: Errand[] = [];
    const errors: string[] = [];
    let dead = false;
    try {
      interpret(script, globalsFor(this.application, errands, quirks), () => {
        this.calls += 1;
        if (this.calls === this.dieAt) throw new Death('as the test wished');
      });
    } catch (error) {
      if (error instanceof Death) dead = true;
      else errors.push(String(error));
    }
    this.onChange();
    if (quirks.pings) reply('MSFAPI#{"type":"ping"}');
    if (quirks.earlyDone) reply('done');
    if (quirks.echoDelay) await delay(quirks.echoDelay);
    for (const errand of errands) {
      if (errand.kind === 'text') reply(errand.text);
      if (errand.kind === 'done') reply('done');
      // A document closed meanwhile is not sent: whether Photopea draws at the call or after the script is not known.
      if (errand.kind === 'export' && this.application.docs.includes(errand.doc)) {
        const file = this.#codec.encode(composite(errand.doc));
        if (quirks.exportDelay) void Promise.all([file, delay(quirks.exportDelay)]).then(([bytes]) => reply(bytes));
        else reply(await file);
      }
      if (errand.kind === 'open') {
        const put = async () => {
          const file = await (await fetch(errand.url)).arrayBuffer();
          place(this.application, await this.#codec.decode(file), errand.smart);
          this.onChange();
        };
        if (quirks.openDelay) void delay(quirks.openDelay).then(put);
        else await put();
      }
    }
    for (const error of errors) reply(error);
    if (!dead && !quirks.mute && !quirks.earlyDone) reply('done');
  }
}

const delay = (milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds));
