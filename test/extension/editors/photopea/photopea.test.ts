/**
 * The Photopea adapter against a double that keeps Photopea's contract in the worst ways reported (test/doubles/photopea).
 * Pixels are compared bit for bit; what a user would miss is compared before and after.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'acorn';
import type { Insertion } from '../../../../extension/editors/editor.ts';
import type { Limits } from '../../../../extension/editors/photopea/channel.ts';
import { photopeaThrough } from '../../../../extension/editors/photopea/photopea.ts';
import { TEMPORARY } from '../../../../extension/editors/photopea/scripts.ts';
import { encodePng } from '../../../../extension/editors/png.ts';
import { PhotopeaDouble, type Quirks } from '../../../doubles/photopea/double.ts';
import { picture as looksOf } from '../../../doubles/photopea/host.ts';
import { type Layer, layer, newDocument, opaqueBox, remember, rendered } from '../../../doubles/photopea/model.ts';
import { photopeaDouble, portTo } from '../../../doubles/photopea/node.ts';
import { colourful, plain, poster } from '../../../doubles/photopea/scene.ts';

const LIMITS: Limits = { ping: 100, doubt: 60, script: 400, slow: 800, appear: 400, address: 1e6 };
const PAGE = { hostname: 'www.photopea.com', title: 'Photopea | Online Photo Editor' };

function editorOf(double: PhotopeaDouble, limits: Partial<Limits> = {}) {
  return photopeaThrough({ ways: [portTo(double)], limits: { ...LIMITS, ...limits }, page: PAGE });
}

function opened(quirks: Quirks = {}) {
  const double = photopeaDouble(quirks);
  return { double, editor: editorOf(double), ...poster(double) };
}

const idOf = (one: Layer) => String(one.id);

/** The layer enlarged by repeating its pixels: what an insertion brings, told apart pixel by pixel. */
function enlarged(one: Layer, scale: 1 | 2 | 3 | 4, mode: Insertion['mode']): Insertion {
  const picture = rendered({ ...one, scale })!;
  return {
    ...{ name: `${one.name} ×${scale}`, above: idOf(one), scale, mode },
    ...{ x: one.x * scale, y: one.y * scale, ...picture },
  };
}

const hostile: [string, Quirks][] = [
  ['as documented', {}],
  ['with "done" before the answers, and pings of others', { earlyDone: true, pings: true }],
  ['without any "done", answers late', { mute: true, echoDelay: 15 }],
  ['with files long after the answers', { exportDelay: 30 }],
  ['with layer kinds as numbers', { numberedKinds: true }],
  ['whose new documents are white', { whitePaper: true }],
  ['that cannot copy a layer into another document', { noDuplicate: true }],
  ['whose layers end within a pixel', { inset: 0.375 }],
];

for (const [how, quirks] of hostile) {
  test(`Photopea ${how}: every layer is read exactly, and its documents stay as they were`, async () => {
    const { double, editor, layers } = opened(quirks);
    const before = looksOf(double.application);
    const { sprite, inner, hidden, turned, title } = layers;
    for (const one of [sprite, inner, hidden, turned, title]) {
      const { x, y, ...picture } = await editor.read(idOf(one));
      assert.deepEqual([x, y], [one.x, one.y], one.name);
      assert.deepEqual(picture, rendered(one), `${one.name}: straight colours, no opacity, shown though hidden`);
    }
    assert.deepEqual(looksOf(double.application), before);
  });
}

test('a layer partly outside of the document is read whole, at its negative place', async () => {
  const { editor, layers, double } = opened();
  const before = looksOf(double.application);
  const { x, y, ...picture } = await editor.read(idOf(layers.outside));
  assert.deepEqual([x, y], [-3, 12]);
  assert.deepEqual(picture, layers.outside.picture);
  assert.deepEqual(looksOf(double.application), before);
});

