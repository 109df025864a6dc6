/** From a page of the extension to an editor in a tab and back, in real browsers: what a world, a port and a leave are is theirs. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import type { ErrorCode } from '../../../shared/errors.ts';
import { colourful } from '../../doubles/photopea/scene.ts';
import { bundled, serveDouble } from '../../doubles/photopea/site.ts';
import {
  type InstalledExtension,
  installExtension,
  LOCAL_PAGES,
  missing,
  TARGETS,
  type Target,
} from '../../support/extension.ts';
import { type StaticSite, serveFolder } from '../../support/static-site.ts';
import type { Link } from './in-panel.ts';

const PISKEL = fileURLToPath(new URL('../../../../node_modules/@code-dot-org/piskel/dest/prod', import.meta.url));
/** What Photopea's page may load of ours. */
const FRAME = ['photopea-frame.html', 'photopea-frame.css', 'photopea-frame.js'];

const PANEL = '<!doctype html><script src="in-panel.js"></script>';

/** A page with miniPaint's objects and one layer, under the strictest policy there is but for this script itself. */
const STRICT = `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-a'">
<canvas width="2" height="1"></canvas><script nonce="a">
const canvas = document.querySelector('canvas');
canvas.getContext('2d').fillRect(0, 0, 1, 1);
const size = { width: 2, height: 1, width_original: 2, height_original: 1 };
const layer = { id: 1, name: 'dot', type: 'image', link_canvas: canvas, x: 0, y: 0, visible: true, rotate: 0, filters: [], ...size };
window.AppConfig = { WIDTH: 2, HEIGHT: 1, layers: [layer], layer };
window.Layers = { get_sorted_layers: () => [layer] };
window.State = {};
</script>`;

/** A page that takes the private port for itself, and writes down all it sees of us. */
const SPY = `<!doctype html><script>
window.seen = [];
addEventListener('message', ({ data }) => seen.push(data));
addEventListener('kernelfusion-hello', (event) => {
  event.stopImmediatePropagation();
  seen.push(event.data);
  const [port] = event.ports;
  port.onmessage = ({ data }) => {
    seen.push(data);
    const value = { name: 'minipaint', modes: ['keep-document'], tests: false };
    port.postMessage(data.ask === 'editor' ? { id: data.id, ok: true, value } : { id: data.id, ok: true, value: 'yes' });
  };
});
</script>`;

