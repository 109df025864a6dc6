/**
 * Firefox ESR with an extension, by puppeteer-core over WebDriver BiDi: headless, the extension installed for the time being,
 * unsigned. Its address, which Firefox makes up anew for each profile, is pinned by a preference.
 */
import { existsSync } from 'node:fs';
import puppeteer, { type Page, TimeoutError } from 'puppeteer-core';
import { type Browser, PATIENCE, type Role, type Tab, until } from './tab.ts';

export const FIREFOX = '/usr/bin/firefox-esr';
export const noFirefox = (): string | false => (existsSync(FIREFOX) ? false : `Firefox ESR is not at ${FIREFOX}`);

const UUID = '11111111-2222-4333-8444-555555555555';
const ORIGIN = `moz-extension://${UUID}`;

/** `id` is the manifest's `browser_specific_settings.gecko.id`. */
export async function openFirefox(extension: string, id: string): Promise<Browser> {
  const browser = await puppeteer.launch({
    ...{ browser: 'firefox', executablePath: FIREFOX, headless: true, protocolTimeout: 60_000 },
    defaultViewport: { width: 1000, height: 1000 },
    // Without it a driver may not go to an extension's pages.
    args: ['--remote-allow-system-access'],
    extraPrefsFirefox: { 'extensions.webextensions.uuids': JSON.stringify({ [id]: UUID }) },
  });
  await browser.installExtension(extension);
  return {
    name: 'Firefox',
    origin: ORIGIN,
    async open(url) {
      const page = await browser.newPage();
      // Of an extension's page the driver hears no "load": it is looked whether the page is there.
      const isOurs = url.startsWith(ORIGIN);
      await page.goto(url, isOurs ? { timeout: 1000 } : {}).catch((error) => {
        if (!isOurs || !(error instanceof TimeoutError)) throw error;
      });
      const tab = tabOf(page);
      await until(`${url} is loaded`, () =>
        tab.evaluate((wanted) => location.href === wanted && document.readyState === 'complete', url),
      );
      return tab;
    },
    close: () => browser.close(),
  };
}

function tabOf(page: Page): Tab {
  const find = (role: Role, name: string) => page.$(`::-p-aria([name=${JSON.stringify(name)}][role="${role}"])`);
  const found = (role: Role, name: string) => until(`${role} "${name}"`, () => find(role, name), PATIENCE);
  return {
    get url() {
      return page.url();
    },
    evaluate: <A, R>(work: (asked: A) => R | Promise<R>, asked?: A) => page.evaluate(work as () => R, asked),
    has: async (role, name) => (await find(role, name)) !== null,
    async click(role, name) {
      await (await found(role, name)).click();
    },
    async fill(role, name, text) {
      const field = await found(role, name);
      await field.evaluate((element) => (element as HTMLInputElement).select());
      await field.type(text);
    },
    toFront: () => page.bringToFront(),
    picture: () => page.screenshot({ fullPage: true }),
    close: () => page.close(),
  };
}
