/** The way between panel and page with both ends as they are, and in between what browsers do: messages are copied. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Editor, Insertion, LayerInfo, SelfTestStep } from '../../../extension/editors/editor.ts';
import { type AnswerPort, serveEditor } from '../../../extension/page/serve-editor.ts';
import { createEditorLink, type LinkBrowser } from '../../../extension/panel/editor-link.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { colourful, plain } from '../../doubles/photopea/scene.ts';

type Answer = Parameters<AnswerPort['postMessage']>[0];
type Question = { readonly id: number; readonly ask: string } & Record<string, unknown>;

const LAYER: LayerInfo = {
  ...{ id: '7', name: 'sprite', kind: 'pixels', visible: true, refusal: null },
  ...{ x: -3, y: 4, width: 1024, height: 2500 },
};

/** An editor with one layer of three pieces: 1024 pixels a row make pieces of 1024 rows. */
function testEditor(more: Partial<Editor> = {}) {
  const picture = colourful(LAYER.width, LAYER.height);
  const inserted: Insertion[] = [];
  const undone: number[] = [];
  const editor: Editor = {
    name: 'minipaint',
    modes: ['keep-document'],
    detect: () => true,
    document: async () => ({ name: 'paper', width: 1100, height: 2600 }),
    layers: async () => [LAYER],
    active: async () => LAYER,
    thumbnail: async (_, side) => plain(side, 3, [1, 2, 3, 4]),
    read: async () => ({ x: LAYER.x, y: LAYER.y, ...picture }),
    async insert(insertion) {
      inserted.push(insertion);
      return { layerId: '8', undoSteps: 2, note: 'Look.' };
    },
    async undo(steps) {
      undone.push(steps);
    },
    ...more,
  };
  return { editor, picture, inserted, undone };
}

/** A tab with a page that answers as `serve` has it; `heard` are the questions that reached the page. */
function tabWith(serve: (port: AnswerPort) => void) {
  const heard: Question[] = [];
  const injected: unknown[] = [];
  let close = () => {};
  const browser = {
    scripting: {
      async executeScript(injection: unknown) {
        injected.push(injection);
        return [];
      },
    },
    tabs: {
      connect() {
        const listeners = { message: (_: unknown) => {}, gone: () => {} };
        const page: AnswerPort = {
          onmessage: null,
          postMessage: (answer) => queueMicrotask(() => listeners.message(structuredClone(answer))),
        };
        close = () => listeners.gone();
        serve(page);
        return {
          postMessage(question: Question) {
            heard.push(question);
            const data = structuredClone(question);
            queueMicrotask(() => page.onmessage?.({ data } as MessageEvent));
          },
          disconnect: () => {},
          onMessage: {
            addListener: (listener: (message: unknown) => void) => Object.assign(listeners, { message: listener }),
          },
          onDisconnect: { addListener: (listener: () => void) => Object.assign(listeners, { gone: listener }) },
        };
      },
    },
  };
  return { browser: browser as unknown as LinkBrowser, heard, injected, close: () => close() };
}

const QUICK = { first: 40, other: 40 };

async function connected(more: Partial<Editor> = {}) {
  const { editor, ...rest } = testEditor(more);
  const tab = tabWith((port) => serveEditor(port, [{ ...editor, detect: () => false }, editor]));
  return { ...tab, ...rest, link: await createEditorLink(tab.browser).connect(3) };
}

/** A page that answers each question as the test says, whatever it makes of it. */
const hostile = (answers: Readonly<Record<string, unknown>>) =>
  tabWith((port) => {
    port.onmessage = ({ data: { id, ask } }) => {
      if (ask in answers) port.postMessage({ id, ok: true, value: answers[ask] } as Answer, []);
    };
  });

const IDENTITY = { name: 'piskel', modes: ['enlarge-document'], tests: false };

async function connectedTo(answers: Readonly<Record<string, unknown>>) {
  const tab = hostile({ editor: IDENTITY, ...answers });
  return { ...tab, link: await createEditorLink(tab.browser, QUICK).connect(1) };
}

test('connecting puts both scripts into the tab, the page’s own world first, and finds the editor', async () => {
  const { link, injected } = await connected();
  assert.deepEqual(injected, [
    { target: { tabId: 3 }, files: ['/page-world.js'], world: 'MAIN' },
    { target: { tabId: 3 }, files: ['/bridge.js'] },
  ]);
  assert.deepEqual([link.name, link.modes, link.selfTest], ['minipaint', ['keep-document'], undefined]);
  assert.deepEqual(await link.document(), { name: 'paper', width: 1100, height: 2600 });
  assert.deepEqual([await link.layers(), await link.active()], [[LAYER], LAYER]);
  assert.deepEqual(await link.thumbnail('7', 5), plain(5, 3, [1, 2, 3, 4]));
});