test('transparent margins are cut off, and counted into the place', async () => {
  const { editor, layers } = opened();
  const { rgba } = plain(8, 6, [1, 2, 3, 0]);
  rgba.set([200, 100, 50, 7], 4 * (2 * 8 + 3));
  rgba.set([20, 10, 5, 255], 4 * (3 * 8 + 4));
  layers.sprite.picture = { width: 8, height: 6, rgba };
  const pixels = await editor.read(idOf(layers.sprite));
  assert.deepEqual([pixels.x, pixels.y, pixels.width, pixels.height], [3 + 3, 2 + 2, 2, 2]);
  assert.deepEqual([...pixels.rgba.subarray(0, 4)], [200, 100, 50, 7]);
  assert.deepEqual([...pixels.rgba.subarray(12)], [20, 10, 5, 255]);
});

test('a group is read as it looks, its layers over one another', async () => {
  const { editor, layers } = opened();
  const { x, y, ...picture } = await editor.read(idOf(layers.group));
  assert.deepEqual([x, y], [10, 8]);
  assert.deepEqual(
    picture,
    layers.inner.picture,
    'the hidden one stays hidden, the opacity of the group is left aside',
  );
});

test('documents and layers are told, top first, with kinds, boxes and refusals', async () => {
  const { editor, layers } = opened();
  assert.deepEqual(await editor.document(), { name: 'poster.psd', width: 20, height: 15 });
  const told = await editor.layers();
  assert.deepEqual(
    told.map(({ name, kind, refusal }) => [name, kind, refusal === null]),
    [
      ['sprite', 'pixels', true],
      ['curves', 'adjustment', false],
      ['title', 'text', true],
      ['group', 'group', true],
      ['inner', 'pixels', true],
      ['hidden', 'pixels', true],
      ['turned', 'other', true],
      ['outside', 'pixels', true],
      ['empty', 'empty', false],
      ['Background', 'pixels', true],
    ],
  );
  const { id, x, y, width, height, visible } = told[5];
  assert.deepEqual([id, x, y, width, height, visible], [idOf(layers.hidden), 12, 1, 3, 3, false]);
  assert.equal((await editor.active())?.id, idOf(layers.sprite));
});

test('a layer that ends within a pixel is told by the whole pixels that hold it, which are those that are read', async () => {
  const { editor, layers } = opened({ inset: 0.375 });
  for (const one of [layers.sprite, layers.outside]) {
    const told = (await editor.layers()).find(({ id }) => id === idOf(one));
    const { x, y, width, height } = await editor.read(idOf(one));
    assert.deepEqual([told?.x, told?.y, told?.width, told?.height], [x, y, width, height], one.name);
  }
  const [sprite] = await editor.layers();
  assert.deepEqual([sprite.x, sprite.y, sprite.width, sprite.height], [3, 2, 8, 6]);
  assert.match((await editor.layers()).find(({ id }) => id === idOf(layers.empty))?.refusal ?? '', /empty/);
});

test('while something is selected, boxes are those of the document and reading is exact all the same', async () => {
  const { editor, layers, doc } = opened();
  doc.selection = [0, 0, 2, 2];
  const active = await editor.active();
  assert.deepEqual([active?.x, active?.y, active?.width, active?.height], [0, 0, 20, 15]);
  assert.deepEqual((await editor.read(idOf(layers.sprite))).rgba, layers.sprite.picture?.rgba);
  assert.deepEqual(doc.selection, [0, 0, 2, 2]);
});

test('a thumbnail is no larger than asked, and averages colour by alpha', async () => {
  const { editor, layers } = opened();
  const rgba = new Uint8ClampedArray([100, 0, 0, 255, 0, 200, 0, 85, 9, 9, 9, 0, 9, 9, 9, 0]);
  layers.sprite.picture = { width: 4, height: 1, rgba };
  const small = await editor.thumbnail(idOf(layers.sprite), 1);
  // The two transparent pixels are cut off first; (100 * 255 + 0) / 340 = 75, (200 * 85) / 340 = 50, (255 + 85) / 2 = 170.
  assert.deepEqual({ ...small, rgba: [...small.rgba] }, { width: 1, height: 1, rgba: [75, 50, 0, 170] });
});

