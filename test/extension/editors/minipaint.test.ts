/**
 * miniPaint itself in real browsers, where MINIPAINT_DIR names a checkout of https://github.com/viliusle/miniPaint (it is on no
 * registry, and its code is not copied here).
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'puppeteer-core';
import type { Editor, Insertion, LayerInfo } from '../../../extension/editors/editor.ts';
import type { Picture } from '../../../extension/editors/picture.ts';
import { encodePng, pngAddress } from '../../../extension/editors/png.ts';
import { colourful, plain } from '../../doubles/photopea/scene.ts';
import { type StaticSite, serveFolder } from '../../support/static-site.ts';
import { inEachBrowser, remoteEditor } from './remote-editor.ts';

const MINIPAINT = process.env.MINIPAINT_DIR ?? '';
const missing = existsSync(path.join(MINIPAINT, 'dist', 'bundle.js'))
  ? false
  : 'MINIPAINT_DIR names no checkout of miniPaint';

const DOCUMENT = { width: 60, height: 40 };

/** What a canvas makes of a picture: colour multiplied by alpha and back, with a rounding each time. */
function throughCanvas({ width, height, rgba }: Picture): Picture {
  return {
    width,
    height,
    rgba: rgba.map((value, at) => {
      const alpha = rgba[at | 3];
      return at % 4 === 3 || alpha === 0 ? value : Math.round((Math.round((value * alpha) / 255) * 255) / alpha);
    }),
  };
}

/** Same alpha, and colours as near as the browsers' ways of rounding. */
function assertNear(actual: Picture, expected: Picture): void {
  assert.deepEqual([actual.width, actual.height], [expected.width, expected.height]);
  expected.rgba.forEach((value, at) => {
    const leeway = at % 4 === 3 ? 0 : expected.rgba[at | 3] === 255 ? 0 : 2;
    assert.ok(Math.abs(actual.rgba[at] - value) <= leeway, `value ${at}: ${actual.rgba[at]} for ${value}`);
  });
}

const sprite = colourful(20, 16);

/** "backdrop" as large as the document, "sprite" over it at (30, 20) with opacity and blend mode, "top" over both. */
async function openMiniPaint(browser: Browser, site: StaticSite): Promise<{ page: Page; editor: Editor }> {
  const page = await browser.newPage();
  await page.goto(site.address);
  await page.waitForFunction(() => window.State && window.AppConfig?.layer);
  await add(page, 'backdrop', plain(DOCUMENT.width, DOCUMENT.height, [200, 210, 220, 255]));
  await page.evaluate(({ width, height }) => {
    Object.assign(window.AppConfig, { WIDTH: width, HEIGHT: height });
    window.Layers.Base_gui.prepare_canvas();
  }, DOCUMENT);
  await add(page, 'sprite', sprite, { x: 30, y: 20, opacity: 60, composition: 'multiply' });
  await add(page, 'top', plain(20, 20, [1, 2, 3, 255]), { x: 5, y: 5 });
  await page.evaluate(() => window.Layers.select(window.AppConfig.layers[1].id));
  return { page, editor: await remoteEditor(page, 'minipaint') };
}

/** Puts a picture in as a layer, as miniPaint does when a file is opened. */
async function add(page: Page, name: string, picture: Picture, more: Record<string, unknown> = {}): Promise<void> {
  const { width, height } = picture;
  const size = { width, height, width_original: width, height_original: height };
  const data = pngAddress(await encodePng(picture));
  await page.evaluate((layer) => window.Layers.insert(layer, false), { name, type: 'image', data, ...size, ...more });
}

const named = async (editor: Editor, name: string): Promise<LayerInfo> => {
  const layer = (await editor.layers()).find((one) => one.name === name);
  assert.ok(layer, `no layer ${name}`);
  return layer;
};

/** All of the document that we or a user could change, but for pictures. */
const state = (page: Page): Promise<unknown> =>
  page.evaluate(() => {
    const { WIDTH, HEIGHT, layers, layer } = window.AppConfig;
    const plain = layers.map(({ link, link_canvas, ...rest }: Record<string, unknown>) => rest);
    return JSON.parse(JSON.stringify({ WIDTH, HEIGHT, active: layer.id, next: window.Layers.auto_increment, plain }));
  });

const enlarged = colourful(60, 48, 5);
const insertion = (above: string, more: Partial<Insertion> = {}): Insertion => ({
  ...{ name: 'sprite × 3', above, x: 90, y: 60, scale: 3, mode: 'enlarge-document', ...enlarged },
  ...more,
});