test('a layer comes whole, piece by piece, each asked for when the one before is here', async () => {
  const { link, heard, picture } = await connected();
  const shares: number[] = [];
  const pixels = await link.read('7', (share) => shares.push(share));
  assert.deepEqual([pixels.x, pixels.y, pixels.width, pixels.height], [-3, 4, 1024, 2500]);
  assert.ok(Buffer.from(pixels.rgba.buffer).equals(Buffer.from(picture.rgba.buffer)));
  assert.deepEqual(shares, [1024 / 2500, 2048 / 2500, 1]);
  assert.deepEqual(
    heard.map(({ ask }) => ask),
    ['editor', 'read', 'pull', 'pull', 'pull'],
  );
});

test('an insertion reaches the editor whole, and undo goes as far as it says', async () => {
  const { link, inserted, undone, heard } = await connected();
  const picture = colourful(1000, 1500, 3);
  const where = { name: 'big', above: '7', x: -6, y: 8, scale: 2, mode: 'keep-document' } as const;
  const shares: number[] = [];
  const answer = await link.insert({ ...where, ...picture }, (share) => shares.push(share));
  assert.deepEqual(answer, { layerId: '8', undoSteps: 2, note: 'Look.' });
  assert.equal(inserted.length, 1);
  const { rgba, ...rest } = inserted[0];
  assert.deepEqual(rest, { ...where, width: 1000, height: 1500 });
  assert.ok(Buffer.from(rgba.buffer).equals(Buffer.from(picture.rgba.buffer)));
  assert.deepEqual(shares, [1048 / 1500, 1]);
  assert.ok(heard.every(({ rows }) => rows === undefined || (rows as ArrayBuffer).byteLength <= 4 * 2 ** 20));
  await link.undo(2);
  assert.deepEqual(undone, [2]);
});

test('a picture that is a part of a larger buffer is sent as the part it is', async () => {
  const { link, inserted } = await connected();
  const rgba = new Uint8ClampedArray(Uint8Array.from({ length: 24 }, (_, index) => index).buffer, 8, 8);
  await link.insert({ name: 'n', above: '7', x: 0, y: 0, scale: 1, mode: 'keep-document', width: 2, height: 1, rgba });
  assert.deepEqual([...inserted[0].rgba], [8, 9, 10, 11, 12, 13, 14, 15]);
});

test('what the editor refuses arrives with code and sentence; what breaks in it, as EDITOR_FAILED', async () => {
  const { link } = await connected({
    async read() {
      throw new KernelFusionError('LAYER_REFUSED', 'It is empty.');
    },
    async undo() {
      throw new TypeError('x is undefined');
    },
  });
  await assert.rejects(link.read('7'), { name: 'KernelFusionError', code: 'LAYER_REFUSED', message: 'It is empty.' });
  await assert.rejects(link.undo(1), { code: 'EDITOR_FAILED', message: /x is undefined/ });
});

test('a page without an editor is told from one that does not let us in and one that keeps silent', async () => {
  const none = tabWith((port) => serveEditor(port, []));
  await assert.rejects(createEditorLink(none.browser).connect(1), { code: 'NO_EDITOR' });
  const closed = tabWith(() => {});
  const scripting = { executeScript: () => Promise.reject(new Error('Cannot access contents of the page')) };
  await assert.rejects(createEditorLink({ ...closed.browser, scripting }).connect(1), { code: 'NO_PERMISSION' });
  const silent = tabWith(() => {});
  await assert.rejects(createEditorLink(silent.browser, QUICK).connect(1), { code: 'EDITOR_SILENT' });
});

test('when the page is gone every question fails with PAGE_CLOSED, and `closed` settles', async () => {
  const { link, close } = await connected({ read: () => new Promise(() => {}) });
  const reading = link.read('7');
  await setImmediate();
  close();
  await assert.rejects(reading, { code: 'PAGE_CLOSED' });
  await link.closed;
  await assert.rejects(link.document(), { code: 'PAGE_CLOSED' });
});

test('disconnecting fails what waits and settles `closed`', async () => {
  const { link } = await connected({ document: () => new Promise(() => {}) });
  const waiting = link.document();
  link.disconnect();
  await assert.rejects(waiting, { code: 'PAGE_CLOSED' });
  await link.closed;
});