test('what cannot be read is refused with a sentence', async () => {
  const { editor, layers } = opened();
  const refusals: [Layer, RegExp][] = [
    [layers.curves, /adjustment layer/],
    [layers.empty, /empty/],
  ];
  for (const [one, message] of refusals) {
    await assert.rejects(editor.read(idOf(one)), { code: 'LAYER_REFUSED', message });
  }
  await assert.rejects(editor.read('no such'), { code: 'NO_SUCH_LAYER' });
  layers.outside.x = -20_000_000; // 15 rows of it are more than 16,384 × 16,384 pixels.
  await assert.rejects(editor.read(idOf(layers.outside)), { code: 'LAYER_TOO_LARGE', message: /Crop/ });
  const bare = editorOf(photopeaDouble());
  for (const ask of [() => bare.document(), () => bare.layers(), () => bare.active(), () => bare.read('1')]) {
    await assert.rejects(ask(), { code: 'NO_DOCUMENT', message: /Open one/ });
  }
});

for (const [how, quirks] of [
  ...hostile.filter(([, { noDuplicate }]) => !noDuplicate),
  ['with layers that appear late', { openDelay: 40 }] as const,
]) {
  test(`Photopea ${how}: the document is enlarged, the layer lies exactly in its place, and is taken back`, async () => {
    const { double, editor, layers, doc } = opened(quirks);
    const before = looksOf(double.application);
    const { layerId, undoSteps, note } = await editor.insert(enlarged(layers.sprite, 4, 'enlarge-document'));
    assert.equal(note, undefined);
    assert.deepEqual([doc.width, doc.height], [80, 60]);
    assert.equal(doc.present, undoSteps, 'as many steps as the history has');
    const [first, second] = doc.layers;
    assert.deepEqual([idOf(first), first.name, idOf(second)], [layerId, 'sprite ×4', idOf(layers.sprite)]);
    assert.deepEqual(opaqueBox(first), [12, 8, 44, 32]);
    assert.deepEqual(rendered(first), rendered({ ...layers.sprite, scale: 4 }));
    assert.deepEqual([first.opacity, first.blendMode], [60, 'mul'], 'it looks like the old one');
    await editor.undo(undoSteps);
    assert.deepEqual(looksOf(double.application), before);
  });
}

test('the document is kept: the layer has more pixels than it covers', async () => {
  const { editor, layers, doc, double } = opened();
  const before = looksOf(double.application);
  const insertion = enlarged(layers.sprite, 3, 'keep-document');
  const { undoSteps } = await editor.insert(insertion);
  assert.deepEqual([doc.width, doc.height], [20, 15]);
  const [first] = doc.layers;
  assert.deepEqual(opaqueBox(first), opaqueBox(layers.sprite));
  assert.deepEqual(first.picture?.rgba, insertion.rgba, 'all its pixels are kept within');
  await editor.undo(undoSteps);
  assert.deepEqual(looksOf(double.application), before);
});

test('a layer within a group goes above it, in the group', async () => {
  const { editor, layers, doc } = opened();
  await editor.insert(enlarged(layers.inner, 2, 'enlarge-document'));
  const group = doc.layers.find(({ name }) => name === 'group');
  assert.deepEqual(
    group?.children?.map(({ name }) => name),
    ['inner ×2', 'inner', 'hidden'],
  );
});

test('transparent margins of the result do not shift it', async () => {
  const { editor, layers, doc } = opened();
  const insertion = enlarged(layers.sprite, 2, 'enlarge-document');
  for (let y = 0; y < 12; y++) insertion.rgba.fill(0, 4 * 16 * y, 4 * (16 * y + 5)); // Five columns on the left.
  await editor.insert(insertion);
  assert.deepEqual(opaqueBox(doc.layers[0]), [6 + 5, 4, 6 + 16, 4 + 12]);
});

test('a result larger than the document, partly outside, is in its place within the rounding', async () => {
  const { editor, layers, doc } = opened();
  layers.outside.picture = colourful(30, 20);
  layers.outside.y = -2;
  const { note } = await editor.insert(enlarged(layers.outside, 2, 'enlarge-document'));
  const box = opaqueBox(doc.layers.find(({ name }) => name === 'outside ×2')!)!;
  for (const [edge, wanted] of [-6, -4, 54, 36].entries()) assert.ok(Math.abs(box[edge] - wanted) <= 1, `${box}`);
  assert.equal(note, undefined);
});

