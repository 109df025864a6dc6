/**
 * The panel's side of the way to an editor: puts our two scripts into a tab when asked, talks to them, and checks whatever
 * they answer, for they live in a page that is not ours (answers.ts).
 *
 * Scripts are injected by `scripting.executeScript`, which the browser allows in a tab whose toolbar button was clicked
 * (`activeTab`) or on a site the user has allowed.
 */
import * as v from 'valibot';
import type { Browser, Runtime } from 'webextension-polyfill';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { MOST_PIXELS } from '../../shared/protocol/limits.ts';
import type { Editor, Inserted, Insertion, LayerPixels, SelfTestStep } from '../editors/editor.ts';
import { type Answered, type Ask, type Asked, PORT, rowsInPiece } from '../page/messages.ts';
import { ANSWER, ANSWERS } from './answers.ts';
import { untilCancelled } from './until-cancelled.ts';

export interface EditorLink {
  /**
   * Throws `NO_EDITOR` where the page is no editor we know, `NO_PERMISSION` where the browser keeps us out of the tab,
   * `EDITOR_SILENT` where the page does not answer, `PAGE_CLOSED`, `BAD_ANSWER`, `CANCELLED`.
   */
  connect(tabId: number, signal?: AbortSignal): Promise<ConnectedEditor>;
}

type AsEditor = Pick<Editor, 'name' | 'modes' | 'document' | 'layers' | 'active' | 'thumbnail' | 'undo'>;

/**
 * An editor in a tab. Every method may throw what the editor's own throws, and `PAGE_CLOSED` (the page was closed, reloaded
 * or left), `EDITOR_SILENT` (no answer in time) or `BAD_ANSWER` (the page answers nonsense).
 */
export interface ConnectedEditor extends AsEditor {
  /** `onProgress` is told the share that has arrived, 0..1. Throws `LAYER_TOO_LARGE` before pixels travel. */
  read(id: string, onProgress?: (fraction: number) => void, signal?: AbortSignal): Promise<LayerPixels>;
  /** Can be cancelled until all pixels are with the page; `onProgress` as above. */
  insert(insertion: Insertion, onProgress?: (fraction: number) => void, signal?: AbortSignal): Promise<Inserted>;
  /** There where the editor has a self-test. */
  selfTest?(): AsyncIterable<SelfTestStep>;
  /** Settles when the page is gone or `disconnect` was called; never rejects. */
  readonly closed: Promise<void>;
  disconnect(): void;
}

/** What is used of the extension's interface. */
export interface LinkBrowser {
  readonly scripting: Pick<Browser['scripting'], 'executeScript'>;
  readonly tabs: Pick<Browser['tabs'], 'connect'>;
}

export interface LinkLimits {
  /** Milliseconds until a page has to have said which editor it is. */
  readonly first: number;
  /** Milliseconds any other answer may take: editors give up sooner, each with a sentence of its own. */
  readonly other: number;
}

const LIMITS: LinkLimits = { first: 10_000, other: 300_000 };

export function createEditorLink(browser: LinkBrowser, limits = LIMITS): EditorLink {
  return {
    async connect(tabId, signal) {
      throwIfCancelled(signal);
      await inject(browser, tabId);
      throwIfCancelled(signal);
      const line = openLine(browser.tabs.connect(tabId, { name: PORT, frameId: 0 }));
      const stop = () => line.close(new KernelFusionError('CANCELLED', 'Cancelled.'));
      signal?.addEventListener('abort', stop, { once: true });
      try {
        const identity = await line.ask('editor', {}, limits.first);
        return connected(line, identity, limits.other);
      } catch (error) {
        line.close();
        throw error;
      } finally {
        signal?.removeEventListener('abort', stop);
      }
    },
  };
}

async function inject(browser: LinkBrowser, tabId: number): Promise<void> {
  const target = { tabId };
  try {
    // From the top of the extension: Firefox would look beside the page that asks, and say nothing of what is not there.
    await browser.scripting.executeScript({ target, files: ['/page-world.js'], world: 'MAIN' });
    await browser.scripting.executeScript({ target, files: ['/bridge.js'] });
  } catch (cause) {
    throw new KernelFusionError(
      'NO_PERMISSION',
      "The browser does not let KernelFusion into this tab. Click KernelFusion's button in the toolbar while the editor's tab is in front.",
      { cause },
    );
  }
}

interface Line {
  ask<A extends Ask>(ask: A, asked: Asked[A], limit: number): Promise<Answered[A]>;
  readonly closed: Promise<void>;
  /** Fails whatever waits. */
  close(reason?: KernelFusionError): void;
}

