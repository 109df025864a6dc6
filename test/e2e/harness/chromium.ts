/** Chromium with an extension, by playwright-core: headless, with a profile of its own that is deleted at the end. */
import { existsSync } from 'node:fs';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { EXTENSION_ID } from '../../../shared/extension-id.ts';
import { type Browser, PATIENCE, type Role, type Tab } from './tab.ts';

export const CHROMIUM = '/usr/bin/chromium';
export const noChromium = (): string | false => (existsSync(CHROMIUM) ? false : `Chromium is not at ${CHROMIUM}`);

export interface OpenChromium extends Browser {
  /** For what only playwright can do. */
  readonly context: BrowserContext;
}

export async function openChromium(extension: string): Promise<OpenChromium> {
  const context = await chromium.launchPersistentContext('', {
    executablePath: CHROMIUM,
    // "Headless" would be the old mode, which has no extensions.
    headless: false,
    viewport: { width: 1000, height: 1000 },
    args: [
      ...['--headless=new', `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
      // A root has no sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
  context.setDefaultTimeout(PATIENCE);
  return {
    name: 'Chromium',
    origin: `chrome-extension://${EXTENSION_ID}`,
    context,
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return tabOf(page);
    },
    close: () => context.close(),
  };
}

export function tabOf(page: Page): Tab {
  const find = (role: Role, name: string) => page.getByRole(role, { name, exact: true });
  return {
    get url() {
      return page.url();
    },
    evaluate: <A, R>(work: (asked: A) => R | Promise<R>, asked?: A) => page.evaluate(work as () => R, asked),
    has: async (role, name) => (await find(role, name).count()) > 0,
    click: (role, name) => find(role, name).click(),
    fill: (role, name, text) => find(role, name).fill(text),
    toFront: () => page.bringToFront(),
    picture: () => page.screenshot({ fullPage: true }),
    close: () => page.close(),
  };
}
