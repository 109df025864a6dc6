/** Runs in an editor's page: our adapter for it, asked by remote-editor.ts. Pixels go as plain lists, errors as data. */
import type { Editor } from '../../../extension/editors/editor.ts';
import { minipaint } from '../../../extension/editors/minipaint.ts';
import { piskel } from '../../../extension/editors/piskel.ts';

const EDITORS: Readonly<Record<string, () => Editor>> = { minipaint, piskel };

declare global {
  interface Window {
    askEditor: typeof askEditor;
  }
}

const kept = new Map<string, Editor>();

type Method = Exclude<keyof Editor, 'name' | 'modes' | 'selfTest'>;

async function askEditor(name: string, method: Method | 'modes', given: readonly unknown[]) {
  const editor = kept.get(name) ?? EDITORS[name]();
  kept.set(name, editor);
  if (method === 'modes') return { value: editor.modes };
  try {
    const act = editor[method] as (...given: unknown[]) => unknown;
    return {
      value: swap(await act(...given.map((each) => swap(each, Array, toPixels))), Uint8ClampedArray, Array.from),
    };
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string };
    return { error: { name, code, message } };
  }
}

const toPixels = (list: unknown[]) => Uint8ClampedArray.from(list as number[]);

/** The same object with its `rgba`, if it has one of that sort, as another. */
function swap<T>(value: unknown, sort: abstract new () => T, to: (rgba: T & unknown[]) => unknown): unknown {
  if (typeof value !== 'object' || value === null || !('rgba' in value) || !(value.rgba instanceof sort)) return value;
  return { ...value, rgba: to(value.rgba as T & unknown[]) };
}

window.askEditor = askEditor;