/** Questions and answers over a port. */
function openLine(port: Runtime.Port): Line {
  const waiting = new Map<number, { settle(answer: v.InferOutput<typeof ANSWER>): void; fail(error: Error): void }>();
  let last = 0;
  let ended: KernelFusionError | undefined;
  let tellClosed: () => void;
  const closed = new Promise<void>((resolve) => {
    tellClosed = resolve;
  });

  const end = (reason: KernelFusionError) => {
    if (ended) return;
    ended = reason;
    for (const { fail } of waiting.values()) fail(reason);
    tellClosed();
  };
  port.onDisconnect.addListener(() => end(pageClosed()));
  port.onMessage.addListener((message) => {
    const answer = v.safeParse(ANSWER, message);
    // An answer nobody waits for any more is overlooked, and so is what is no answer: the question's time will run out.
    if (answer.success) waiting.get(answer.output.id)?.settle(answer.output);
  });

  return {
    closed,
    close(reason = pageClosed()) {
      end(reason);
      port.disconnect();
    },
    ask<A extends Ask>(ask: A, asked: Asked[A], limit: number) {
      const id = ++last;
      return new Promise<Answered[A]>((resolve, reject) => {
        if (ended) throw ended;
        const fail = (error: Error) => {
          waiting.delete(id);
          clearTimeout(timer);
          reject(error);
        };
        const timer = setTimeout(() => fail(silent()), limit);
        waiting.set(id, {
          fail,
          settle(answer) {
            if (!answer.ok) return fail(new KernelFusionError(answer.code, answer.sentence));
            const value = v.safeParse(ANSWERS[ask], answer.value);
            if (!value.success) return fail(nonsense());
            waiting.delete(id);
            clearTimeout(timer);
            resolve(value.output);
          },
        });
        port.postMessage({ id, ask, ...asked });
      });
    },
  };
}

function connected(line: Line, { name, modes, tests }: Answered['editor'], limit: number): ConnectedEditor {
  const ask = <A extends Ask>(question: A, asked: Asked[A]) => line.ask(question, asked, limit);
  /** Forgets a transfer, when that still matters. */
  const drop = (transfer: number) => void ask('drop', { transfer }).catch(() => {});

  const editor: ConnectedEditor = {
    name,
    modes,
    closed: line.closed,
    disconnect: () => line.close(),
    document: () => ask('document', {}),
    layers: async () => [...(await ask('layers', {}))],
    active: () => ask('active', {}),
    async thumbnail(layer, side) {
      const { width, height, rows } = await ask('thumbnail', { layer, side });
      const fits = width <= side && height <= side && rows.byteLength === 4 * width * height;
      if (!fits) throw nonsense();
      return { width, height, rgba: new Uint8ClampedArray(rows) };
    },
    async read(layer, onProgress, signal) {
      throwIfCancelled(signal);
      const opened = ask('read', { layer });
      const { transfer, x, y, width, height } = await untilCancelled(opened, signal).catch((error) => {
        opened.then((late) => drop(late.transfer)).catch(() => {});
        throw error;
      });
      try {
        if (width * height > MOST_PIXELS) throw tooLarge(width, height);
        const rgba = new Uint8ClampedArray(4 * width * height);
        for (let row = 0; row < height; row += rowsInPiece(width)) {
          throwIfCancelled(signal);
          const { rows } = await untilCancelled(ask('pull', { transfer }), signal);
          const count = Math.min(rowsInPiece(width), height - row);
          if (rows.byteLength !== 4 * width * count) throw nonsense();
          rgba.set(new Uint8ClampedArray(rows), 4 * width * row);
          onProgress?.((row + count) / height);
        }
        return { x, y, width, height, rgba };
      } catch (error) {
        drop(transfer);
        throw error;
      }
    },
    async insert({ rgba, width, height, ...where }, onProgress, signal) {
      throwIfCancelled(signal);
      const { transfer } = await ask('receive', { width, height });
      try {
        for (let row = 0; row < height; row += rowsInPiece(width)) {
          throwIfCancelled(signal);
          const end = Math.min(height, row + rowsInPiece(width));
          const rows = new Uint8Array(rgba.subarray(4 * width * row, 4 * width * end)).buffer;
          await untilCancelled(ask('push', { transfer, rows }), signal);
          onProgress?.(end / height);
        }
        throwIfCancelled(signal);
      } catch (error) {
        drop(transfer);
        throw error;
      }
      return ask('insert', { transfer, ...where });
    },
    async undo(steps) {
      await ask('undo', { steps });
    },
  };
  if (!tests) return editor;
  return {
    ...editor,
    async *selfTest() {
      const { transfer } = await ask('test', {});
      for (;;) {
        const step = await ask('step', { transfer });
        if (step === null) return;
        yield step;
      }
    },
  };
}

const pageClosed = () =>
  new KernelFusionError('PAGE_CLOSED', 'The editor was closed or reloaded. Open it again, then try once more.');
const silent = () =>
  new KernelFusionError(
    'EDITOR_SILENT',
    'The editor did not answer. Close any dialog that is open in it, or reload it.',
  );
const nonsense = () =>
  new KernelFusionError('BAD_ANSWER', 'The editor gave an answer that makes no sense. Reload it, then try once more.');
const tooLarge = (width: number, height: number) =>
  new KernelFusionError(
    'LAYER_TOO_LARGE',
    `This layer has ${width} x ${height} pixels, more than can be worked on (4096 x 4096). Crop or reduce it.`,
  );
