/** The whole way in miniPaint, where MINIPAINT_DIR names a checkout of https://github.com/viliusle/miniPaint. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Picture } from '../../extension/editors/picture.ts';
import { decodePng, encodePng, pngAddress } from '../../extension/editors/png.ts';
import { colourful, plain } from '../doubles/photopea/scene.ts';
import { serveFolder } from '../support/static-site.ts';
import { type Drive, inEachBrowser } from './stage.ts';
import { wholeWay } from './whole-way.ts';

const MINIPAINT = process.env.MINIPAINT_DIR ?? '';
const DOCUMENT = { width: 60, height: 40 };
/** A third of its pixels are half transparent. */
const sprite = colourful(20, 16);

interface Seen {
  readonly width: number;
  readonly height: number;
  readonly active: string;
  /** Bottom first. */
  readonly layers: readonly {
    readonly name: string;
    readonly box: readonly number[];
    readonly opacity: number;
    readonly composition: string;
    readonly picture: Picture;
  }[];
}

const minipaint: Drive<Seen> = {
  name: 'miniPaint',
  missing: existsSync(path.join(MINIPAINT, 'dist', 'bundle.js'))
    ? false
    : 'MINIPAINT_DIR names no checkout of miniPaint',
  serve: () => serveFolder(MINIPAINT),
  async draw(page) {
    await page.waitForFunction(() => window.State && window.AppConfig?.layer);
    const add = async (name: string, picture: Picture, more: object) => {
      const { width, height } = picture;
      const layer = { name, type: 'image', width, height, width_original: width, height_original: height, ...more };
      const data = pngAddress(await encodePng(picture));
      await page.evaluate((given) => window.Layers.insert(given, false), { ...layer, data });
    };
    await add('backdrop', plain(DOCUMENT.width, DOCUMENT.height, [200, 210, 220, 255]), {});
    await page.evaluate(({ width, height }) => {
      Object.assign(window.AppConfig, { WIDTH: width, HEIGHT: height });
      window.Layers.Base_gui.prepare_canvas();
    }, DOCUMENT);
    await add('sprite', sprite, { x: 30, y: 20, opacity: 60, composition: 'multiply' });
  },
  async look(page) {
    const { layers, ...rest } = await page.evaluate(() => {
      const { WIDTH, HEIGHT, layer, layers } = window.AppConfig;
      const seen = [...layers]
        .sort((a, b) => a.order - b.order)
        .filter(({ type }) => type === 'image')
        .map(({ name, x, y, width, height, opacity, composition, link }) => ({
          ...{ name, box: [x, y, width, height], opacity, composition },
          address: link.src as string,
        }));
      return { width: WIDTH, height: HEIGHT, active: layer.name, layers: seen };
    });
    const picture = (address: string) => decodePng(Buffer.from(address.slice(address.indexOf(',') + 1), 'base64'));
    return {
      ...rest,
      layers: await Promise.all(
        layers.map(async ({ address, ...layer }) => ({ ...layer, picture: await picture(address) })),
      ),
    };
  },
  shown: /sprite\s+20 × 16\s+becomes 40 × 32/,
  assertInserted({ layers, ...document }, untouched) {
    assert.deepEqual(document, { width: 120, height: 80, active: 'sprite 2×' });
    const [backdrop, old, { picture, ...inserted }] = layers;
    // What was there is enlarged with the document, and keeps its pixels.
    assert.deepEqual(backdrop, { ...untouched.layers[0], box: [0, 0, 120, 80] });
    assert.deepEqual(old, { ...untouched.layers[1], box: [60, 40, 40, 32] });
    const looks = { opacity: 60, composition: 'multiply' };
    assert.deepEqual(inserted, { name: 'sprite 2×', box: [60, 40, 40, 32], ...looks });
    assertFromHelper(picture);
  },
};

/** Each pixel twice as large, its colour inverted: as near as a canvas keeps the colour of half-transparent ones. */
function assertFromHelper({ width, height, rgba }: Picture): void {
  assert.deepEqual([width, height], [2 * sprite.width, 2 * sprite.height]);
  rgba.forEach((value, at) => {
    const pixel = at >> 2;
    const source = 4 * ((Math.floor(pixel / width) >> 1) * sprite.width + ((pixel % width) >> 1));
    const [own, alpha] = [sprite.rgba[source + (at & 3)], sprite.rgba[source + 3]];
    const expected = (at & 3) === 3 ? alpha : 255 - own;
    const leeway = (at & 3) === 3 || alpha === 255 ? 0 : 2;
    assert.ok(Math.abs(value - expected) <= leeway, `value ${at} is ${value} and should be ${expected}`);
  });
}

inEachBrowser(minipaint, (scene) => wholeWay(minipaint, scene));