test('a result too large for the text of a script is opened as a file, and its layer moved over', async () => {
  const { double, layers, doc } = opened({ openDelay: 20 });
  const editor = editorOf(double, { address: 100 });
  const before = looksOf(double.application);
  const insertion = enlarged(layers.inner, 2, 'enlarge-document');
  const { layerId, undoSteps } = await editor.insert(insertion);
  assert.equal(double.application.docs.length, 1);
  const group = doc.layers.find(({ name }) => name === 'group');
  const [first, second] = group?.children ?? [];
  assert.deepEqual([idOf(first), first.name, second.name], [layerId, 'inner ×2', 'inner']);
  assert.deepEqual([first.picture?.rgba, opaqueBox(first)], [insertion.rgba, [20, 16, 28, 24]]);
  await editor.undo(undoSteps);
  assert.deepEqual(looksOf(double.application), before);
});

test('as a document of its own it needs no other', async () => {
  const { double, editor, layers } = opened();
  const insertion = enlarged(layers.sprite, 4, 'new-document');
  const { undoSteps, note } = await editor.insert(insertion);
  const made = double.application.docs[1];
  assert.deepEqual([made.width, made.height, made.layers[0].name], [32, 24, 'sprite ×4']);
  assert.deepEqual(made.layers[0].picture?.rgba, insertion.rgba);
  assert.deepEqual([undoSteps, /document of its own/.test(note ?? '')], [0, true]);

  const bare = photopeaDouble();
  await editorOf(bare).insert(insertion);
  assert.equal(bare.application.docs.length, 1);
});

test('a selection is dropped, said, and brought back by undo', async () => {
  const { editor, layers, doc } = opened();
  doc.selection = [1, 1, 5, 5];
  doc.history[0].selection = [1, 1, 5, 5];
  const { undoSteps, note } = await editor.insert(enlarged(layers.sprite, 2, 'keep-document'));
  assert.match(note ?? '', /selection was dropped/);
  assert.equal(doc.selection, null);
  await editor.undo(undoSteps);
  assert.deepEqual(doc.selection, [1, 1, 5, 5]);
});

test('undo never takes back what the user did before', async () => {
  const { editor, layers, doc, double } = opened();
  layers.title.name = 'renamed by hand';
  doc.history.push(structuredClone({ ...doc.history[0], layers: doc.layers }));
  doc.present = 1;
  const before = looksOf(double.application);
  const { undoSteps } = await editor.insert(enlarged(layers.sprite, 2, 'keep-document'));
  await editor.undo(undoSteps + 10);
  assert.deepEqual(looksOf(double.application), before);
});

test('where much was done since, or in another document, undo changes nothing and says so', async () => {
  const { editor, layers, doc, double } = opened();
  const { undoSteps } = await editor.insert(enlarged(layers.sprite, 2, 'keep-document'));
  for (let step = 0; step < 10; step++) {
    doc.layers[0].name = `renamed by hand ${step}`;
    remember(doc);
  }
  const before = looksOf(double.application);
  await assert.rejects(editor.undo(undoSteps), { code: 'EDITOR_FAILED', message: /Press Ctrl\+Z/ });
  assert.deepEqual(looksOf(double.application), before);

  const other = newDocument('other.psd', 9, 9, [layer({ name: 'mine' })]);
  other.layers[0].name = 'changed by hand';
  remember(other);
  double.application.docs.push(other);
  double.application.active = 1;
  await assert.rejects(editor.undo(undoSteps), { code: 'DOCUMENT_CHANGED' });
  assert.deepEqual([other.present, other.layers[0].name], [1, 'changed by hand']);
});

test('a temporary document that a closed panel left is cleared away', async () => {
  const { editor, double } = opened();
  double.application.docs.push(newDocument(`${TEMPORARY}.psd`, 20, 15, [layer({})]));
  double.application.active = 1;
  assert.equal((await editor.document()).name, 'poster.psd');
  assert.deepEqual(
    double.application.docs.map(({ name }) => name),
    ['poster.psd'],
  );
});

test('a picture larger than a browser can hold is not even unpacked', async () => {
  const file = await encodePng(plain(1, 1, [0, 0, 0, 255]));
  new DataView(file.buffer).setUint32(16, 2 ** 30);
  const double = new PhotopeaDouble({ encode: async () => file.buffer, decode: () => Promise.reject(new Error()) });
  const { layers } = poster(double);
  await assert.rejects(editorOf(double).read(idOf(layers.sprite)), { code: 'LAYER_TOO_LARGE' });
  assert.equal(double.application.docs.length, 1);
});

