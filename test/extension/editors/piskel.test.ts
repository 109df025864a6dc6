/** Piskel itself, from its npm package, in real browsers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'puppeteer-core';
import type { Editor, Insertion } from '../../../extension/editors/editor.ts';
import { colourful } from '../../doubles/photopea/scene.ts';
import { type StaticSite, serveFolder } from '../../support/static-site.ts';
import { inEachBrowser, remoteEditor } from './remote-editor.ts';

const PISKEL = fileURLToPath(new URL('../../../../node_modules/@code-dot-org/piskel/dest/prod', import.meta.url));

/** A pixel of each way Piskel writes colours down, and one whose colour a canvas would lose: at (0, 0), (1, 0), ... */
const COLOURS: readonly [text: string, rgba: readonly number[]][] = [
  ['#ff8040', [255, 128, 64, 255]],
  ['rgb(1, 2, 3)', [1, 2, 3, 255]],
  ['rgba(252, 235, 10, 0.47058823529411764)', [252, 235, 10, 120]],
  ['rgba(201,77,33,0.011764705882352941)', [201, 77, 33, 3]],
];

/** A document of 32 × 32: "Layer 1" with the colours above, "Hidden" over it with one dot at (31, 30), "Blank" over that. */
async function openPiskel(browser: Browser, site: StaticSite): Promise<{ page: Page; editor: Editor }> {
  const page = await browser.newPage();
  await page.goto(site.address);
  await page.waitForFunction(() => window.pskl?.app?.historyService?.stateQueue?.length > 0);
  await page.evaluate(
    (texts) => {
      const controller = window.pskl.app.piskelController;
      const draw = (x: number, y: number, colour: string) => controller.getCurrentFrame().setPixel(x, y, colour);
      texts.forEach((text, x) => {
        draw(x, 0, text);
      });
      controller.createLayer('Hidden');
      draw(31, 30, '#00ff00');
      controller.createLayer('Blank');
      controller.setLayerOpacityAt(0, 0.6);
      controller.setLayerOpacityAt(1, 0);
      // What a tool does when a stroke is finished.
      window.$.publish(window.Events.PISKEL_SAVE_STATE, { type: 'SNAPSHOT' });
    },
    COLOURS.map(([text]) => text),
  );
  return { page, editor: await remoteEditor(page, 'piskel') };
}

/** All that can be seen of the document. */
async function state(editor: Editor) {
  const layers = await editor.layers();
  const pixels = [];
  for (const { id, kind } of layers) pixels.push(kind === 'empty' ? null : [...(await editor.read(id)).rgba]);
  return { document: await editor.document(), layers, pixels, active: (await editor.active())?.name };
}

const insertion = (more: Partial<Insertion>): Insertion => ({
  ...{ name: 'Layer 1 × 2', above: '1:Layer 1', x: 0, y: 0, scale: 2, mode: 'enlarge-document' },
  ...{ ...colourful(64, 64) },
  ...more,
});