inEachBrowser('miniPaint', missing, (launch) => {
  let browser: Browser;
  let site: StaticSite;
  before(async () => {
    site = await serveFolder(MINIPAINT);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  test('is found, and tells its document and its layers, top first', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    assert.equal(await editor.detect(), true);
    assert.deepEqual(await editor.document(), { name: 'miniPaint', ...DOCUMENT });
    const layers = await editor.layers();
    const { id } = layers[1];
    const box = { x: 30, y: 20, width: 20, height: 16 };
    assert.deepEqual(layers[1], { id, name: 'sprite', kind: 'pixels', visible: true, refusal: null, ...box });
    assert.deepEqual(
      layers.map(({ name }) => name),
      ['top', 'sprite', 'backdrop'],
    );
    assert.deepEqual(await editor.active(), layers[1]);
    await page.close();
  });

  test('a layer of pixels is read as it is, half transparent, without its opacity and blend mode', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    const { x, y, ...picture } = await editor.read((await named(editor, 'sprite')).id);
    assert.deepEqual([x, y], [30, 20]);
    assertNear(picture, throughCanvas(sprite));
    await page.close();
  });

  test('a thumbnail is drawn small: no picture larger than it is read', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    const flag = plain(400, 200, [255, 0, 0, 255]);
    flag.rgba.set(plain(400, 100, [0, 0, 255, 255]).rgba);
    // Turned by 90 degrees about its middle at (200, 100), what was above is on the right.
    await add(page, 'turned', flag, { visible: false, rotate: 90 });
    await insertText(page);
    const ids = await Promise.all(['top', 'turned', 'title'].map(async (name) => (await named(editor, name)).id));
    await page.evaluate(() => {
      const { prototype } = CanvasRenderingContext2D;
      const { getImageData } = prototype;
      window.areas = [];
      prototype.getImageData = function (x, y, width, height, ...more) {
        window.areas.push(width * height);
        return getImageData.call(this, x, y, width, height, ...more);
      };
    });
    const [top, turned, title] = await Promise.all(ids.map((id) => editor.thumbnail(id, 10)));
    assert.ok((await page.evaluate(() => Math.max(...window.areas))) <= 100);
    assert.deepEqual(top, plain(10, 10, [1, 2, 3, 255]));
    assert.deepEqual([turned.width, turned.height], [5, 10]);
    for (let y = 0; y < 10; y++) {
      assert.deepEqual([...turned.rgba.subarray(20 * y, 20 * y + 4)], [255, 0, 0, 255], `row ${y}`);
      assert.deepEqual([...turned.rgba.subarray(20 * y + 16, 20 * y + 20)], [0, 0, 255, 255], `row ${y}`);
    }
    assert.ok(title.rgba.some((value, at) => at % 4 === 3 && value > 60));
    await page.close();
  });

  test('hidden layers and those partly outside of the document are read whole', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    await add(page, 'outside', sprite, { x: -12, y: 30, visible: false });
    const outside = await named(editor, 'outside');
    assert.deepEqual([outside.visible, outside.x, outside.y], [false, -12, 30]);
    const { x, y, ...picture } = await editor.read(outside.id);
    assert.deepEqual([x, y], [-12, 30]);
    assertNear(picture, throughCanvas(sprite));
    await page.close();
  });

  test('a layer turned or stretched is read as it looks, outside of the document too', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    // 20 × 10, its upper half red: turned by 90 degrees about its middle at (0, 5), red is on the right.
    const flag = plain(20, 10, [0, 0, 255, 255]);
    flag.rgba.set(plain(20, 5, [255, 0, 0, 255]).rgba);
    await add(page, 'turned', flag, { x: -10, y: 0, rotate: 90 });
    const turned = await named(editor, 'turned');
    assert.deepEqual([turned.x, turned.y, turned.width, turned.height], [-5, -5, 10, 20]);
    const { rgba, ...box } = await editor.read(turned.id);
    assert.deepEqual(box, { x: -5, y: -5, width: 10, height: 20 });
    for (let at = 0; at < 200; at++) {
      const colour = at % 10 < 5 ? [0, 0, 255, 255] : [255, 0, 0, 255];
      assert.deepEqual([...rgba.subarray(4 * at, 4 * at + 4)], colour, `pixel ${at}`);
    }
    await add(page, 'stretched', plain(8, 4, [9, 9, 9, 255]), { x: 50, y: 4, width: 32, height: 12 });
    const { rgba: grey, ...large } = await editor.read((await named(editor, 'stretched')).id);
    assert.deepEqual(large, { x: 50, y: 4, width: 32, height: 12 });
    assert.deepEqual([...grey.subarray(4 * 32 * 6 + 64, 4 * 32 * 6 + 68)], [9, 9, 9, 255]);
    await page.close();
  });

  test('a filtered layer is read with its filter', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    await add(page, 'grey', plain(20, 16, [255, 0, 0, 255]), { x: -5, y: 3 });
    await page.evaluate(() => window.Layers.add_filter(window.AppConfig.layer.id, 'grayscale', { value: 100 }));
    const { rgba, ...box } = await editor.read((await named(editor, 'grey')).id);
    assert.deepEqual(box, { x: -5, y: 3, width: 20, height: 16 });
    const [red, green, blue, alpha] = rgba.subarray(800, 804);
    assert.ok(red === green && green === blue && red > 20 && red < 120 && alpha === 255, `${rgba.subarray(800, 804)}`);
    await page.close();
  });

  test('a stroke of the brush is read, where it was drawn with the mouse', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    await add(page, 'room', plain(300, 200, [255, 255, 255, 255]));
    await page.evaluate(() => document.getElementById('brush')?.click());
    const [left, top] = await page.evaluate(() => {
      const { x, y } = (document.getElementById('canvas_minipaint') as HTMLElement).getBoundingClientRect();
      const zoom = window.AppConfig.ZOOM;
      return [x + 100 * zoom, y + 80 * zoom];
    });
    const zoom = await page.evaluate(() => window.AppConfig.ZOOM);
    await page.mouse.move(left, top);
    await page.mouse.down();
    await page.mouse.move(left + 60 * zoom, top + 40 * zoom, { steps: 8 });
    await page.mouse.up();
    const stroke = (await editor.active()) as LayerInfo;
    assert.equal(stroke.kind, 'shape');
    const { x, y, width, height, rgba } = await editor.read(stroke.id);
    // From (100, 80) to (160, 120), and half the brush's 4 pixels around; miniPaint smooths the end away.
    for (const [value, expected] of [
      [x, 98],
      [y, 78],
      [x + width, 162],
      [y + height, 122],
    ])
      assert.ok(Math.abs(value - expected) <= 4, `${[x, y, width, height]}`);
    const middle = 4 * (Math.round(100 - y) * width + Math.round(130 - x));
    assert.deepEqual([...rgba.subarray(middle, middle + 4)], [0, 128, 0, 255]);
    await page.close();
  });

  test('a text is read as it looks', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    await insertText(page);
    const title = await named(editor, 'title');
    assert.equal(title.kind, 'text');
    const { x, y, width, height, rgba } = await editor.read(title.id);
    // Two letters of 16 pixels from (-4, 10) on.
    assert.ok(x >= -6 && x < 6 && y >= 8 && y < 26 && width > 10 && width < 40 && height > 6 && height < 24);
    const dark = [...rgba.keys()]
      .filter((at) => at % 4 === 3 && rgba[at] === 255)
      .map((at) => [...rgba.subarray(at - 3, at)]);
    assert.ok(dark.length > 10);
    assert.ok(dark.every(([red, green, blue]) => red === 16 && green === 32 && blue === 48));
    await page.close();
  });

  test('what has no pixels to read says so', async () => {
    const page = await browser.newPage();
    await page.goto(site.address);
    await page.waitForFunction(() => window.State && window.AppConfig?.layer);
    const editor = await remoteEditor(page, 'minipaint');
    const blank = (await editor.active()) as LayerInfo;
    assert.equal(blank.kind, 'empty');
    assert.match(blank.refusal ?? '', /empty/);
    const refused = { code: 'LAYER_REFUSED', message: blank.refusal as string };
    await assert.rejects(editor.read(blank.id), refused);
    await assert.rejects(editor.thumbnail(blank.id, 96), refused);
    await assert.rejects(editor.read('77'), { code: 'NO_SUCH_LAYER' });
    await add(page, 'glass', plain(9, 9, [1, 2, 3, 0]), { rotate: 45 });
    await assert.rejects(editor.read((await named(editor, 'glass')).id), { code: 'LAYER_REFUSED' });
    await page.close();
  });

  test('a picture from another site is refused: its pixels are not for us', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    // The same server by another name is another site.
    const foreign = new URL('images/logo.svg', site.address.replace('127.0.0.1', 'localhost')).href;
    await page.evaluate(async (address) => {
      const picture = new Image();
      picture.src = address;
      await picture.decode();
      const layer = { ...window.AppConfig.layer, id: 99, name: 'foreign', link: picture, order: 99, filters: [] };
      window.AppConfig.layers.push({ ...layer, width_original: 20, height_original: 16 });
    }, foreign);
    const layer = await named(editor, 'foreign');
    assert.match(layer.refusal ?? '', /another site/);
    await assert.rejects(editor.read(layer.id), { code: 'LAYER_REFUSED' });
    await page.close();
  });

  /** File > New, of the same size. */
  const begin = (page: Page) =>
    page.evaluate(async (size) => {
      const [before] = window.AppConfig.layers;
      const given = { ...size, resolution_type: 'Custom', layout: 'Custom', transparency: false };
      await window.Layers.Base_gui.modules['file/new'].new_handler(given);
      while (window.AppConfig.layers.length !== 1 || window.AppConfig.layers[0] === before)
        await new Promise(requestAnimationFrame);
    }, DOCUMENT);

  test('a layer of a new document is not taken for the one that was read before, by no panel', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    const { id } = await named(editor, 'sprite');
    await editor.read(id);
    await begin(page);
    for (const name of ['backdrop', 'sprite', 'top']) await add(page, name, sprite, { x: 30, y: 20 });
    const numbers = await page.evaluate(() => window.AppConfig.layers.map((layer: { id: number }) => String(layer.id)));
    assert.ok(numbers.includes(id), 'miniPaint numbers them from 1 again');
    for (const panel of [editor, await remoteEditor(page, 'minipaint')]) {
      const ids = (await panel.layers()).map((layer) => layer.id);
      assert.ok(!ids.includes(id), `${ids}`);
      await assert.rejects(panel.insert(insertion(id)), { code: 'NO_SUCH_LAYER' });
      const other = ids.find((one) => one.startsWith(`${id}@`)) as string;
      assert.deepEqual((await panel.read(other)).width, sprite.width);
    }
    assert.deepEqual(await editor.document(), { name: 'miniPaint', ...DOCUMENT });
    await page.close();
  });

  test('a layer keeps its id where undo brings its document back, and where that is opened again from a file', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    const { id } = await named(editor, 'sprite');
    await editor.read(id);
    await begin(page);
    assert.notEqual((await editor.layers())[0].name, 'top');
    await page.evaluate(() => window.State.undo_action());
    assert.equal((await named(editor, 'sprite')).id, id);
    const json = await page.evaluate(() => window.FileSave.export_as_json());
    await page.evaluate((file) => window.FileOpen.load_json(file), json);
    assert.equal((await named(editor, 'sprite')).id, id);
    assert.equal((await editor.insert(insertion(id))).undoSteps, 1);
    await page.close();
  });

  test('an insertion that enlarges the document is one step, above its layer, and undone without a trace', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    const before = await state(page);
    const steps = () => page.evaluate(() => window.State.action_history_index);
    const count = await steps();
    const { id } = await named(editor, 'sprite');
    const { layerId, undoSteps } = await editor.insert(insertion(id));
    assert.deepEqual([undoSteps, (await steps()) - count], [1, 1]);
    assert.deepEqual(await editor.document(), { name: 'miniPaint', width: 180, height: 120 });
    const layers = await editor.layers();
    assert.deepEqual(
      layers.map(({ name, x, y, width, height }) => [name, x, y, width, height]),
      [
        ['top', 15, 15, 60, 60],
        ['sprite × 3', 90, 60, 60, 48],
        ['sprite', 90, 60, 60, 48],
        ['backdrop', 0, 0, 180, 120],
      ],
    );
    assert.deepEqual([layers[1].id, (await editor.active())?.id], [layerId, layerId]);
    const { x, y, ...picture } = await editor.read(layerId);
    assertNear(picture, throughCanvas(enlarged));
    const looks = await page.evaluate(() => [window.AppConfig.layer.opacity, window.AppConfig.layer.composition]);
    assert.deepEqual(looks, [60, 'multiply']);

    const after = await state(page);
    await editor.undo(undoSteps);
    assert.deepEqual(await state(page), before);
    await page.evaluate(() => window.State.redo_action());
    assert.deepEqual(await state(page), after);
    await page.evaluate(() => window.State.undo_action());
    assert.deepEqual(await state(page), before);
    await page.close();
  });

  test('an insertion may keep the document: the layer has more pixels than it is shown with', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    const before = await state(page);
    const { id } = await named(editor, 'sprite');
    const { layerId } = await editor.insert(insertion(id, { mode: 'keep-document' }));
    assert.deepEqual(await editor.document(), { name: 'miniPaint', ...DOCUMENT });
    const shown = (await editor.layers()).find((layer) => layer.id === layerId);
    assert.deepEqual([shown?.x, shown?.y, shown?.width, shown?.height], [30, 20, 20, 16]);
    const original = await page.evaluate(() => [
      window.AppConfig.layer.width_original,
      window.AppConfig.layer.link.width,
    ]);
    assert.deepEqual(original, [60, 60]);
    await editor.undo(1);
    assert.deepEqual(await state(page), before);
    await page.close();
  });

  test('with the document, strokes, shapes and texts are enlarged too', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    await page.evaluate(async () => {
      const common = { render_function: ['brush', 'render'], is_vector: true, color: '#102030' };
      const stroke = {
        type: 'brush',
        name: 'stroke',
        data: [
          [
            [2, 2, 4],
            [12, 2, 4],
          ],
        ],
        params: { size: 4, pressure: false },
      };
      await window.Layers.insert({ ...common, ...stroke, x: 20, y: 20, width: 60, height: 40 }, false);
      const params = {
        border_size: 0,
        border: false,
        fill: true,
        fill_color: '#00ff00',
        border_color: '#000000',
        radius: 0,
      };
      const box = { type: 'rectangle', name: 'box', render_function: ['rectangle', 'render'], data: null, params };
      await window.Layers.insert({ ...common, ...box, x: 3, y: 4, width: 10, height: 6 }, false);
    });
    await insertText(page);
    const before = await state(page);
    const was = await Promise.all(
      ['stroke', 'box', 'title'].map(async (name) => editor.read((await named(editor, name)).id)),
    );
    await editor.insert(insertion((await named(editor, 'sprite')).id));
    const is = await Promise.all(
      ['stroke', 'box', 'title'].map(async (name) => editor.read((await named(editor, name)).id)),
    );
    was.forEach((old, index) => {
      for (const key of ['x', 'y', 'width', 'height'] as const) {
        // Edges are soft by a pixel of the small document, and letters are not scaled to the pixel.
        assert.ok(
          Math.abs(is[index][key] - 3 * old[key]) <= 6,
          `${index}: ${key} ${old[key]} became ${is[index][key]}`,
        );
      }
    });
    await editor.undo(1);
    assert.deepEqual(await state(page), before);
    await page.close();
  });

  test('undo is refused when something else was done since', async () => {
    const { page, editor } = await openMiniPaint(browser, site);
    await assert.rejects(editor.undo(1), { code: 'DOCUMENT_CHANGED' });
    await editor.insert(insertion((await named(editor, 'sprite')).id));
    await page.evaluate(() => window.Layers.set_opacity(window.AppConfig.layer.id, 50));
    await assert.rejects(editor.undo(1), { code: 'DOCUMENT_CHANGED' });
    assert.equal((await editor.document()).width, 180);
    await assert.rejects(editor.insert(insertion('77')), { code: 'NO_SUCH_LAYER' });
    await page.close();
  });
});

