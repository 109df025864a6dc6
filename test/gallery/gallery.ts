/** Every state of the panel in a page of Chromium, one after the other: states.ts says which, page.ts draws them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Page } from 'puppeteer-core';
import sharp from 'sharp';
import type { Picture } from '../../extension/editors/picture.ts';
import type { Scale } from '../../shared/kernel.ts';
import { bundled } from '../doubles/photopea/site.ts';
import { TARGETS } from '../support/extension.ts';
import type { Gallery } from './page.ts';
import type { Exhibits } from './states.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const sourceOf = (file: string) => readFileSync(path.join(root, 'extension', 'panel', file), 'utf8');

export const PHOTOGRAPH = path.join(root, 'test', 'fixtures', 'sample.png');
export const THEMES = ['light', 'dark'] as const;

/** What goes to the page: arrays travel as lists. */
export interface Sent extends Record<'original' | 'enlarged', { width: number; height: number; rgba: number[] }> {
  kernel: { size: number; scale: Scale; data: number[] };
  kernelSoFar: Sent['kernel'];
}

export interface OpenGallery {
  readonly page: Page;
  /** What each state is, by its name. */
  readonly states: Readonly<Record<string, string>>;
  /** `width`: of the panel, in pixels; `isLong`: with the longest names there may be. */
  show(name: string, look: { theme: (typeof THEMES)[number]; width: number; isLong?: boolean }): Promise<void>;
  close(): Promise<void>;
}

export async function openGallery(exhibits: Exhibits): Promise<OpenGallery> {
  const [{ executablePath }] = TARGETS;
  const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox', '--hide-scrollbars'] });
  const page = await browser.newPage();
  await page.setContent(sourceOf('panel.html').replace(/<(?:link|script) [^>]*>/g, ''));
  await page.addStyleTag({ content: sourceOf('panel.css') });
  await page.addScriptTag({ content: (await bundled('test/gallery/page.ts')).text });
  const states = await page.evaluate((sent) => window.gallery.hang(sent), sendable(exhibits));
  return {
    ...{ page, states },
    async show(name, { theme, width, isLong = false }) {
      await page.setViewport({ width, height: 240 }); // A picture of the whole page is as high as this at least.
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
      await page.evaluate((...what) => window.gallery.show(...what), name, isLong);
      // Pictures are drawn after the elements they are drawn in, by the second frame at the latest.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    },
    close: () => browser.close(),
  };
}

function sendable({ original, enlarged, kernel, kernelSoFar }: Exhibits): Sent {
  const picture = ({ width, height, rgba }: Picture) => ({ width, height, rgba: [...rgba] });
  return {
    ...{ original: picture(original), enlarged: picture(enlarged) },
    ...{ kernel: { ...kernel, data: [...kernel.data] }, kernelSoFar: { ...kernelSoFar, data: [...kernelSoFar.data] } },
  };
}

/** A picture file's pixels, `times` as wide and high. */
export async function picturePixels(file: string, times = 1): Promise<Picture> {
  const { width = 0, height = 0 } = await sharp(file).metadata();
  const { data, info } = await sharp(file)
    .resize(width * times, height * times)
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgba: new Uint8ClampedArray(data) };
}

declare global {
  interface Window {
    gallery: Gallery;
  }
}
