/** The extension as it is bundled, in real browsers: a copy of it that is let into local pages without a click, and may have
 *  scripts and pages of a test beside the panel. */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { EXTENSION_ID } from '../../shared/extension-id.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const ADDON = 'kernelfusion@kernelfusion.example';
/** Firefox makes one up for each profile, unless it is told. */
const UUID = '11111111-2222-4333-8444-5555555555be';

export const TARGETS = [
  {
    name: 'Chromium',
    kind: 'chrome',
    executablePath: '/usr/bin/chromium',
    origin: `chrome-extension://${EXTENSION_ID}`,
  },
  { name: 'Firefox', kind: 'firefox', executablePath: '/usr/bin/firefox-esr', origin: `moz-extension://${UUID}` },
] as const;
export type Target = (typeof TARGETS)[number];

/** Why tests can't run there, or false. */
export function missing({ name, kind, executablePath }: Target): string | false {
  if (!existsSync(executablePath)) return `${name} is not installed`;
  return existsSync(path.join(root, 'dist', `extension-${kind}`)) ? false : 'not bundled yet: npm run build';
}

/** Every local page: what a user would allow by a click on the toolbar's button. */
export const LOCAL_PAGES = ['http://127.0.0.1/*'];

export interface InstalledExtension {
  readonly browser: Browser;
  /** The folder that the browser saves files to, without asking. */
  readonly downloads: string;
  /** Opens a page of the extension, and waits until `ready` holds in it. */
  open(page: string, ready: () => unknown): Promise<Page>;
  /** Closes the browser and deletes the copy. */
  close(): Promise<void>;
}

/** @param files further ones by name; @param manifest keys that the manifest gets besides */
export async function installExtension(
  target: Target,
  files: Readonly<Record<string, string>> = {},
  manifest: Readonly<Record<string, unknown>> = { host_permissions: LOCAL_PAGES },
): Promise<InstalledExtension> {
  const place = await mkdtemp(path.join(tmpdir(), 'kernelfusion-extension-'));
  const [folder, downloads] = [path.join(place, 'extension'), path.join(place, 'downloads')];
  await mkdir(downloads);
  await cp(path.join(root, 'dist', `extension-${target.kind}`), folder, { recursive: true });
  const own = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8'));
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify({ ...own, ...manifest }));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  const browser = await launch(target, folder, downloads);
  return {
    ...{ browser, downloads },
    async open(page, ready) {
      const opened = await browser.newPage();
      const signal = AbortSignal.timeout(PAGE_LIMIT);
      // Firefox does not tell when an extension's page has been loaded: it is asked, and may fail to answer on the way there.
      opened.goto(`${target.origin}/${page}`).catch(() => {});
      while ((await opened.evaluate(() => location.origin).catch(() => null)) !== target.origin)
        await wait(20, null, { signal });
      await opened.waitForFunction(ready);
      return opened;
    },
    async close() {
      await browser.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}

/** Milliseconds until a page of the extension has to be there, on a busy machine. */
const PAGE_LIMIT = 30_000;

/** Milliseconds until the browser has to have answered: a test may wait for what takes minutes, and has a limit of its own. */
const PROTOCOL_LIMIT = 30 * 60_000;

async function launch({ kind, executablePath }: Target, folder: string, downloads: string): Promise<Browser> {
  if (kind === 'chrome') {
    const browser = await puppeteer.launch({
      ...{ browser: kind, executablePath, enableExtensions: true, protocolTimeout: PROTOCOL_LIMIT },
      args: ['--no-sandbox', '--disable-features=DisableLoadExtensionCommandLineSwitch', `--load-extension=${folder}`],
    });
    const session = await browser.target().createCDPSession();
    await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: downloads });
    return browser;
  }
  const browser = await puppeteer.launch({
    ...{ browser: kind, executablePath, args: ['--remote-allow-system-access'], protocolTimeout: PROTOCOL_LIMIT },
    extraPrefsFirefox: {
      'extensions.webextensions.uuids': JSON.stringify({ [ADDON]: UUID }),
      ...{ 'browser.download.folderList': 2, 'browser.download.dir': downloads },
      'browser.download.always_ask_before_handling_new_types': false,
    },
  });
  await browser.installExtension(folder);
  return browser;
}