/** Two letters of 16 pixels at (-4, 10), as the text tool keeps them. */
const insertText = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const meta = { size: 16, family: 'Arial', kerning: 0, fill_color: '#102030' };
    const params = { boundary: 'dynamic', kerning: 'metrics', text_direction: 'ltr', wrap_direction: 'ttb' };
    const more = { halign: 'left', valign: 'top', wrap: 'letter' };
    await window.Layers.insert(
      {
        ...{ type: 'text', name: 'title', render_function: ['text', 'render'], is_vector: true },
        ...{ x: -4, y: 10, width: 30, height: 20, data: [[{ text: 'HH', meta }]], params: { ...params, ...more } },
      },
      false,
    );
    // The first time it is drawn miniPaint finds out how wide it is.
    while (window.AppConfig.layer.width === 30) await new Promise(requestAnimationFrame);
  });

declare global {
  interface Window {
    // biome-ignore lint/suspicious/noExplicitAny: miniPaint has no types.
    AppConfig: any;
    // biome-ignore lint/suspicious/noExplicitAny: miniPaint has no types.
    Layers: any;
    // biome-ignore lint/suspicious/noExplicitAny: miniPaint has no types.
    State: any;
    // biome-ignore lint/suspicious/noExplicitAny: miniPaint has no types.
    FileOpen: any;
    // biome-ignore lint/suspicious/noExplicitAny: miniPaint has no types.
    FileSave: any;
    /** Of the pictures that were read from canvases. */
    areas: number[];
  }
}
