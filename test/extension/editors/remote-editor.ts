/** An adapter that runs in a browser's page, to be used from a test as if it were here. */
import { existsSync } from 'node:fs';
import { describe } from 'node:test';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import type { Editor } from '../../../extension/editors/editor.ts';
import { type ErrorCode, KernelFusionError } from '../../../shared/errors.ts';
import { bundled } from '../../doubles/photopea/site.ts';

const BROWSERS = [
  { name: 'Chromium', browser: 'chrome', executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] },
  { name: 'Firefox', browser: 'firefox', executablePath: '/usr/bin/firefox-esr', args: [] },
] as const;

/** Runs tests in each browser; they are skipped by name where it is not installed. */
export function inEachBrowser(what: string, missing: string | false, tests: (launch: () => Promise<Browser>) => void) {
  for (const { name, ...options } of BROWSERS) {
    const skip = missing || (existsSync(options.executablePath) ? false : `${name} is not installed`);
    describe(`${what} in ${name}`, { skip }, () =>
      tests(() => puppeteer.launch({ ...options, args: [...options.args], headless: true })),
    );
  }
}

export async function remoteEditor(page: Page, name: Editor['name']): Promise<Editor> {
  await page.evaluate((await bundled('test/extension/editors/in-page.ts')).text);
  const ask = async (method: Parameters<Window['askEditor']>[1], ...given: unknown[]) => {
    const plain = given.map((each) =>
      typeof each === 'object' && each !== null && 'rgba' in each
        ? { ...each, rgba: Array.from(each.rgba as Uint8ClampedArray) }
        : each,
    );
    const { value, error } = (await page.evaluate((...asked) => window.askEditor(...asked), name, method, plain)) as {
      // biome-ignore lint/suspicious/noExplicitAny: each method's own, as the adapter gave it.
      value?: any;
      error?: { name: string; code?: ErrorCode; message: string };
    };
    if (error?.code) throw new KernelFusionError(error.code, error.message);
    if (error) throw new Error(`${error.name}: ${error.message}`);
    return value?.rgba ? { ...value, rgba: Uint8ClampedArray.from(value.rgba) } : value;
  };
  return {
    name,
    modes: await ask('modes'),
    detect: () => ask('detect'),
    document: () => ask('document'),
    layers: () => ask('layers'),
    active: () => ask('active'),
    thumbnail: (id, side) => ask('thumbnail', id, side),
    read: (id) => ask('read', id),
    insert: (insertion) => ask('insert', insertion),
    undo: (steps) => ask('undo', steps),
  };
}
