/** Runs in a page of the extension, beside the panel: the panel's way to an editor, asked by browsers.test.ts. */
import type { Browser } from 'webextension-polyfill';
import { type ConnectedEditor, createEditorLink } from '../../../extension/panel/editor-link.ts';

const world = globalThis as typeof globalThis & { browser?: Browser; chrome?: Browser };
const api = (world.browser ?? world.chrome) as Browser;

const kept: ConnectedEditor[] = [];

const link = {
  /** Resolves to a number for the connection. */
  async connect(address: string): Promise<number> {
    const { id } = (await api.tabs.query({})).find(({ url }) => url === address) ?? {};
    return kept.push(await createEditorLink(api, { first: 2000, other: 5000 }).connect(id as number)) - 1;
  },
  name: async (number: number) => kept[number].name,
  layers: async (number: number) => (await kept[number].layers()).map(({ id }) => id),
  async read(number: number, layer: string) {
    const { rgba, ...box } = await kept[number].read(layer);
    return { ...box, rgba: Array.from(rgba) };
  },
  /** Enlarges a document of 32 x 32 by 2, with a picture of counted values. */
  insert: (number: number, above: string) => {
    const rgba = Uint8ClampedArray.from({ length: 4 * 64 * 64 }, (_, at) => (at % 4 === 3 ? 1 + (at % 255) : at % 251));
    const place = { x: 0, y: 0, scale: 2, mode: 'enlarge-document', width: 64, height: 64 } as const;
    return kept[number].insert({ name: 'inserted', above, ...place, rgba });
  },
  undo: (number: number) => kept[number].undo(1),
  async selfTest(number: number) {
    const steps = [];
    for await (const step of kept[number].selfTest?.() ?? []) steps.push(step);
    return steps;
  },
  closed: (number: number) => kept[number].closed.then(() => 'closed'),
  disconnect: async (number: number) => kept[number].disconnect(),
};

export type Link = typeof link;

/** A failure comes as its code and sentence. */
async function ask<M extends keyof Link>(method: M, ...given: Parameters<Link[M]>) {
  try {
    return { value: await (link[method] as (...given: unknown[]) => unknown)(...given) };
  } catch (error) {
    const { code = 'UNCODED', message } = error as Error & { code?: string };
    return { code, message };
  }
}

declare global {
  interface Window {
    askLink: typeof ask;
  }
}
window.askLink = ask;