test('cancelling stops reading between two pieces, and the page forgets the rest', async () => {
  const { link, heard } = await connected();
  const control = new AbortController();
  await assert.rejects(
    link.read('7', () => control.abort(), control.signal),
    { code: 'CANCELLED' },
  );
  await setImmediate();
  assert.deepEqual(
    heard.map(({ ask }) => ask),
    ['editor', 'read', 'pull', 'drop'],
  );
  const { transfer } = heard[3];
  await assert.rejects(
    async () => {
      const { browser } = tabWith(() => {});
      await createEditorLink(browser).connect(1, control.signal);
    },
    { code: 'CANCELLED' },
  );
  assert.equal(transfer, heard[2].transfer);
});

test('cancelling does not wait for a page that says nothing; what it has read by then is forgotten there', async () => {
  let readAtLast = () => {};
  const { link, heard, picture } = await connected({
    async read() {
      await new Promise<void>((resolve) => {
        readAtLast = resolve;
      });
      return { x: 0, y: 0, ...picture };
    },
  });
  const control = new AbortController();
  const reading = link.read('7', undefined, control.signal);
  await setImmediate();
  control.abort();
  await assert.rejects(reading, { code: 'CANCELLED' });
  readAtLast();
  while (!heard.some(({ ask }) => ask === 'drop')) await setImmediate();
});

test('cancelling an insertion while its pixels travel leaves the editor alone', async () => {
  const { link, inserted, heard } = await connected();
  const control = new AbortController();
  const insertion = {
    name: 'n',
    above: '7',
    x: 0,
    y: 0,
    scale: 1,
    mode: 'keep-document',
    ...plain(1024, 1025, [1, 2, 3, 4]),
  } as const;
  await assert.rejects(
    link.insert(insertion, () => control.abort(), control.signal),
    { code: 'CANCELLED' },
  );
  await setImmediate();
  assert.deepEqual([inserted.length, heard.at(-1)?.ask], [0, 'drop']);
});

test('the steps of a self-test come one by one, as they happen', async () => {
  const steps: SelfTestStep[] = [
    { step: 'answers', ok: true, detail: 'yes' },
    { step: 'draws', ok: false, detail: 'no' },
  ];
  const { link, heard } = await connected({
    async *selfTest() {
      yield* steps;
    },
  });
  const seen: SelfTestStep[] = [];
  for await (const step of link.selfTest?.() ?? []) {
    seen.push(step);
    assert.equal(heard.filter(({ ask }) => ask === 'step').length, seen.length);
  }
  assert.deepEqual(seen, steps);
});

test('a page may claim what it will: only answers that fit are taken', async () => {
  const layer = { ...LAYER, id: '7' };
  const pixels = { x: 0, y: 0, width: 2, height: 2, transfer: 1 };
  const nonsense: [keyof typeof asks, Record<string, unknown>][] = [
    ['document', { document: { name: 'n', width: 0, height: 5 } }],
    ['document', { document: { name: 'n', width: 1.5, height: 5 } }],
    ['document', { document: { name: 'n', width: 1, height: 1, longestSide: -1 } }],
    ['document', { document: '<script>' }],
    ['layers', { layers: [{ ...layer, kind: 'evil' }] }],
    ['layers', { layers: [{ ...layer, id: 'x'.repeat(101) }] }],
    ['layers', { layers: [{ ...layer, x: Number.NaN }] }],
    ['layers', { layers: Array(10_001).fill(layer) }],
    ['active', { active: undefined }],
    ['read', { read: { ...pixels, width: 70_000 } }],
    ['read', { read: pixels, pull: { rows: new ArrayBuffer(15) } }],
    ['read', { read: pixels, pull: { rows: new ArrayBuffer(17) } }],
    ['read', { read: pixels, pull: { rows: Array(16).fill(0) } }],
    ['thumbnail', { thumbnail: { width: 4, height: 1, rows: new ArrayBuffer(16) } }],
    ['thumbnail', { thumbnail: { width: 2, height: 1, rows: new ArrayBuffer(16) } }],
    ['insert', { receive: { transfer: 1 }, push: null, insert: { layerId: '1', undoSteps: 1e9 } }],
    ['insert', { receive: { transfer: 'all' } }],
    ['undo', { undo: 'done' }],
  ];
  const insertion = {
    name: 'n',
    above: '7',
    x: 0,
    y: 0,
    scale: 1,
    mode: 'keep-document',
    ...plain(1, 1, [1, 2, 3, 4]),
  } as const;
  type Link = Awaited<ReturnType<typeof connectedTo>>['link'];
  const asks = {
    document: (link: Link) => link.document(),
    layers: (link: Link) => link.layers(),
    active: (link: Link) => link.active(),
    read: (link: Link) => link.read('7'),
    thumbnail: (link: Link) => link.thumbnail('7', 3),
    insert: (link: Link) => link.insert(insertion),
    undo: (link: Link) => link.undo(1),
  };
  for (const [ask, answers] of nonsense) {
    const { link } = await connectedTo(answers);
    await assert.rejects(asks[ask](link), { code: 'BAD_ANSWER' }, JSON.stringify(answers).slice(0, 80));
  }
  const tab = hostile({ editor: { ...IDENTITY, name: 'other' } });
  await assert.rejects(createEditorLink(tab.browser, QUICK).connect(1), { code: 'BAD_ANSWER' });
});

