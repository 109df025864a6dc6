/**
 * What can be done with a result, in the panel as it is shipped: looked at through the lens, its picture and kernel taken away,
 * its kernel used again, found again in the history; kernels from files; and all of the main way by the keyboard alone. The
 * exact helper's kernel is the one it was given, else the bicubic one: so an exported kernel tells whether it was sent.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'puppeteer-core';
import sharp from 'sharp';
import { bicubicKernel, flip, makeKernel } from '../../shared/kernel.ts';
import {
  type ExportOptions,
  exportKernel,
  FORMATS,
  formatOfName,
  type KernelFormat,
} from '../../shared/kernel-formats/index.ts';
import { DEFAULT_OPTIONS } from '../../shared/options.ts';
import { TARGETS } from '../support/extension.ts';
import type { PanelPage } from './panel-page.ts';
import { drawn, piskel, SIDE } from './piskel.ts';
import { DONE, INSERTED, inBrowser, type Scene } from './stage.ts';

/** Sixty-fourths, sum 1: no rounding on its way there and back. No turn or mirroring leaves it as it is. */
const KERNEL = makeKernel(
  4,
  2,
  [1, 2, 3, 0, 5, 19, 11, 1, 2, 9, 6, 2, 0, 1, 1, 1].map((count) => count / 64),
);
const [JSON_FORMAT] = FORMATS;
const fileOf = (kernel: typeof KERNEL, format: KernelFormat, about?: ExportOptions) =>
  Buffer.from(exportKernel(kernel, format, about).bytes);
/** What the panel exports with the kernel of a result that was found in its layer; with one that was given, nothing. */
const FOUND: ExportOptions = {
  source: { width: SIDE, height: SIDE },
  options: { ...DEFAULT_OPTIONS },
  confidence: 0.87,
};