async function servePages(pages: Readonly<Record<string, string>>) {
  const server: Server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(pages[request.url ?? ''] ?? '<!doctype html>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** The link in the panel's page: throws what it throws there. */
async function ask<M extends keyof Link>(
  panel: Page,
  method: M,
  ...given: Parameters<Link[M]>
): Promise<Awaited<ReturnType<Link[M]>>> {
  // The names of the questions are checked above; what travels is plain data.
  const asked: readonly unknown[] = [method, ...given];
  const { value, code, message } = await panel.evaluate(
    (all) => (window.askLink as (...all: unknown[]) => ReturnType<typeof window.askLink>)(...all),
    asked,
  );
  if (code) throw Object.assign(new Error(message), { code: code as ErrorCode });
  return value as Awaited<ReturnType<Link[M]>>;
}

for (const target of TARGETS) {
  describe(`the way to an editor in ${target.name}`, { skip: missing(target) }, () => {
    let extension: InstalledExtension;
    let opens = 0;
    let piskel: StaticSite;
    let pages: Awaited<ReturnType<typeof servePages>>;

    before(async () => {
      piskel = await serveFolder(PISKEL);
      pages = await servePages({ '/strict': STRICT, '/spy': SPY });
      extension = await installWith(target, LOCAL_PAGES);
    });
    after(async () => {
      await extension?.close();
      await piskel?.close();
      pages?.server.close();
    });

    /** A tab with an editor, and one with a page of ours. */
    async function opened(address: string, ready: () => unknown, from = extension) {
      const page = await from.browser.newPage();
      await page.goto(address);
      await page.waitForFunction(ready);
      const panel = await from.open('link.html', () => window.askLink !== undefined);
      return { page, panel, address };
    }

    const openPiskel = async () => {
      opens += 1; // A tab is known by its address.
      const found = await opened(
        `${piskel.address}?${opens}`,
        () => window.pskl?.app?.historyService?.stateQueue?.length > 0,
      );
      await found.page.evaluate(() => {
        window.pskl.app.piskelController.getCurrentFrame().setPixel(3, 1, 'rgba(200, 100, 50, 0.2)');
        window.$.publish(window.Events.PISKEL_SAVE_STATE, { type: 'SNAPSHOT' });
      });
      return found;
    };

    test('a layer is read, a larger one inserted, taken back, all of it exactly', async () => {
      const { panel, address } = await openPiskel();
      const connection = await ask(panel, 'connect', address);
      assert.equal(await ask(panel, 'name', connection), 'piskel');
      const [layer] = await ask(panel, 'layers', connection);
      const { rgba, ...box } = await ask(panel, 'read', connection, layer);
      assert.deepEqual(box, { x: 0, y: 0, width: 32, height: 32 });
      const expected = Array(4 * 32 * 32).fill(0);
      expected.splice(4 * (32 + 3), 4, 200, 100, 50, 51);
      assert.deepEqual(rgba, expected);
      const inserted = await ask(panel, 'insert', connection, layer);
      assert.equal(inserted.undoSteps, 1);
      const enlarged = await ask(panel, 'read', connection, inserted.layerId);
      assert.deepEqual(
        enlarged.rgba,
        Array.from({ length: 4 * 64 * 64 }, (_, at) => (at % 4 === 3 ? 1 + (at % 255) : at % 251)),
      );
      await ask(panel, 'undo', connection);
      assert.deepEqual((await ask(panel, 'read', connection, layer)).rgba, expected);
    });

    test('several panels have a line each, and one that is closed leaves the others theirs', async () => {
      const { panel, address } = await openPiskel();
      const connections = [];
      for (let count = 0; count < 3; count++) connections.push(await ask(panel, 'connect', address));
      const other = await extension.open('link.html', () => window.askLink !== undefined);
      const theirs = await ask(other, 'connect', address);
      await ask(panel, 'disconnect', connections[1]);
      assert.equal(await ask(panel, 'closed', connections[1]), 'closed');
      await assert.rejects(ask(panel, 'layers', connections[1]), { code: 'PAGE_CLOSED' });
      await panel.close();
      assert.deepEqual(await ask(other, 'layers', theirs), ['1:Layer 1']);
    });

    test('a page that is reloaded is told to be gone, and is found again', async () => {
      const { page, panel, address } = await openPiskel();
      const connection = await ask(panel, 'connect', address);
      const closed = ask(panel, 'closed', connection);
      await page.reload();
      assert.equal(await closed, 'closed');
      await assert.rejects(ask(panel, 'layers', connection), { code: 'PAGE_CLOSED' });
      await page.waitForFunction(() => window.pskl?.app?.historyService?.stateQueue?.length > 0);
      const again = await ask(panel, 'connect', address);
      assert.deepEqual(await ask(panel, 'layers', again), ['1:Layer 1']);
      const gone = ask(panel, 'closed', again);
      await page.close();
      assert.equal(await gone, 'closed');
    });

    test('Photopea is spoken to through the extension’s frame, where it answers frames only', async () => {
      const double = await serveDouble();
      const { panel, address } = await opened(
        `${double.address}?answers=frames`,
        () => window.photopeaDouble !== undefined,
      );
      const connection = await ask(panel, 'connect', address);
      assert.equal(await ask(panel, 'name', connection), 'photopea');
      const steps = await ask(panel, 'selfTest', connection);
      assert.deepEqual(
        steps.map(({ ok, detail }) => [ok, detail]),
        steps.map(({ detail }) => [true, detail]),
      );
      assert.match(steps[0].detail, /frame/);
      const [sprite] = await ask(panel, 'layers', connection);
      const { rgba, ...box } = await ask(panel, 'read', connection, sprite);
      assert.deepEqual(box, { x: 3, y: 2, width: 8, height: 6 });
      assert.deepEqual(rgba, [...colourful(8, 6).rgba]);
      await double.close();
    });

    test('a page’s own policy does not keep us out', async () => {
      const { panel, address } = await opened(`${pages.address}/strict`, () => window.State !== undefined);
      const connection = await ask(panel, 'connect', address);
      const { rgba } = await ask(panel, 'read', connection, '1');
      assert.deepEqual(rgba, [0, 0, 0, 255, 0, 0, 0, 0]);
    });

    test('a page that is no editor is told so, and one we are not let into', async () => {
      const { panel, address } = await opened(`${pages.address}/other`, () => true);
      await assert.rejects(ask(panel, 'connect', address), { code: 'NO_EDITOR' });
      const stranger = await installWith(target, []);
      const strange = await opened(`${pages.address}/strict`, () => window.State !== undefined, stranger);
      await assert.rejects(ask(strange.panel, 'connect', strange.address), { code: 'NO_PERMISSION' });
      await stranger.close();
    });

    test('a page that takes our line for itself sees questions only, and its answers are not believed', async () => {
      const { page, panel, address } = await opened(`${pages.address}/spy`, () => Array.isArray(window.seen));
      const connection = await ask(panel, 'connect', address);
      await assert.rejects(ask(panel, 'layers', connection), { code: 'BAD_ANSWER' });
      const frameUrl = `${target.origin}/photopea-frame.html`;
      assert.deepEqual(await page.evaluate(() => window.seen), [
        frameUrl,
        { id: 1, ask: 'editor' },
        { id: 2, ask: 'layers' },
      ]);
    });
  });
}

async function installWith(target: Target, pages: readonly string[]): Promise<InstalledExtension> {
  const script = (await bundled('test/extension/page/in-panel.ts')).text;
  const manifest = {
    host_permissions: pages,
    // To find a tab by its address, which one that we are not let into does not tell otherwise.
    permissions: ['activeTab', 'scripting', 'storage', 'tabs'],
    web_accessible_resources: [{ resources: FRAME, matches: LOCAL_PAGES }],
  };
  return installExtension(target, { 'in-panel.js': script, 'link.html': PANEL }, manifest);
}

declare global {
  interface Window {
    seen: unknown[];
  }
}
