/**
 * Draws the pictures of docs/panel: every state of the panel, light beside dark, with a page that shows them all; and the panel
 * at work beside an editor, as the README shows it.
 *
 * What is in them is real: a photograph enlarged by the method, the second time by the helper, from Piskel and back into it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import sharp from 'sharp';
import { rgbaOf } from '../../helper/image/rgba.ts';
import { runJob } from '../../helper/job.ts';
import { DEFAULT_OPTIONS } from '../../shared/options.ts';
import { startHelper } from '../e2e/helper.ts';
import { DOOR, openDoor, openPanel, pair } from '../e2e/panel-page.ts';
import { piskel } from '../e2e/piskel.ts';
import { INSERTED } from '../e2e/stage.ts';
import { installExtension, TARGETS } from '../support/extension.ts';
import { loadLayer } from '../support/pixels.ts';
import { openGallery, PHOTOGRAPH, picturePixels, THEMES } from './gallery.ts';
import type { Exhibits } from './states.ts';

const FOLDER = fileURLToPath(new URL('../../../docs/panel', import.meta.url));
/** Of a panel, as browsers open it. */
const WIDTH = 360;
/** Milliseconds: the method computes, perhaps on a machine that does other things besides. */
const PATIENCE = 25 * 60_000;

/** Pictures beside each other, in as few colours as they can be told from each other by. */
async function writeBeside(name: string, pictures: readonly Uint8Array[]): Promise<void> {
  const sizes = await Promise.all(pictures.map((picture) => sharp(picture).metadata()));
  const height = Math.max(...sizes.map((size) => size.height ?? 0));
  const lefts = sizes.map((_, at) => sizes.slice(0, at).reduce((sum, size) => sum + (size.width ?? 0), 0));
  const width = sizes.reduce((sum, size) => sum + (size.width ?? 0), 0);
  await sharp({ create: { width, height, channels: 3, background: '#17181c' } })
    .composite(pictures.map((picture, at) => ({ input: Buffer.from(picture), left: lefts[at], top: 0 })))
    .png({ palette: true, quality: 90, compressionLevel: 9, effort: 10 })
    .toFile(path.join(FOLDER, `${name}.png`));
}

async function realExhibits(): Promise<Exhibits> {
  const { result } = await runJob(await loadLayer(PHOTOGRAPH), DEFAULT_OPTIONS);
  const { width, height } = result.layer.colour;
  return {
    original: await picturePixels(PHOTOGRAPH),
    enlarged: { width, height, rgba: new Uint8ClampedArray(rgbaOf(result.layer)) },
    ...{ kernel: result.kernel, kernelSoFar: result.kernels[Math.floor(result.kernels.length / 3)] },
  };
}

async function drawStates(exhibits: Exhibits): Promise<void> {
  const gallery = await openGallery(exhibits);
  for (const name of Object.keys(gallery.states)) {
    const both: Uint8Array[] = [];
    for (const theme of THEMES) {
      await gallery.show(name, { theme, width: WIDTH });
      both.push(await gallery.page.screenshot({ fullPage: true }));
    }
    await writeBeside(name, both);
  }
  await gallery.close();
  const entries = Object.entries(gallery.states).map(
    ([name, about]) => `## ${about}\n\n![${about}, light and dark](${name}.png)\n`,
  );
  const beginning =
    '# Every state of the panel\n\nLight and dark, drawn by `npm run screenshots` from `test/gallery/states.ts`. The pictures in them are a real result; the\nfigures are examples.\n';
  writeFileSync(path.join(FOLDER, 'README.md'), [beginning, ...entries].join('\n'));
}

/** Puts the photograph into a document of its size. */
async function drawPhotograph(page: Page): Promise<void> {
  await page.waitForFunction(() => window.pskl?.app?.historyService?.stateQueue?.length > 0);
  const picture = `data:image/png;base64,${(await sharp(PHOTOGRAPH).png().toBuffer()).toString('base64')}`;
  await page.evaluate(async (address) => {
    const image = new Image();
    image.src = address;
    await image.decode();
    const { app, model, utils } = window.pskl;
    const layer = model.Layer.fromFrames('Otter', [utils.FrameUtils.createFromImage(image)]);
    const controller = app.piskelController;
    const descriptor = controller.getPiskel().getDescriptor();
    controller.setPiskel(model.Piskel.fromLayers([layer], descriptor), {});
  }, picture);
}

async function drawAtWork(): Promise<void> {
  const site = await piskel.serve();
  const helper = await startHelper('real');
  const extension = await installExtension(TARGETS[0], DOOR);
  try {
    const door = await openDoor(extension);
    const editor = await extension.browser.newPage();
    await editor.setViewport({ width: 1000, height: 1060 });
    await editor.goto(site.address);
    await drawPhotograph(editor);
    const panel = await openPanel(extension, door, editor);
    await panel.page.setViewport({ width: WIDTH, height: 1060 });
    await panel.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    await pair(panel, helper);
    await panel.offers('Upscale');
    await panel.click('button', 'Upscale');
    await panel.says(INSERTED, PATIENCE);
    await panel.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const right = await panel.page.screenshot();
    // A tab in the background draws nothing that could be taken.
    await editor.bringToFront();
    const left = await editor.screenshot();
    await writeBeside('at-work', [left, right]);
  } finally {
    await extension.close();
    await helper.end();
    await site.close();
  }
}

mkdirSync(FOLDER, { recursive: true });
const exhibits = await realExhibits();
await drawStates(exhibits);
await drawAtWork();
