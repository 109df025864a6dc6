/**
 * The panel as a person finds it in a tab: by roles and names, which are also what a screen reader finds. Every wait is for
 * something to be seen, and tells what was seen instead when it gives up.
 */
import type { ElementHandle, Page } from 'puppeteer-core';
import type { InstalledExtension } from '../support/extension.ts';
import type { Helper } from './helper.ts';

/** Milliseconds: a busy machine may be slow. */
const PATIENCE = 20_000;

/** An extension's page from which tests ask the browser for tabs: goes into `installExtension`. */
export const DOOR = { 'door.html': '<!doctype html><title>door</title>' };

export interface PanelPage {
  readonly page: Page;
  click(role: string, name: string): Promise<void>;
  /** Replaces what is in a text field. */
  fill(name: string, text: string): Promise<void>;
  /** Opens or closes a part by its heading. */
  toggle(heading: string): Promise<void>;
  /** Gives a kernel file to the panel. */
  giveKernel(file: string): Promise<void>;
  /** Chooses one of a list by its value. */
  choose(name: string, value: string): Promise<void>;
  /** Waits until the status line matches. Fails as soon as an alert is shown. `patience`: milliseconds. */
  says(expected: RegExp, patience?: number): Promise<void>;
  /** Waits until the panel's text matches. */
  shows(expected: RegExp): Promise<void>;
  /** Waits until the button can be pressed. */
  offers(button: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens that page. */
export const openDoor = (extension: InstalledExtension): Promise<Page> =>
  extension.open('door.html', () => document.readyState === 'complete');

/** Opens the panel for the tab in which `editor` is. */
export async function openPanel(extension: InstalledExtension, door: Page, editor: Page): Promise<PanelPage> {
  const tab = await door.evaluate(async (address) => {
    const { browser, chrome } = globalThis as unknown as Record<'browser' | 'chrome', Tabs | undefined>;
    const tabs = await (browser ?? chrome)?.tabs.query({});
    return tabs?.find(({ url }) => url === address)?.id;
  }, editor.url());
  if (tab === undefined) throw new Error(`there is no tab with ${editor.url()}`);
  const page = await extension.open(`panel/panel.html?tab=${tab}`, () => document.querySelector('#panel h1') !== null);
  await page.setViewport({ width: 400, height: 900 });

  const seen = () => page.evaluate(() => (document.querySelector('#panel') as HTMLElement).innerText);
  async function until<A>(what: string, condition: (given: A) => unknown, given: A, timeout = PATIENCE) {
    const wait = { timeout, polling: 50 };
    await page.waitForFunction(condition as (given: unknown) => unknown, wait, given).catch(async (cause) => {
      throw new Error(`waited in vain for ${what}; the panel shows:\n${await seen()}`, { cause });
    });
  }
  const find = (role: string, name: string) => page.locator(`::-p-aria([name="${name}"][role="${role}"])`);

  return {
    page,
    click: (role, name) => find(role, name).setTimeout(PATIENCE).click(),
    fill: (name, text) => find('textbox', name).setTimeout(PATIENCE).fill(text),
    toggle: (heading) => page.locator(`summary ::-p-text(${heading})`).setTimeout(PATIENCE).click(),
    async giveKernel(file) {
      const input = await page.locator('input[type=file]').setTimeout(PATIENCE).waitHandle();
      await (input as ElementHandle<HTMLInputElement>).uploadFile(file);
    },
    choose: async (name, value) =>
      void (await (await find('combobox', name).setTimeout(PATIENCE).waitHandle()).select(value)),
    async says(expected, patience) {
      const answers = ({ source }: { source: string }) => {
        const said = document.querySelector('[role=status]')?.textContent ?? '';
        const alarm = document.querySelector('[role=alert]')?.textContent;
        return new RegExp(source).test(said) ? 'said' : alarm && 'alarm';
      };
      await until(`the status ${expected}`, answers, { source: expected.source }, patience);
      if ((await page.evaluate(answers, { source: expected.source })) !== 'said')
        throw new Error(`instead of ${expected} the panel shows:\n${await seen()}`);
    },
    shows: (expected) =>
      until(
        `the text ${expected}`,
        ({ source }: { source: string }) =>
          new RegExp(source).test((document.querySelector('#panel') as HTMLElement).innerText),
        { source: expected.source },
      ),
    offers: (button) =>
      until(
        `the button "${button}"`,
        (name: string) => [...document.querySelectorAll('button:enabled')].some((each) => each.textContent === name),
        button,
      ),
    close: () => page.close(),
  };
}

/** Pairs a panel as a person does: with the port and the code that the helper shows. */
export async function pair(panel: PanelPage, helper: Helper): Promise<void> {
  await panel.fill('Port', String(helper.port));
  await panel.page.keyboard.press('Tab');
  await panel.shows(/Pairing code/);
  await panel.fill('Pairing code', await helper.code());
  await panel.click('button', 'Pair');
  await panel.shows(/Helper connected/);
}

interface Tabs {
  readonly tabs: { query(what: object): Promise<{ readonly id?: number; readonly url?: string }[]> };
}
