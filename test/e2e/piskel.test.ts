/** The whole way in Piskel: the panel as it is shipped, the real helper, real browsers; only the method is one told by hand. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { type InstalledExtension, installExtension, missing, TARGETS } from '../support/extension.ts';
import { type StaticSite, serveFolder } from '../support/static-site.ts';
import { type ExactHelper, startExactHelper } from './exact-helper.ts';
import { DOOR, openPanel, type PanelPage, pair } from './panel-page.ts';

const PISKEL = fileURLToPath(new URL('../../../node_modules/@code-dot-org/piskel/dest/prod', import.meta.url));
const SIDE = 32;
const KERNEL = /^Estimating the kernel$/;
const INSERTED = /^The new layer is in the document\.$/;

/** RGBA of the pixel drawn at (x, y): no two are the same; 6 columns are clear, 10 half transparent, 16 opaque. */
const drawn = (x: number, y: number) => [8 * x, 8 * y, 100, x < 6 ? 0 : x < 16 ? 128 : 255];

/** What the helper's worker makes of the drawing, at 2 times the size: see exact-worker.ts. Clear pixels have no colour. */
const expected = Array.from({ length: (2 * SIDE) ** 2 }, (_, at) => {
  const [r, g, b, a] = drawn((at % (2 * SIDE)) >> 1, Math.floor(at / (2 * SIDE)) >> 1);
  return text(a === 0 ? [0, 0, 0, 0] : [255 - r, 255 - g, 255 - b, a]);
});

function text(rgba: readonly number[]): string {
  return rgba.map((value) => value.toString(16).padStart(2, '0')).join('');
}

interface Seen {
  readonly size: readonly [number, number];
  /** Bottom first. */
  readonly layers: readonly { readonly name: string /** As rrggbbaa. */; readonly pixels: readonly string[] }[];
}

/** The document, without a line of ours: from Piskel's own objects. */
async function look(editor: Page): Promise<Seen> {
  const { size, layers } = await editor.evaluate(() => {
    const controller = window.pskl.app.piskelController;
    const [width, height] = [controller.getWidth(), controller.getHeight()];
    const colours = (layer: PiskelLayer) =>
      Array.from({ length: width * height }, (_, at) =>
        layer.getFrames()[0].getPixel(at % width, Math.floor(at / width)),
      );
    const layers: PiskelLayer[] = controller.getLayers();
    return { size: [width, height] as const, layers: layers.map((each) => [each.getName(), colours(each)] as const) };
  });
  return { size, layers: layers.map(([name, colours]) => ({ name, pixels: colours.map(inHex) })) };
}

/** Piskel writes colours down as TRANSPARENT, #rrggbb, rgb() or rgba(). */
function inHex(colour: string): string {
  if (colour === 'TRANSPARENT') return text([0, 0, 0, 0]);
  if (colour.startsWith('#')) return `${colour.slice(1)}ff`;
  const [r, g, b, alpha = 1] = colour
    .slice(colour.indexOf('(') + 1, -1)
    .split(',')
    .map(Number);
  return text([r, g, b, Math.round(255 * alpha)]);
}

interface PiskelLayer {
  getName(): string;
  getFrames(): { getPixel(x: number, y: number): string }[];
}

