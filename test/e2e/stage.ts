/**
 * All that takes part in an end-to-end test, in one browser: an editor with a drawing in it, the panel as it is shipped, paired
 * by its code, and a helper. Each test gets a document of its own; what it leaves open is closed.
 */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Browser, Page } from 'puppeteer-core';
import { type InstalledExtension, installExtension, missing, TARGETS, type Target } from '../support/extension.ts';
import { type Helper, startHelper } from './helper.ts';
import { DOOR, openDoor, openPanel, type PanelPage, pair } from './panel-page.ts';

/** What the panel says while jobs are held in the helper, and at the end of the way. */
export const KERNEL = /^Estimating the kernel$/;
export const INSERTED = /^The new layer is in the document\.$/;
export const DONE = /^The picture is done\.$/;
export const AWAY = /^Waiting for the helper$/;

/** An editor as these tests drive it, without a line of the adapter under test. */
export interface Drive<Seen> {
  readonly name: string;
  /** Why it cannot be driven here, or false. */
  readonly missing: string | false;
  serve(): Promise<{ readonly address: string; close(): Promise<void> }>;
  /** Makes a document with a half-transparent layer, and selects that. */
  draw(page: Page): Promise<void>;
  /** The document and its layers, as the editor holds them. */
  look(page: Page): Promise<Seen>;
  /** What the panel shows of the layer. */
  readonly shown: RegExp;
  /** Throws unless the document has the layer that the exact helper makes, at its place, and is else as it has to be. */
  assertInserted(now: Seen, untouched: Seen): void;
}

export interface Stage<Seen> {
  readonly helper: Helper;
  readonly editor: Page;
  /** Waits for a file that the browser saves, and takes it away. */
  saved(name: string): Promise<Buffer>;
  /** The document before the panel did anything. */
  readonly untouched: Seen;
  look(): Promise<Seen>;
  panel(): Promise<PanelPage>;
  /** A panel that has pressed the one button, with the job held in the middle by the helper. */
  startHeld(): Promise<PanelPage>;
  assertInserted(): Promise<void>;
}

/** Milliseconds, on a busy machine. */
const COMES_UP = 90_000;

/** A test on a stage. */
export type Scene<Seen> = (title: string, body: (stage: Stage<Seen>) => Promise<void>) => void;

type Scenes<Seen> = (scene: Scene<Seen>) => void;

/** Runs scenes in each browser, with the exact helper. */
export function inEachBrowser<Seen>(drive: Drive<Seen>, scenes: Scenes<Seen>): void {
  for (const target of TARGETS) inBrowser(target, drive, 'exact', scenes);
}

/** Runs scenes in one browser. They are skipped by name where it or the editor is not to be had. */
export function inBrowser<Seen>(
  target: Target,
  drive: Drive<Seen>,
  sort: 'exact' | 'real',
  scenes: Scenes<Seen>,
): void {
  const skip = drive.missing || missing(target);
  describe(`${drive.name} in ${target.name}`, { skip, timeout: 300_000 }, () => {
    let site: Awaited<ReturnType<Drive<Seen>['serve']>>;
    let helper: Helper;
    let extension: InstalledExtension;
    let door: Page;
    let opened = 0;
    before(async () => {
      site = await drive.serve();
      helper = await startHelper(sort);
      await comeUp().catch(comeUpAgain);
    });
    after(async () => {
      await extension?.close();
      await helper?.end();
      await site?.close();
    });

    /** A browser now and then ends by itself, or stops answering before anything was asked of it: another takes its place. */
    async function comeUpAgain(error: Error): Promise<void> {
      console.log(`${drive.name}: ${target.name} is started once more: ${error.stack}`);
      extension?.browser.process()?.kill('SIGKILL');
      await extension?.close();
      await comeUp();
    }

    /** Opens a browser, and pairs the panel in it. */
    async function comeUp(): Promise<void> {
      const late = wait(COMES_UP, null, { ref: false }).then(() =>
        Promise.reject(new Error(`not within ${COMES_UP} ms`)),
      );
      const up = async () => {
        extension = await installExtension(target, DOOR);
        door = await openDoor(extension);
        await onStage(async ({ panel }) => pair(await panel(), helper));
      };
      await Promise.race([up(), late]);
    }

    async function onStage(body: (stage: Stage<Seen>) => Promise<void>): Promise<void> {
      opened += 1;
      const editor = await extension.browser.newPage();
      const panels: PanelPage[] = [];
      const panel = async () => {
        panels.push(await openPanel(extension, door, editor));
        return panels[panels.length - 1];
      };
      try {
        await editor.goto(`${site.address}?${opened}`); // A tab is known by its address.
        await drive.draw(editor);
        const untouched = await drive.look(editor);
        await body({
          ...{ helper, editor, untouched, panel, look: () => drive.look(editor) },
          saved: (name) => savedFile(path.join(extension.downloads, name)),
          async startHeld() {
            helper.hold();
            const started = await panel();
            await started.offers('Upscale');
            await started.click('button', 'Upscale');
            await started.says(KERNEL);
            return started;
          },
          assertInserted: async () => drive.assertInserted(await drive.look(editor), untouched),
        });
      } finally {
        for (const { page } of panels) if (!page.isClosed()) await page.close();
        await editor.close();
        helper.release();
      }
    }

    scenes((title, body) =>
      test(title, () =>
        onStage(body).catch(async (error) => {
          if (await answers(extension.browser)) throw error;
          await comeUpAgain(error);
          await onStage(body);
        }),
      ),
    );
  });
}

/** Whether the browser still does what it is told. */
const answers = async (browser: Browser): Promise<boolean> => {
  try {
    await (await browser.newPage()).close();
    return true;
  } catch {
    return false;
  }
};

/** A browser writes under another name until all of a file is there; Firefox leaves an empty file at its place meanwhile. */
async function savedFile(file: string): Promise<Buffer> {
  await until(() => existsSync(file) && statSync(file).size > 0);
  const bytes = readFileSync(file);
  rmSync(file);
  return bytes;
}

/** Looks again and again; the suite's own time limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(20);
}