/** Runs with files, by their names, in a folder of their own. */
async function withFiles(
  files: Readonly<Record<string, Uint8Array>>,
  body: (file: (name: string) => string) => unknown,
) {
  const folder = mkdtempSync(path.join(tmpdir(), 'kernelfusion-files-'));
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
    await body((name) => path.join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function upscale(panel: PanelPage): Promise<void> {
  await panel.offers('Upscale');
  await panel.click('button', 'Upscale');
  await panel.says(INSERTED);
}

/** What holds in every browser. */
function everywhere(scene: Scene<unknown>): void {
  scene('a kernel from a file goes with the job, and leaves in every format', async ({ panel, saved }) => {
    const opened = await panel();
    await withFiles({ 'mine.json': fileOf(KERNEL, JSON_FORMAT) }, async (file) => {
      await opened.offers('Upscale');
      await opened.giveKernel(file('mine.json'));
      await opened.shows(/from mine\.json/);
    });
    await upscale(opened);
    await opened.toggle('Export kernel');
    for (const format of FORMATS) {
      await opened.choose('Format', format.id);
      await opened.click('button', `Export ${format.extension}`);
      assert.deepEqual(await saved(`Drawing kernel${format.extension}`), fileOf(KERNEL, format), format.id);
      const { purpose, recipe } = format;
      const text = await opened.page.$eval('details[open]', (part) => (part as HTMLElement).innerText);
      for (const shown of [purpose, recipe.tool, recipe.code])
        assert.ok(text.includes(shown), `${format.id}: ${shown}`);
    }
    await opened.click('button', 'New picture');
    await opened.click('button', 'Have it found instead');
  });

  scene('the picture is saved with every pixel as it came', async ({ panel, saved }) => {
    const opened = await panel();
    await upscale(opened);
    await opened.click('button', 'Download picture');
    const { data, info } = await sharp(await saved(`Drawing ${2 * SIDE}.png`))
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [2 * SIDE, 2 * SIDE, 4]);
    for (let at = 0; at < 4 * SIDE ** 2; at++) {
      const [r, g, b, a] = drawn((at % (2 * SIDE)) >> 1, Math.floor(at / (2 * SIDE)) >> 1);
      const pixel = [...data.subarray(4 * at, 4 * at + 4)];
      assert.deepEqual(a === 0 ? pixel[3] : pixel, a === 0 ? 0 : [255 - r, 255 - g, 255 - b, a]);
    }
  });
}

for (const target of TARGETS) inBrowser(target, piskel, 'exact', everywhere);

inBrowser(TARGETS[0], piskel, 'exact', (scene) => {
  scene('the recipe is copied as it is shown', async ({ panel }) => {
    const opened = await panel();
    await upscale(opened);
    await opened.toggle('Export kernel');
    await opened.choose('Format', 'mat');
    await opened.page.bringToFront();
    await opened.click('button', 'Copy recipe');
    await opened.offers('Copied');
    assert.equal(await clipboard(opened.page), FORMATS.find(({ id }) => id === 'mat')?.recipe.code);
    // Another format's recipe has not been copied.
    await opened.choose('Format', 'npy');
    await opened.offers('Copy recipe');
  });

  scene('a file that holds no kernel is refused in a sentence, and the panel works on without', async (stage) => {
    const { panel, saved } = stage;
    const opened = await panel();
    const npy = fileOf(KERNEL, formatOfName('k.npy') as KernelFormat);
    const files = {
      'cut.npy': npy.subarray(0, npy.length - 9),
      'notes.json': Buffer.from('{"shopping": ["milk", '),
      'photo.png': await sharp({ create: { width: 9, height: 5, channels: 3, background: '#840' } })
        .png()
        .toBuffer(),
      'three.json': fileOf(bicubicKernel(3), JSON_FORMAT),
      'empty.mat': new Uint8Array(),
    };
    await withFiles(files, async (file) => {
      await opened.offers('Upscale');
      for (const name of Object.keys(files)) {
        await opened.giveKernel(file(name));
        await opened.shows(/This file was not taken[\s\S]+Code BAD_KERNEL/);
        assert.doesNotMatch(
          await opened.page.$eval('.notice', (notice) => notice.textContent ?? ''),
          /\/tmp|undefined/,
        );
        await opened.shows(/to be found/);
        await opened.click('button', 'Dismiss');
      }
    });
    await upscale(opened);
    await opened.toggle('Export kernel');
    await opened.click('button', 'Export .json');
    assert.deepEqual(await saved('Drawing kernel.json'), fileOf(bicubicKernel(2), JSON_FORMAT, FOUND));
  });

  scene('the kernel of a result goes with the next job, at its own scale only', async ({ panel, saved }) => {
    const first = await panel();
    await first.offers('Upscale');
    await withFiles({ 'k.json': fileOf(KERNEL, JSON_FORMAT) }, async (file) => {
      await first.giveKernel(file('k.json'));
      await first.shows(/from k\.json/);
    });
    await upscale(first);
    await first.click('button', 'Use this kernel for another layer');
    await first.shows(/from Drawing/);
    await first.close();
    const opened = await panel();
    await opened.shows(/from Drawing/);
    await opened.shows(/The chosen kernel is for 2×/);
    assert.deepEqual(
      await opened.page.$$eval('[name=scale]', (all) => all.map((each) => (each as HTMLInputElement).disabled)),
      [true, false, true, true],
    );
    // It may be meant the other way round.
    await opened.click('button', 'Turn the kernel by 180°');
    await upscale(opened);
    await opened.toggle('Export kernel');
    await opened.click('button', 'Export .json');
    assert.deepEqual(await saved('Drawing 2 kernel.json'), fileOf(flip(KERNEL), JSON_FORMAT));
    // And not with the one after that, when it was put away.
    await opened.click('button', 'New picture');
    await opened.click('button', 'Have it found instead');
    await opened.shows(/to be found/);
  });

  scene('the lens follows the pointer and the arrow keys, and shows the pixels that are there', async ({ panel }) => {
    const opened = await panel();
    await upscale(opened);
    const { page } = opened;
    const place = () => page.$eval('[role=slider]', (lens) => lens.getAttribute('aria-valuetext'));
    /** Of the spot in the middle of a lens, before and after. */
    const seen = () =>
      page.$$eval('.lenses canvas', (all) =>
        all.map((canvas) => {
          const { width, height } = canvas as HTMLCanvasElement;
          const pen = (canvas as HTMLCanvasElement).getContext('2d');
          return [...(pen?.getImageData(width / 2 + 1, height / 2 + 1, 1, 1).data ?? [])];
        }),
      );
    assert.equal(await place(), '50 % from the left, 50 % from the top');
    const [r, g, b, a] = drawn(16, 16);
    assert.deepEqual(await seen(), [
      [r, g, b, a],
      [255 - r, 255 - g, 255 - b, a],
    ]);
    // A lens of 48 pixels on a picture of 64 has its middle between 24 and 40.
    await (await page.$('[role=slider]'))?.focus();
    await page.keyboard.press('End');
    assert.equal(await place(), '63 % from the left, 50 % from the top');
    await page.keyboard.press('ArrowUp');
    assert.equal(await place(), '63 % from the left, 48 % from the top');
    const box = await (await page.$('.pair'))?.boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + 0.55 * box.width, box.y + 0.95 * box.height);
    assert.equal(await place(), '55 % from the left, 63 % from the top');
    const [, after] = await seen();
    // Pixel (35, 40) of the result, from (17, 20) of the drawing.
    assert.deepEqual(after.slice(1), [255 - 8 * 20, 155, 255]);
  });

  scene('a result is found again in the history of a panel that is opened later, and can be removed', async (stage) => {
    const first = await stage.panel();
    await upscale(first);
    await first.close();
    const second = await stage.panel();
    await second.toggle('History');
    const entries = () => second.page.$$('.history .entry');
    const count = (await entries()).length;
    await (await entries())[0].click();
    await second.shows(/Result\s+Drawing 2×/);
    await second.shows(/46\.2 dB/);
    await second.click('button', 'New picture');
    await (await second.page.$('.history [aria-label="Remove Drawing 2× from the history"]'))?.click();
    await second.page.waitForFunction((left) => document.querySelectorAll('.entry').length === left, {}, count - 1);
  });

  scene('the keyboard alone pairs, upscales, inserts and exports', async ({ panel, helper, saved, assertInserted }) => {
    const opened = await panel();
    const { page } = opened;
    await page.evaluate(() => (globalThis as unknown as Chrome).chrome.storage.local.remove('secrets'));
    await page.reload();
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 30; presses++) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate(focused)).startsWith(name)) return;
      }
      assert.fail(`no way to "${name}"; the focus is on "${await page.evaluate(focused)}"`);
    };
    await opened.shows(/Pairing code/);
    await tabTo('Pairing code');
    await page.keyboard.type(await helper.code());
    await page.keyboard.press('Enter');
    await opened.shows(/Helper connected/);
    await tabTo('Insert when done');
    await page.keyboard.press('Space');
    await tabTo('Upscale');
    await page.keyboard.press('Enter');
    await opened.says(DONE);
    // What was pressed is gone; the focus is not.
    assert.notEqual(await page.evaluate(() => document.activeElement?.tagName), 'BODY');
    await tabTo('Insert');
    await page.keyboard.press('Enter');
    await opened.says(INSERTED);
    await assertInserted();
    await tabTo('Zoom lens');
    await tabTo('Export kernel');
    await page.keyboard.press('Enter');
    await tabTo('Format');
    await page.keyboard.press('ArrowDown');
    await tabTo('Export .npy');
    await page.keyboard.press('Enter');
    assert.deepEqual(
      await saved('Drawing kernel.npy'),
      fileOf(bicubicKernel(2), formatOfName('k.npy') as KernelFormat),
    );
  });
});

/** In the page: what a person hears of the element that has the focus. */
function focused(): string {
  const element = document.activeElement as HTMLInputElement;
  return element.getAttribute('aria-label') ?? element.labels?.[0]?.innerText ?? element.innerText;
}

/** Text in the clipboard. */
async function clipboard(page: Page): Promise<string> {
  const origin = await page.evaluate(() => location.origin);
  await page.browserContext().overridePermissions(origin, ['clipboard-read']);
  return page.evaluate(() => navigator.clipboard.readText());
}

interface Chrome {
  readonly chrome: { readonly storage: { readonly local: { remove(key: string): Promise<void> } } };
}
