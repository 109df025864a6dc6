/**
 * Browsers and tabs as tests see them: one face for Chromium (playwright-core) and Firefox (puppeteer-core, WebDriver BiDi),
 * so that a scenario is written once. Playwright's Firefox is a build of its own and can't drive the one people have, and
 * puppeteer speaks to both, but playwright finds an element by role and name without asking the page to keep still.
 *
 * Nothing here waits for a time: everything waits until something is so, and says what was not so when it gives up.
 */
import { setTimeout as wait } from 'node:timers/promises';

export type BrowserName = 'Chromium' | 'Firefox';

/** The part of ARIA's roles that tests name. */
export type Role =
  | ('button' | 'checkbox' | 'combobox' | 'dialog' | 'group' | 'heading' | 'img' | 'link' | 'listitem' | 'progressbar')
  | ('radio' | 'slider' | 'spinbutton' | 'status' | 'switch' | 'tab' | 'textbox' | 'alert');

export interface Tab {
  readonly url: string;
  /** Runs in the page's own world; what goes in and comes out is plain data. */
  evaluate<R>(work: () => R | Promise<R>): Promise<R>;
  evaluate<A, R>(work: (asked: A) => R | Promise<R>, asked: A): Promise<R>;
  /** Whether there is such an element to be seen: an exact accessible name. */
  has(role: Role, name: string): Promise<boolean>;
  click(role: Role, name: string): Promise<void>;
  /** Replaces what is in a field. */
  fill(role: Role, name: string, text: string): Promise<void>;
  toFront(): Promise<void>;
  /** PNG of what is to be seen. */
  picture(): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface Browser {
  readonly name: BrowserName;
  /** Where the extension's pages are: chrome-extension://... or moz-extension://... */
  readonly origin: string;
  open(url: string): Promise<Tab>;
  close(): Promise<void>;
}

export const PATIENCE = 20_000;

/** Waits until `look` finds something other than false, null or undefined, and returns that. */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | null | undefined>,
  patience = PATIENCE,
): Promise<T> {
  let last: unknown;
  for (const began = performance.now(); performance.now() - began < patience; await wait(50)) {
    try {
      const found = await look();
      if (found !== false && found !== null && found !== undefined) return found;
      last = found;
    } catch (error) {
      // A page on its way to another has nothing to look at.
      last = error;
    }
  }
  throw new Error(`${what}: not within ${patience / 1000} s (last: ${String(last).slice(0, 300)})`);
}

/** Waits until `condition` is so within the page. */
export const untilIn = <A>(tab: Tab, what: string, condition: (asked: A) => boolean, asked: A, patience = PATIENCE) =>
  until(what, () => tab.evaluate(condition, asked), patience);