inEachBrowser('Piskel', false, (launch) => {
  let browser: Browser;
  let site: StaticSite;
  before(async () => {
    site = await serveFolder(PISKEL);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  test('is found, and tells its document and its layers, top first', async () => {
    const { page, editor } = await openPiskel(browser, site);
    assert.equal(await editor.detect(), true);
    const { name, ...size } = await editor.document();
    assert.deepEqual([typeof name, size], ['string', { width: 32, height: 32, longestSide: 1024 }]);
    const box = { x: 0, y: 0, width: 32, height: 32 };
    const layers = await editor.layers();
    assert.match(layers[0].refusal ?? '', /empty/);
    assert.deepEqual(layers, [
      { id: '1:Blank', name: 'Blank', kind: 'empty', visible: true, refusal: layers[0].refusal, ...box },
      { id: '1:Hidden', name: 'Hidden', kind: 'pixels', visible: false, refusal: null, ...box },
      { id: '1:Layer 1', name: 'Layer 1', kind: 'pixels', visible: true, refusal: null, ...box },
    ]);
    assert.deepEqual(await editor.active(), layers[0]);
    await assert.rejects(editor.read('1:Blank'), { code: 'LAYER_REFUSED' });
    await assert.rejects(editor.read('2:Layer 1'), { code: 'NO_SUCH_LAYER' });
    await page.close();
  });

  test('pixels are read exactly, whatever their alpha, without the layer’s opacity', async () => {
    const { page, editor } = await openPiskel(browser, site);
    const { rgba, ...box } = await editor.read('1:Layer 1');
    assert.deepEqual(box, { x: 0, y: 0, width: 32, height: 32 });
    const expected = COLOURS.flatMap(([, values]) => values);
    assert.deepEqual([...rgba.subarray(0, 16)], expected);
    assert.ok(rgba.subarray(16).every((value) => value === 0));
    const hidden = await editor.read('1:Hidden');
    assert.deepEqual([...hidden.rgba.subarray(4 * (30 * 32 + 31), 4 * (30 * 32 + 32))], [0, 255, 0, 255]);
    const small = await editor.thumbnail('1:Hidden', 16);
    assert.deepEqual([small.width, small.height], [16, 16]);
    assert.deepEqual([...small.rgba.subarray(-4)], [0, 255, 0, 64]);
    await page.close();
  });

  test('an insertion enlarges the document, keeps every pixel, and is one step to undo', async () => {
    const { page, editor } = await openPiskel(browser, site);
    const before = await state(editor);
    const picture = colourful(96, 96);
    const inserted = await editor.insert(insertion({ name: 'big', scale: 3, ...picture }));
    assert.deepEqual(inserted, { layerId: '1:big', undoSteps: 1 });
    const { document, layers, active } = await state(editor);
    assert.deepEqual([document.width, document.height, document.name], [96, 96, before.document.name]);
    assert.deepEqual([layers.map(({ name }) => name), active], [['Blank', 'Hidden', 'big', 'Layer 1'], 'big']);
    assert.deepEqual(await editor.read('1:big'), { x: 0, y: 0, ...picture });
    // The others without smoothing: the dot at (31, 30) is 3 × 3 pixels from (93, 90) on.
    const { rgba } = await editor.read('1:Hidden');
    const dot = [...Array(96 * 96).keys()].filter((at) => rgba[4 * at + 3] !== 0);
    assert.deepEqual(
      dot,
      [90, 91, 92].flatMap((y) => [93, 94, 95].map((x) => 96 * y + x)),
    );
    const opacities = () =>
      page.evaluate(() =>
        window.pskl.app.piskelController.getLayers().map((layer: { getOpacity(): number }) => layer.getOpacity()),
      );
    assert.deepEqual(await opacities(), [0.6, 0.6, 0, 1]);
    await editor.undo(1);
    assert.deepEqual((await state(editor)).pixels, before.pixels);
    assert.deepEqual({ ...(await state(editor)), active: null }, { ...before, active: null });
    assert.deepEqual(await opacities(), [0.6, 0, 1]);
    await page.close();
  });

  test('the user’s own undo and redo take the insertion back and forth', async () => {
    const { page, editor } = await openPiskel(browser, site);
    const before = await state(editor);
    await editor.insert(insertion({ name: 'big' }));
    const after = await state(editor);
    for (const [key, expected] of [
      ['z', before],
      ['y', after],
    ] as const) {
      // Piskel overlooks a step that comes within 50 ms of another.
      await page.waitForFunction(() => Date.now() > window.pskl.app.historyService.lastLoadState + 50);
      const step = await page.evaluate(() => window.pskl.app.historyService.currentIndex);
      await page.keyboard.down('Control');
      await page.keyboard.press(key);
      await page.keyboard.up('Control');
      await page.waitForFunction((at) => window.pskl.app.historyService.currentIndex !== at, {}, step);
      assert.deepEqual({ ...(await state(editor)), active: null }, { ...expected, active: null });
    }
    await page.close();
  });

  test('undo is refused when something else was done since', async () => {
    const { page, editor } = await openPiskel(browser, site);
    await assert.rejects(editor.undo(1), { code: 'DOCUMENT_CHANGED' });
    await editor.insert(insertion({}));
    await page.evaluate(() => window.pskl.app.piskelController.createLayer('another'));
    await assert.rejects(editor.undo(1), { code: 'DOCUMENT_CHANGED' });
    assert.equal((await editor.layers())[0].name, 'another');
    await page.close();
  });

  /** Adds a second frame, which is shown then, with a dot at (5, 5) in "Layer 1". */
  const addFrame = (page: Page) =>
    page.evaluate(() => {
      const controller = window.pskl.app.piskelController;
      controller.addFrame();
      controller.setCurrentLayerIndex(0);
      controller.getCurrentFrame().setPixel(5, 5, '#010203');
      window.$.publish(window.Events.PISKEL_SAVE_STATE, { type: 'SNAPSHOT' });
    });
  const DOT = 4 * (5 * 32 + 5);
  const showFrame = (page: Page, index: number) =>
    page.evaluate((at) => window.pskl.app.piskelController.setCurrentFrameIndex(at), index);

  test('of an animation, the frame that is shown is read, and its layers are told beside those of the others', async () => {
    const { page, editor } = await openPiskel(browser, site);
    await addFrame(page);
    assert.equal((await editor.active())?.id, '2/1:Layer 1');
    const { rgba } = await editor.read('2/1:Layer 1');
    assert.deepEqual([rgba[3], ...rgba.subarray(DOT, DOT + 4)], [0, 1, 2, 3, 255]);
    assert.deepEqual([...(await editor.read('1:Layer 1')).rgba.subarray(0, 4)], COLOURS[0][1]);
    const told = async () => (await editor.layers()).map(({ id, kind }) => `${id} ${kind}`);
    const first = ['1:Blank empty', '1:Hidden pixels', '1:Layer 1 pixels'];
    const second = ['2/1:Blank empty', '2/1:Hidden empty', '2/1:Layer 1 pixels'];
    assert.deepEqual(await told(), [...second, ...first]);
    await showFrame(page, 0);
    assert.deepEqual(await told(), [...first, ...second]);
    await assert.rejects(editor.read('3/1:Layer 1'), { code: 'NO_SUCH_LAYER', message: /frame/ });
    await page.close();
  });

  test('a result goes into the frame that was read, though another is shown by then', async () => {
    const { page, editor } = await openPiskel(browser, site);
    await addFrame(page);
    await showFrame(page, 0);
    await editor.read('1:Layer 1');
    await showFrame(page, 1);
    const { layerId, note } = await editor.insert(insertion({ name: 'big' }));
    assert.deepEqual([layerId, (await editor.active())?.id], ['1:big', '1:big']);
    assert.match(note ?? '', /frame 1/);
    assert.deepEqual((await editor.read('1:big')).rgba, colourful(64, 64).rgba);
    await assert.rejects(editor.read('2/1:big'), { code: 'LAYER_REFUSED' });
    await editor.undo(1);
    assert.equal((await editor.active())?.id.slice(0, 2), '2/');
    await page.close();
  });

  test('the frame that was read is known after others were added and moved, also by a panel opened later', async () => {
    const { page, editor } = await openPiskel(browser, site);
    await addFrame(page);
    await editor.read('2/1:Layer 1');
    await page.evaluate(() => {
      const controller = window.pskl.app.piskelController;
      controller.setCurrentFrameIndex(0);
      controller.duplicateCurrentFrame();
      controller.moveFrame(2, 0);
    });
    const later = await remoteEditor(page, 'piskel');
    const { layerId } = await later.insert(insertion({ name: 'big', above: '2/1:Layer 1' }));
    assert.equal(layerId, '1:big');
    assert.deepEqual((await later.read('1:big')).rgba, colourful(64, 64).rgba);
    await assert.rejects(later.read('2/1:big'), { code: 'LAYER_REFUSED' });
    await page.close();
  });

  test('undo makes all frames anew: then the one that was read is known by its place', async () => {
    const { page, editor } = await openPiskel(browser, site);
    await addFrame(page);
    await editor.read('2/1:Layer 1');
    const at = await page.evaluate(() => {
      const { historyService, piskelController } = window.pskl.app;
      const before = historyService.currentIndex;
      piskelController.renameLayerAt(1, 'renamed');
      historyService.undo();
      return before;
    });
    await page.waitForFunction((index) => window.pskl.app.historyService.currentIndex === index, {}, at);
    const { layerId } = await editor.insert(insertion({ name: 'big', above: '2/1:Layer 1' }));
    assert.equal(layerId, '2/1:big');
    await page.close();
  });

  test('a result whose frame is gone is refused, and nothing is changed', async () => {
    const { page, editor } = await openPiskel(browser, site);
    await addFrame(page);
    await editor.read('1:Layer 1');
    await page.evaluate(() => window.pskl.app.piskelController.removeFrameAt(0));
    const before = [await editor.document(), await editor.layers()];
    await assert.rejects(editor.insert(insertion({})), { code: 'NO_SUCH_LAYER', message: /frame/ });
    assert.deepEqual([await editor.document(), await editor.layers()], before);
    await page.close();
  });

  test('layers of the same name are told apart, and the new one gets a name of its own', async () => {
    const { page, editor } = await openPiskel(browser, site);
    await page.evaluate(() => window.pskl.app.piskelController.renameLayerAt(1, 'Layer 1'));
    const ids = async () => (await editor.layers()).map(({ id }) => id);
    assert.deepEqual(await ids(), ['1:Blank', '2:Layer 1', '1:Layer 1']);
    const { layerId } = await editor.insert(insertion({ name: 'Layer 1', above: '2:Layer 1' }));
    assert.deepEqual([layerId, (await ids())[1]], ['1:Layer 1 (2)', '1:Layer 1 (2)']);
    await page.close();
  });

  test('what would not fit is refused and changes nothing', async () => {
    const { page, editor } = await openPiskel(browser, site);
    const before = await state(editor);
    await assert.rejects(editor.insert(insertion({ scale: 4 })), { code: 'DOCUMENT_CHANGED', message: /32 × 32/ });
    await assert.rejects(editor.insert(insertion({ x: 2 })), { code: 'DOCUMENT_CHANGED' });
    await assert.rejects(editor.insert(insertion({ above: '1:gone' })), { code: 'NO_SUCH_LAYER' });
    assert.deepEqual(await state(editor), before);
    await page.evaluate(() => {
      const { pskl } = window;
      const layer = pskl.model.Layer.fromFrames('wide', [new pskl.model.Frame(600, 2)]);
      pskl.app.piskelController.setPiskel(pskl.model.Piskel.fromLayers([layer], { name: 'wide' }));
    });
    const wide = insertion({ above: '1:wide', ...colourful(1200, 4) });
    await assert.rejects(editor.insert(wide), { code: 'LAYER_TOO_LARGE', message: /1200 × 4/ });
    await page.close();
  });
});

declare global {
  interface Window {
    /** Piskel's own objects: untyped, as it has them. */
    // biome-ignore lint/suspicious/noExplicitAny: Piskel has no types.
    pskl: any;
    // biome-ignore lint/suspicious/noExplicitAny: jQuery, as Piskel brings it.
    $: any;
    Events: Readonly<Record<string, string>>;
  }
}