test('where the history is not told, undo says what to press', async () => {
  const { editor, layers } = opened({ noHistory: true });
  const { undoSteps } = await editor.insert(enlarged(layers.sprite, 2, 'keep-document'));
  await assert.rejects(editor.undo(undoSteps), { code: 'EDITOR_FAILED', message: /Ctrl\+Z/ });
});

test('another document, or one of another size, is not inserted into', async () => {
  const { double, editor, layers, doc } = opened();
  await editor.read(idOf(layers.sprite));
  doc.width = 40;
  const insertion = enlarged(layers.sprite, 2, 'keep-document');
  await assert.rejects(editor.insert(insertion), { code: 'DOCUMENT_CHANGED', message: /changed its size/ });
  doc.width = 20;
  double.application.docs.push(newDocument('other.psd', 20, 15, [layer({ id: layers.sprite.id })]));
  double.application.active = 1;
  const before = looksOf(double.application);
  await assert.rejects(editor.insert(insertion), { code: 'DOCUMENT_CHANGED', message: /poster\.psd/ });
  assert.deepEqual(looksOf(double.application), before);
});

test('names are data: quotes, line ends and code in them change nothing', async () => {
  const name = 'a"b\\c\u2028d\n");app.activeDocument.close();//';
  const { double, editor, layers, doc } = opened();
  layers.sprite.name = name;
  await editor.insert({ ...enlarged(layers.sprite, 2, 'keep-document'), name });
  assert.equal(doc.layers[0].name, 'a"b\\c d ");app.activeDocument.close();//');
  assert.equal(double.application.docs.length, 1);
});

test('every script is ES5, without finally and without return in a try', async () => {
  const { double, editor, layers } = opened();
  await editor.read(idOf(layers.outside));
  await editor.undo((await editor.insert(enlarged(layers.sprite, 2, 'enlarge-document'))).undoSteps);
  await editor.insert(enlarged(layers.sprite, 2, 'new-document'));
  for await (const _ of editor.selfTest!());
  double.quirks = { noDuplicate: true };
  double.application.active = 0;
  await editor.read(idOf(layers.sprite));
  assert.ok(double.scripts.length > 20);
  for (const script of double.scripts) {
    parse(script, { ecmaVersion: 5 });
    assert.doesNotMatch(script, /\bfinally\b/);
    assert.doesNotMatch(script, /try\{[^}]*\breturn\b/);
  }
});

test('the double refuses what Photopea refuses: a script of ES6 is answered by an error alone', async () => {
  const double = photopeaDouble();
  const answers = await new Promise<unknown[]>((resolve) => {
    const heard: unknown[] = [];
    double.receive('let a = () => 1; app.echoToOE("ran");', (answer) => {
      heard.push(answer);
      if (answer === 'done') resolve(heard);
    });
  });
  assert.deepEqual(
    answers.map(String).map((answer) => answer.split(':')[0]),
    ['SyntaxError', 'done'],
  );
});

test('a dialog that is open is waited for no longer than agreed, and afterwards all works again', async () => {
  const { double, editor, layers } = opened();
  await editor.document();
  double.dialog = true;
  await assert.rejects(editor.document(), { code: 'EDITOR_SILENT', message: /Close any window/ });
  await assert.rejects(editor.read(idOf(layers.sprite)), { code: 'EDITOR_SILENT' });
  double.dialog = false;
  assert.deepEqual((await editor.read(idOf(layers.sprite))).rgba, layers.sprite.picture?.rgba);
});

test('the first way that is answered is taken', async () => {
  const double = photopeaDouble();
  poster(double);
  const deaf = { ...portTo(photopeaDouble(), 'shim'), open: async () => ({ send() {}, close() {} }) };
  const missing = { ...portTo(double, 'plugin'), open: () => Promise.reject(new Error('no plugin')) };
  const editor = photopeaThrough({ ways: [deaf, missing, portTo(double, 'frame')], limits: LIMITS, page: PAGE });
  const steps = [];
  for await (const step of editor.selfTest!()) steps.push(step);
  assert.deepEqual(
    steps.map(({ ok }) => ok),
    [true, true, true, true],
  );
  assert.match(steps[0].detail, /frame/);
});

