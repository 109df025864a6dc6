/** The whole way in Photopea, of which a double keeps the documented contract: test/doubles/photopea. */
import assert from 'node:assert/strict';
import { type Layer, layer, newDocument, type Picture } from '../doubles/photopea/model.ts';
import { colourful, plain } from '../doubles/photopea/scene.ts';
import { serveDouble } from '../doubles/photopea/site.ts';
import { type Drive, INSERTED, inEachBrowser } from './stage.ts';
import { wholeWay } from './whole-way.ts';

/** A third of its pixels are half transparent. */
const sprite = colourful(20, 16);

interface Seen {
  readonly size: readonly [number, number];
  /** Names of all documents. */
  readonly documents: readonly string[];
  /** Top first. */
  readonly layers: readonly (Omit<Layer, 'id' | 'picture'> & { readonly picture: Plain | null })[];
}

interface Plain {
  readonly width: number;
  readonly height: number;
  readonly rgba: readonly number[];
}

const asLists = ({ width, height, rgba }: Picture): Plain => ({ width, height, rgba: [...rgba] });

const photopea: Drive<Seen> = {
  name: "Photopea's double",
  missing: false,
  serve: serveDouble,
  async draw(page) {
    await page.waitForFunction(() => window.photopeaDouble);
    const layers = [
      layer({ name: 'sprite', picture: sprite, x: 30, y: 20, opacity: 60, blendMode: 'mul' }),
      layer({ name: 'Background', picture: plain(60, 40, [200, 210, 220, 255]), locked: true }),
    ];
    const { history, ...doc } = newDocument('drawing.psd', 60, 40, layers);
    const given = { ...doc, layers: layers.map((one) => ({ ...one, picture: one.picture && asLists(one.picture) })) };
    await page.evaluate((plain) => {
      const layers = plain.layers.map(({ picture, ...one }) => ({
        ...{ ...one, id: 1000 + one.id }, // The page counts its own from 1.
        picture: picture && { ...picture, rgba: Uint8ClampedArray.from(picture.rgba) },
      }));
      const { application } = window.photopeaDouble.double;
      const document = { ...plain, layers, active: layers[0].id };
      const copy = layers.map((one) => ({ ...one }));
      application.docs.push({ ...document, history: [{ ...document, layers: copy }] });
      application.active = application.docs.length - 1;
    }, given);
  },
  async look(page) {
    // Not while the panel has a document of its own open, to read a layer or draw its thumbnail.
    const look = () => {
      const { docs, active } = window.photopeaDouble.double.application;
      if (docs.some(({ name }) => name.startsWith('KernelFusion (temporary)'))) return null;
      const { width, height, layers } = docs[active];
      return {
        size: [width, height] as const,
        documents: docs.map(({ name }) => name),
        layers: layers.map(({ id, picture, ...one }) => ({
          ...one,
          picture: picture && { width: picture.width, height: picture.height, rgba: [...picture.rgba] },
        })),
      };
    };
    // Looked at by the clock: the panel's page may hide this one, and a hidden page draws no frames.
    const seen = await page.waitForFunction(look, { polling: 50 });
    return (await seen.jsonValue()) as Seen;
  },
  shown: /sprite\s+20 × 16\s+becomes 40 × 32/,
  assertInserted({ layers: [inserted, ...others], ...document }, untouched) {
    // The document stays as it is: the new layer is a smart object of more pixels than its size.
    assert.deepEqual({ layers: others, ...document }, untouched);
    assert.deepEqual(inserted, {
      ...{ name: 'sprite 2×', kind: 'SMARTOBJECT', x: 30, y: 20, scale: 0.5, turns: 0, children: null },
      ...{ opacity: 60, blendMode: 'mul', visible: true, locked: false, picture: expected },
    });
  },
};

/** What the exact helper makes of the sprite: each pixel twice as large, its colour inverted. */
const expected: Plain = {
  ...{ width: 40, height: 32 },
  rgba: Array.from({ length: 4 * 40 * 32 }, (_, at) => {
    const [x, y] = [((at >> 2) % 40) >> 1, Math.floor((at >> 2) / 40) >> 1];
    const own = sprite.rgba[4 * (20 * y + x) + (at & 3)];
    return (at & 3) === 3 ? own : 255 - own;
  }),
};

inEachBrowser(photopea, (scene) => {
  wholeWay(photopea, scene);

  scene('the check says of every step how it went, and leaves the document as it was', async (stage) => {
    const { panel, look, untouched } = stage;
    const opened = await panel();
    await opened.offers('Upscale');
    await opened.toggle('Check Photopea');
    await opened.click('button', 'Start the check');
    await opened.shows(/“drawing\.psd”, 60 × 40, 2 layers\.[\s\S]+Yours is the active one again\./);
    const steps = await opened.page.$$eval('.steps li', (all) => all.map((each) => each.textContent));
    assert.equal(steps.length, 4);
    for (const step of steps) assert.match(step ?? '', /^✓ Passed: /);
    assert.deepEqual(await look(), untouched);
  });

  scene('the new layer can become a document of its own', async ({ panel, look, untouched }) => {
    const opened = await panel();
    await opened.offers('Upscale');
    await opened.choose('Insert into', 'new-document');
    await opened.click('button', 'Upscale');
    await opened.says(INSERTED);
    const { size, documents, layers } = await look();
    assert.deepEqual(size, [40, 32]);
    assert.deepEqual(documents.slice(0, -1), untouched.documents);
    assert.deepEqual(layers.length, 1);
    assert.deepEqual(layers[0].picture, expected);
  });
});
