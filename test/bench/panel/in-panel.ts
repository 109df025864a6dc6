/**
 * Runs in a page of the extension, as the panel does: a layer's way from the editor to the helper as the panel goes it, and the
 * raw pipeline, which sends the same bytes the same way without a question, a check or a protocol.
 */
import type { Browser } from 'webextension-polyfill';
import { createEditorLink } from '../../../extension/panel/editor-link.ts';
import { connectHelper, type Secrets } from '../../../extension/panel/helper-client.ts';
import { DEFAULT_OPTIONS } from '../../../shared/options.ts';

const world = globalThis as typeof globalThis & { browser?: Browser; chrome?: Browser };
const api = (world.browser ?? world.chrome) as Browser;

const tab = async (address: string): Promise<number> => {
  const all = await api.tabs.query({});
  return all.find(({ url }) => url === address)?.id as number;
};

const bench = {
  /** Milliseconds from the question for the layer until the helper has queued all of it. */
  async ours(address: string, port: number, secrets: Secrets): Promise<{ total: number; read: number; sum: number }> {
    const editor = await createEditorLink(api).connect(await tab(address));
    const helper = await connectHelper({ port }, secrets, 'bench');
    const start = performance.now();
    const active = await editor.active();
    const { width, height, rgba } = await editor.read(active?.id ?? '');
    const read = performance.now() - start;
    const job = await helper.start({ width, height, channels: 4, depth: 8 }, { ...DEFAULT_OPTIONS, scale: 1 });
    await helper.upload(job, rgba);
    const total = performance.now() - start;
    await helper.cancel(job);
    await helper.forget(job);
    helper.close();
    editor.disconnect();
    return { total, read, sum: sumOf([rgba]) };
  },
  /** The same from the first question until the other side says that it has the last byte. */
  async raw(address: string, port: number): Promise<{ total: number; sum: number }> {
    const page = api.tabs.connect(await tab(address), { name: 'raw', frameId: 0 });
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    await new Promise((open) => socket.addEventListener('open', open));
    const pieces: Uint8Array[] = [];
    const start = performance.now();
    await new Promise<void>((all) => {
      socket.onmessage = () => all();
      page.onMessage.addListener((message) => {
        const { rows, last } = message as { rows: ArrayBuffer; last: boolean };
        pieces.push(new Uint8Array(rows));
        socket.send(rows);
        if (!last) page.postMessage('next');
        else socket.send('end');
      });
      page.postMessage('next');
    });
    const total = performance.now() - start;
    socket.close();
    page.disconnect();
    return { total, sum: sumOf(pieces) };
  },
};

/** To see that both ways carried the same. */
function sumOf(pieces: readonly ArrayLike<number>[]): number {
  let sum = 0;
  for (const piece of pieces) for (let at = 0; at < piece.length; at++) sum = (sum * 31 + piece[at]) % 1_000_003;
  return sum;
}

declare global {
  interface Window {
    bench: typeof bench;
  }
}
window.bench = bench;