test('the self-test says where it fails, and leaves no document behind', async () => {
  const double = photopeaDouble();
  poster(double);
  const before = looksOf(double.application);
  const editor = editorOf(double);
  double.dialog = true;
  const silent = [];
  for await (const { ok } of editor.selfTest!()) silent.push(ok);
  assert.deepEqual(silent, [false], 'nothing else can be tried');
  double.dialog = false;
  for await (const { ok, step } of editor.selfTest!()) assert.ok(ok, step);
  assert.deepEqual(looksOf(double.application), before);
});

test('Photopea is told by its address, or by its title at another address', () => {
  const detect = (hostname: string, title: string) => photopeaThrough({ ways: [], page: { hostname, title } }).detect();
  assert.ok(detect('www.photopea.com', 'poster.psd'));
  assert.ok(detect('images.example.org', 'Photopea | Online Photo Editor'));
  assert.ok(!detect('photopea.com.evil.example', 'poster.psd'));
  assert.ok(!detect('example.org', 'About Photopea'));
});

test('operations asked for at once are done one after another', async () => {
  const { double, editor, layers } = opened({ exportDelay: 5 });
  const before = looksOf(double.application);
  const { sprite, inner, turned } = layers;
  const read = await Promise.all([sprite, inner, turned].map((one) => editor.read(idOf(one))));
  assert.deepEqual(
    read.map(({ rgba }) => rgba),
    [sprite, inner, turned].map((one) => rendered(one)?.rgba),
  );
  assert.deepEqual(looksOf(double.application), before);
});

test('wherever a script dies, a read ends with the pixels or a sentence, and the documents are as they were', async () => {
  for (const quirks of [{}, { noDuplicate: true }]) {
    const { double } = opened();
    const calls = await callsOf(quirks, ({ editor, layers }) => editor.read(idOf(layers.inner)));
    assert.ok(calls > 30);
    assert.ok(double);
    for (let dieAt = 1; dieAt <= calls; dieAt += 3) {
      const { double: dying, layers } = opened(quirks);
      const editor = editorOf(dying, { doubt: 10 });
      const before = looksOf(dying.application);
      dying.dieAt = dieAt;
      const read = await editor.read(idOf(layers.inner)).catch((error: unknown) => error);
      if (read instanceof Error) assert.match(read.message, /Photopea/, `dead at ${dieAt}`);
      else assert.deepEqual((read as { rgba: unknown }).rgba, layers.inner.picture?.rgba, `dead at ${dieAt}`);
      await editor.active(); // What is owed is paid with the next question at the latest.
      assert.deepEqual(looksOf(dying.application), before, `dead at ${dieAt}`);
    }
  }
});

test('wherever a script dies, an insertion is whole or taken back, or the user is told to undo', async () => {
  const calls = await callsOf({}, ({ editor, layers }) =>
    editor.insert(enlarged(layers.sprite, 2, 'enlarge-document')),
  );
  for (let dieAt = 1; dieAt <= calls; dieAt += 2) {
    const { double, layers, doc } = opened();
    const editor = editorOf(double, { doubt: 10, appear: 60 });
    const before = looksOf(double.application);
    double.dieAt = dieAt;
    try {
      await editor.insert(enlarged(layers.sprite, 2, 'enlarge-document'));
      assert.deepEqual([doc.width, doc.layers[0].name], [40, 'sprite ×2'], `dead at ${dieAt}`);
      assert.deepEqual(opaqueBox(doc.layers[0]), [6, 4, 22, 16], `dead at ${dieAt}`);
    } catch (error) {
      const { message } = error as Error;
      assert.match(message, /as it was|broke off|did not answer/, `dead at ${dieAt}`);
      assert.deepEqual(looksOf(double.application), before, `dead at ${dieAt}: ${message}`);
    }
  }
});

/** How many host calls an operation makes when all goes well. */
async function callsOf(quirks: Quirks, act: (at: ReturnType<typeof opened>) => Promise<unknown>): Promise<number> {
  const at = opened(quirks);
  await act(at);
  return at.double.calls;
}
