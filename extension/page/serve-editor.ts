/**
 * Answers the panel's questions about the editor of this page, whatever editor that is: pixels in pieces, errors as code and
 * sentence. The other end is panel/editor-link.ts.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Editor, LayerPixels, SelfTestStep } from '../editors/editor.ts';
import { type Answer, type Answered, type Ask, type Asked, type Question, rowsInPiece } from './messages.ts';

/** What is kept between two questions: pixels on their way out, pixels on their way in, a self-test half done. */
type Transfer =
  | { readonly kind: 'out'; readonly picture: Omit<LayerPixels, 'x' | 'y'>; row: number }
  | {
      readonly kind: 'in';
      readonly width: number;
      readonly height: number;
      readonly rgba: Uint8ClampedArray;
      filled: number;
    }
  | { readonly kind: 'test'; readonly steps: AsyncIterator<SelfTestStep> };

/** What is used of a MessagePort. */
export interface AnswerPort {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(answer: Answer, transfer: Transferable[]): void;
}

/** Answers on `port` until it is closed. The first of `editors` that finds itself in the page is the one asked. */
export function serveEditor(port: AnswerPort, editors: readonly Editor[]): void {
  const answers = makeAnswers(editors);
  port.onmessage = async ({ data }: MessageEvent<Question>) => {
    const reply = await answerTo(answers, data);
    port.postMessage(reply, reply.ok ? buffersOf(reply.value) : []);
  };
}

type Answers = { readonly [A in Ask]: (asked: Asked[A]) => Answered[A] | Promise<Answered[A]> };

async function answerTo(answers: Answers, question: Question): Promise<Answer> {
  const { id, ask } = question;
  try {
    if (!Object.hasOwn(answers, ask)) throw new Error(`it is not asked for "${ask}"`);
    // The compiler does not see that the question's name and its contents belong together.
    return { id, ok: true, value: await (answers[ask] as (asked: unknown) => Answered[Ask])(question) };
  } catch (error) {
    if (error instanceof KernelFusionError) return { id, ok: false, code: error.code, sentence: error.message };
    return { id, ok: false, code: 'EDITOR_FAILED', sentence: `The editor failed: ${String(error).slice(0, 200)}` };
  }
}

function makeAnswers(editors: readonly Editor[]): Answers {
  let found: Editor | undefined;
  const transfers = new Map<number, Transfer>();
  let last = 0;

  const editor = (): Editor => {
    if (!found) throw new KernelFusionError('NO_EDITOR', 'No editor was found in this page.');
    return found;
  };
  const keep = (transfer: Transfer): number => {
    transfers.set(++last, transfer);
    return last;
  };
  const kept = <K extends Transfer['kind']>(number: number, kind: K): Extract<Transfer, { kind: K }> => {
    const transfer = transfers.get(number);
    if (transfer?.kind !== kind) throw new Error(`there is no transfer ${number}`);
    return transfer as Extract<Transfer, { kind: K }>;
  };

  return {
    async editor() {
      for (const candidate of editors) {
        if (!(await candidate.detect())) continue;
        found = candidate;
        return { name: found.name, modes: found.modes, tests: found.selfTest !== undefined };
      }
      throw new KernelFusionError(
        'NO_EDITOR',
        'This page is no editor that KernelFusion knows, or it is still loading.',
      );
    },
    document: () => editor().document(),
    layers: () => editor().layers(),
    active: () => editor().active(),
    async thumbnail({ layer, side }) {
      const { width, height, rgba } = await editor().thumbnail(layer, side);
      return { width, height, rows: bytesOf(rgba) };
    },
    async read({ layer }) {
      const { x, y, ...picture } = await editor().read(layer);
      const { width, height } = picture;
      return { x, y, width, height, transfer: keep({ kind: 'out', picture, row: 0 }) };
    },
    pull({ transfer }) {
      const state = kept(transfer, 'out');
      const { width, height, rgba } = state.picture;
      const end = Math.min(height, state.row + rowsInPiece(width));
      const rows = bytesOf(rgba.subarray(4 * width * state.row, 4 * width * end));
      state.row = end;
      if (end === height) transfers.delete(transfer);
      return { rows };
    },
    receive({ width, height }) {
      const rgba = new Uint8ClampedArray(4 * width * height);
      return { transfer: keep({ kind: 'in', width, height, rgba, filled: 0 }) };
    },
    push({ transfer, rows }) {
      const state = kept(transfer, 'in');
      state.rgba.set(new Uint8ClampedArray(rows), state.filled);
      state.filled += rows.byteLength;
      return null;
    },
    async insert({ transfer, name, above, x, y, scale, mode }) {
      const { width, height, rgba, filled } = kept(transfer, 'in');
      if (filled !== rgba.length) throw new Error('rows are missing');
      transfers.delete(transfer);
      return editor().insert({ name, above, x, y, scale, mode, width, height, rgba });
    },
    drop({ transfer }) {
      transfers.delete(transfer);
      return null;
    },
    async undo({ steps }) {
      await editor().undo(steps);
      return null;
    },
    test() {
      const tests = editor().selfTest?.();
      if (!tests) throw new Error('it has no self-test');
      return { transfer: keep({ kind: 'test', steps: tests[Symbol.asyncIterator]() }) };
    },
    async step({ transfer }) {
      const { done, value } = await kept(transfer, 'test').steps.next();
      if (!done) return value;
      transfers.delete(transfer);
      return null;
    },
  };
}

/** A copy of values, to be given away. */
const bytesOf = (rgba: Uint8ClampedArray): ArrayBuffer => new Uint8Array(rgba).buffer;

/** What may be given away with an answer instead of being copied. */
const buffersOf = (value: Answered[Ask]): ArrayBuffer[] => (value !== null && 'rows' in value ? [value.rows] : []);