test('more pixels than can be worked on are refused before one of them travels', async () => {
  const { link, heard } = await connectedTo({ read: { x: 0, y: 0, width: 60_000, height: 60_000, transfer: 5 } });
  await assert.rejects(link.read('7'), { code: 'LAYER_TOO_LARGE' });
  await setImmediate();
  assert.deepEqual(heard.at(-1), { id: heard.length, ask: 'drop', transfer: 5 });
});

test('a failure’s code is one of ours, and long texts are cut', async () => {
  const { link } = await connectedTo({ document: { name: 'n'.repeat(999), width: 1, height: 1, more: 'x' } });
  assert.deepEqual(await link.document(), { name: 'n'.repeat(200), width: 1, height: 1 });
  const tab = tabWith((port) => {
    port.onmessage = ({ data: { id, ask } }) => {
      const answer =
        ask === 'editor'
          ? { id, ok: true, value: IDENTITY }
          : { id, ok: false, code: ask === 'document' ? 'toString' : 'NO_DOCUMENT', sentence: 's'.repeat(9999) };
      port.postMessage(answer as Answer, []);
    };
  });
  const other = await createEditorLink(tab.browser, QUICK).connect(1);
  await assert.rejects(other.layers(), { code: 'NO_DOCUMENT', message: 's'.repeat(500) });
  await assert.rejects(other.document(), { code: 'EDITOR_SILENT' });
});

test('an answer that comes twice, late or unasked is overlooked', async () => {
  const tab = tabWith((port) => {
    port.onmessage = ({ data: { id, ask } }) => {
      port.postMessage({ id: 99, ok: true, value: null } as unknown as Answer, []);
      if (ask === 'editor') port.postMessage({ id, ok: true, value: IDENTITY } as unknown as Answer, []);
      if (ask === 'active') for (const value of [null, LAYER]) port.postMessage({ id, ok: true, value } as Answer, []);
    };
  });
  const link = await createEditorLink(tab.browser, QUICK).connect(1);
  assert.equal(await link.active(), null);
});

test('what an editor may leave out may be there', async () => {
  const document = { name: 'n', width: 1, height: 1, longestSide: 1024 };
  const { link } = await connectedTo({ document });
  assert.deepEqual(await link.document(), document);
});

test('the page asks the editor for nothing it was not asked, and keeps no pixels longer than needed', async () => {
  const replies: Answer[] = [];
  const port: AnswerPort = { onmessage: null, postMessage: (answer) => replies.push(answer) };
  const { editor } = testEditor({ read: async () => ({ x: 0, y: 0, ...plain(2, 1, [1, 2, 3, 4]) }) });
  serveEditor(port, [editor]);
  const ask = async (question: Record<string, unknown>) => {
    port.onmessage?.({ data: { id: replies.length, ...question } } as MessageEvent);
    await setImmediate();
    return replies.at(-1) as Answer;
  };
  assert.equal((await ask({ ask: 'document' })).ok, false); // The editor was not looked for yet.
  await ask({ ask: 'editor' });
  assert.equal((await ask({ ask: 'document' })).ok, true);
  assert.equal((await ask({ ask: 'constructor' })).ok, false);
  await ask({ ask: 'read', layer: '7' });
  assert.equal((await ask({ ask: 'pull', transfer: 1 })).ok, true);
  assert.equal((await ask({ ask: 'pull', transfer: 1 })).ok, false); // All of it was pulled: forgotten.
  await ask({ ask: 'receive', width: 2, height: 1 });
  assert.equal((await ask({ ask: 'pull', transfer: 2 })).ok, false); // It goes the other way.
  assert.equal((await ask({ ask: 'push', transfer: 2, rows: new ArrayBuffer(4) })).ok, true);
  assert.equal((await ask({ ask: 'insert', transfer: 2 })).ok, false); // Half is missing.
  await ask({ ask: 'drop', transfer: 2 });
  assert.equal((await ask({ ask: 'push', transfer: 2, rows: new ArrayBuffer(4) })).ok, false);
});
