/** The ways to Photopea in real browsers: what a window, a frame and a message are is the browser's to say, not the double's. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { EXTENSION_ID, EXTENSION_KEY } from '../../../../shared/extension-id.ts';
import { bundled, type DoubleSite, frameFiles, serveDouble } from '../../../doubles/photopea/site.ts';

const BROWSERS = [
  { name: 'Chromium', browser: 'chrome', executablePath: '/usr/bin/chromium' },
  { name: 'Firefox', browser: 'firefox', executablePath: '/usr/bin/firefox-esr' },
] as const;

const ADDON = 'frame@kernelfusion.example';
const UUID = '11111111-2222-4333-8444-5555555555ff';

/** An extension that has nothing but our frame: what a page may hand a port to is the browser's to say. */
async function frameExtension(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kernelfusion-frame-'));
  const files = await frameFiles();
  const manifest = {
    ...{ manifest_version: 3, name: 'Frame', version: '1', key: EXTENSION_KEY },
    browser_specific_settings: { gecko: { id: ADDON } },
    web_accessible_resources: [{ resources: Object.keys(files), matches: ['http://127.0.0.1/*'] }],
  };
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  for (const [file, { text }] of Object.entries(files)) await writeFile(path.join(folder, file), text);
  return folder;
}

for (const { name, browser: kind, executablePath } of BROWSERS) {
  const skip = existsSync(executablePath) ? false : `${name} is not installed at ${executablePath}`;
  describe(`Photopea's double in ${name}`, { skip }, () => {
    let browser: Browser;
    let site: DoubleSite;
    let script: string;
    let extension: string;
    const origin = kind === 'chrome' ? `chrome-extension://${EXTENSION_ID}` : `moz-extension://${UUID}`;

    before(async () => {
      site = await serveDouble();
      script = (await bundled('test/extension/editors/photopea/in-page.ts')).text;
      extension = await frameExtension();
      const chromeArgs = ['--no-sandbox', '--disable-features=DisableLoadExtensionCommandLineSwitch'];
      browser = await puppeteer.launch({
        ...{ browser: kind, executablePath, headless: true },
        ...(kind === 'chrome'
          ? { enableExtensions: true, args: [...chromeArgs, `--load-extension=${extension}`] }
          : { extraPrefsFirefox: { 'extensions.webextensions.uuids': JSON.stringify({ [ADDON]: UUID }) } }),
      });
      if (kind === 'firefox') await browser.installExtension(extension);
    });
    after(async () => {
      await browser?.close();
      await site?.close();
      if (extension) await rm(extension, { recursive: true });
    });

    async function opened(query: Record<string, string>, hash = ''): Promise<Page> {
      const page = await browser.newPage();
      await page.goto(`${site.address}?${new URLSearchParams(query)}${hash}`);
      await page.evaluate(script);
      return page;
    }

    test('a page that is not framed is not answered, unless we stand in for its parent', async () => {
      const page = await opened({ quirks: '{"pings":true,"earlyDone":true}' });
      assert.deepEqual(await page.evaluate(() => window.tried.plainAnswers()), []);
      assert.deepEqual(await page.evaluate(() => window.tried.wrongLayers()), {
        ...{ wrong: [], read: 5, parentRestored: true, detected: true },
      });
      await page.close();
    });

    test('several injections of our code do not get into each other’s way', async () => {
      const page = await opened({});
      assert.deepEqual(await page.evaluate(() => window.tried.severalAtOnce()), {
        ...{ names: Array(4).fill('poster.psd'), parentRestored: true },
      });
      await page.close();
    });

    for (const [mode, size] of [
      ['keep-document', [20, 15]],
      ['enlarge-document', [80, 60]],
      ['new-document', [32, 24]],
    ] as const) {
      test(`a layer is inserted (${mode}) and taken back`, async () => {
        const page = await opened({});
        assert.deepEqual(await page.evaluate((how) => window.tried.insertAndUndo(how), mode), {
          ...{ name: 'enlarged', size, exact: true },
          undone: { size: [20, 15], top: 'sprite' },
        });
        await page.close();
      });
    }

    test('where only frames are answered, ours speaks for us', async () => {
      const page = await opened({ answers: 'frames' });
      const steps = await page.evaluate((url) => window.tried.selfTest(url), site.frameUrl);
      assert.deepEqual(
        steps.map(({ ok }) => ok),
        [true, true, true, true],
      );
      assert.match(steps[0].detail, /frame/);
      await page.close();
    });

    test('the frame speaks for us from an extension’s own origin too', async () => {
      const page = await opened({ answers: 'frames' });
      const steps = await page.evaluate((url) => window.tried.selfTest(url), `${origin}/photopea-frame.html`);
      assert.deepEqual(
        steps.map(({ ok, detail }) => [ok, detail]),
        steps.map(({ detail }) => [true, detail]),
      );
      assert.match(steps[0].detail, /frame/);
      await page.close();
    });

    test('where only plugins are answered, ours speaks for us once Photopea was opened with it', async () => {
      const plain = await opened({ answers: 'plugins' });
      const silent = await plain.evaluate((url) => window.tried.selfTest(url), site.frameUrl);
      assert.deepEqual(
        silent.map(({ ok }) => ok),
        [false],
      );
      const address = await plain.evaluate((url) => window.tried.pluginAddress(url), site.frameUrl);
      await plain.close();
      const page = await opened({ answers: 'plugins' }, new URL(address).hash);
      const steps = await page.evaluate((url) => window.tried.selfTest(url), site.frameUrl);
      assert.deepEqual(
        steps.map(({ ok }) => ok),
        [true, true, true, true],
      );
      assert.match(steps[0].detail, /plugin/);
      await page.close();
    });
  });
}