for (const target of TARGETS) {
  describe(`Piskel in ${target.name}`, { skip: missing(target), timeout: 120_000 }, () => {
    let site: StaticSite;
    let helper: ExactHelper;
    let extension: InstalledExtension;
    let editor: Page;
    let untouched: Seen;
    let opened = 0;
    const panels: PanelPage[] = [];

    const panelOf = async (page = editor) => {
      const panel = await openPanel(extension, page);
      panels.push(panel);
      return panel;
    };

    before(async () => {
      site = await serveFolder(PISKEL);
      helper = await startExactHelper();
      extension = await installExtension(target, DOOR);
      await open();
      const panel = await panelOf();
      await pair(panel, helper);
      await close();
    });
    after(async () => {
      await extension?.close();
      await helper?.end();
      await site?.close();
    });

    /** A Piskel with the drawing in a layer over an empty one. */
    async function open() {
      opened += 1;
      editor = await extension.browser.newPage();
      await editor.goto(`${site.address}?${opened}`); // A tab is known by its address.
      await editor.waitForFunction(() => window.pskl?.app?.historyService?.stateQueue?.length > 0);
      const colours = Array.from({ length: SIDE ** 2 }, (_, at) => {
        const [r, g, b, a] = drawn(at % SIDE, Math.floor(at / SIDE));
        return a === 0 ? null : `rgba(${r}, ${g}, ${b}, ${a / 255})`;
      });
      await editor.evaluate((all) => {
        const controller = window.pskl.app.piskelController;
        controller.createLayer('Drawing');
        const frame = controller.getCurrentFrame();
        all.forEach((colour, at) => {
          if (colour) frame.setPixel(at % 32, Math.floor(at / 32), colour);
        });
        window.$.publish(window.Events.PISKEL_SAVE_STATE, { type: 'SNAPSHOT' });
      }, colours);
      untouched = await look(editor);
    }

    async function close() {
      for (const panel of panels.splice(0)) if (!panel.page.isClosed()) await panel.close();
      await editor.close();
      helper.release();
    }

    /** Presses the one button, and waits until the helper is in the middle of it. */
    async function startHeld(panel: PanelPage) {
      helper.hold();
      await panel.offers('Upscale');
      await panel.click('button', 'Upscale');
      await panel.says(KERNEL);
    }

    async function assertInserted() {
      const { size, layers } = await look(editor);
      assert.deepEqual(
        [size, layers.map(({ name }) => name)],
        [
          [64, 64],
          ['Layer 1', 'Drawing', 'Drawing 2×'],
        ],
      );
      assert.deepEqual(layers[2].pixels, expected);
      // The layer it came from is enlarged with the document.
      const { pixels } = untouched.layers[1];
      assert.deepEqual(
        layers[1].pixels,
        layers[1].pixels.map((_, at) => pixels[SIDE * (Math.floor(at / 64) >> 1) + ((at % 64) >> 1)]),
      );
    }

    const inEditor = (title: string, body: () => Promise<void>) =>
      test(title, async () => {
        await open();
        try {
          await body();
        } finally {
          await close();
        }
      });

    inEditor(
      'one button brings the layer to the helper and the new one into the document; another takes it back',
      async () => {
        const panel = await panelOf();
        await panel.shows(/Drawing\s+32 × 32\s+becomes 64 × 64/);
        await panel.offers('Upscale');
        await panel.click('button', 'Upscale');
        await panel.says(INSERTED);
        await assertInserted();
        await panel.click('button', 'Undo insertion');
        await panel.says(/^The picture is done\.$/);
        assert.deepEqual(await look(editor), untouched);
        // Once more by hand.
        await panel.click('button', 'Insert');
        await panel.says(INSERTED);
        await assertInserted();
        assert.deepEqual(helper.jobs(), []);
      },
    );

    inEditor('a job that is cancelled leaves nothing behind, and another can be started', async () => {
      const panel = await panelOf();
      await startHeld(panel);
      await panel.click('button', 'Cancel');
      await panel.offers('Upscale');
      assert.deepEqual(helper.jobs(), []);
      assert.deepEqual(await look(editor), untouched);
      helper.release();
      await panel.click('button', 'Upscale');
      await panel.says(INSERTED);
      await assertInserted();
    });

    inEditor('a job goes on when the helper was killed in the middle of it', async () => {
      const panel = await panelOf();
      await startHeld(panel);
      await helper.kill();
      await panel.says(/^Waiting for the helper$/);
      await helper.start();
      await panel.says(KERNEL);
      helper.release();
      await panel.says(INSERTED);
      await assertInserted();
    });

    inEditor('a job that is cancelled while the helper is away is stopped when it is back', async () => {
      const panel = await panelOf();
      await startHeld(panel);
      await helper.kill();
      await panel.says(/^Waiting for the helper$/);
      await panel.click('button', 'Cancel');
      await panel.says(/^$/);
      await helper.start();
      await panel.offers('Upscale');
      await until(() => helper.jobs().length === 0);
      assert.deepEqual(await look(editor), untouched);
    });

    inEditor('a job goes on while the panel is closed, and is taken up by the next', async () => {
      const first = await panelOf();
      await startHeld(first);
      await first.close();
      const second = await panelOf();
      await second.says(KERNEL);
      helper.release();
      await second.says(INSERTED);
      await assertInserted();
    });

    inEditor('a job that was finished while no panel was open is inserted by the next', async () => {
      const first = await panelOf();
      await startHeld(first);
      await first.close();
      helper.release();
      const second = await panelOf();
      await second.says(INSERTED);
      await assertInserted();
    });

    inEditor('of two panels one works on the job, the other when that is closed', async () => {
      const first = await panelOf();
      await startHeld(first);
      const second = await panelOf();
      await second.offers('Upscale');
      await second.says(/^$/);
      await first.close();
      await second.says(KERNEL);
      helper.release();
      await second.says(INSERTED);
      await assertInserted();
    });

    inEditor('a result whose document is gone is offered, and inserted when the document is back', async () => {
      const panel = await panelOf();
      await startHeld(panel);
      await editor.evaluate(() => window.pskl.app.piskelController.renameLayerAt(1, 'other'));
      helper.release();
      await panel.shows(/DOCUMENT_CHANGED/);
      await editor.evaluate(() => window.pskl.app.piskelController.renameLayerAt(1, 'Drawing'));
      await panel.click('button', 'Insert');
      await panel.says(INSERTED);
      await assertInserted();
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
