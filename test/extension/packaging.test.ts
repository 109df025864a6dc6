/** The two extensions as they are bundled: what their manifests say, what the stores' linter says, what they weigh. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { SITES } from '../../extension/panel/sites.ts';
import { EXTENSION_KEY } from '../../shared/extension-id.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folderOf = (browser: string) => path.join(root, 'dist', `extension-${browser}`);
const skip = existsSync(folderOf('firefox')) ? false : 'not bundled yet: npm run build';

const read = (...file: string[]) => readFileSync(path.join(root, ...file), 'utf8');
const manifestOf = (browser: string) => JSON.parse(read('dist', `extension-${browser}`, 'manifest.json'));

const filesOf = (browser: string): string[] =>
  readdirSync(folderOf(browser), { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(path.join(folderOf(browser), file)).isFile())
    .map((file) => file.replaceAll(path.sep, '/'))
    .sort();

test('the manifest agrees with what is said elsewhere: version, key, sites', () => {
  const manifest = JSON.parse(read('manifest.json'));
  assert.equal(manifest.version, JSON.parse(read('package.json')).version);
  assert.equal(manifest.key, EXTENSION_KEY);
  assert.deepEqual(
    manifest.optional_host_permissions,
    SITES.map(({ origin }) => origin),
  );
});

test('each browser gets the keys it knows, and the same files', { skip }, () => {
  const [chrome, firefox] = ['chrome', 'firefox'].map(manifestOf);
  const own = (manifest: object, other: object) => Object.keys(manifest).filter((key) => !(key in other));
  assert.deepEqual(own(chrome, firefox), ['key', 'minimum_chrome_version', 'message_serialization', 'side_panel']);
  assert.deepEqual(own(firefox, chrome), ['browser_specific_settings', 'sidebar_action']);
  assert.deepEqual(
    [chrome.background, firefox.background],
    [{ service_worker: 'background.js' }, { scripts: ['background.js'] }],
  );
  assert.deepEqual(chrome.permissions, ['activeTab', 'scripting', 'sidePanel', 'storage']);
  assert.deepEqual(firefox.permissions, ['activeTab', 'scripting', 'storage']);
  assert.deepEqual(filesOf('chrome'), filesOf('firefox'));
});

test('nothing is asked of a user at installation, and no site is ours before it is asked for', { skip }, () => {
  for (const browser of ['chrome', 'firefox']) {
    const manifest = manifestOf(browser);
    assert.deepEqual([manifest.host_permissions, manifest.content_scripts], [undefined, undefined]);
    // Firefox would make wss: of ws: if this were not said.
    assert.match(manifest.content_security_policy.extension_pages, /connect-src 'self' ws:\/\/127\.0\.0\.1:\*/);
    assert.doesNotMatch(manifest.content_security_policy.extension_pages, /unsafe|upgrade-insecure|https?:/);
  }
});

test('every file that a manifest or a page names is there', { skip }, () => {
  for (const browser of ['chrome', 'firefox']) {
    const files = filesOf(browser);
    const named = JSON.stringify(manifestOf(browser)).match(/"[\w/.-]+\.(?:js|html|css|png)"/g) ?? [];
    assert.ok(named.length > 8);
    for (const file of named) assert.ok(files.includes(JSON.parse(file)), file);
    for (const page of files.filter((file) => file.endsWith('.html'))) {
      const html = read('dist', `extension-${browser}`, page);
      const linked = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) =>
        path.posix.join(path.posix.dirname(page), file),
      );
      assert.ok(linked.length > 0);
      for (const file of linked) assert.ok(files.includes(file), `${page} names ${file}`);
    }
    for (const script of ['page-world.js', 'bridge.js', 'photopea-frame.js']) assert.ok(files.includes(script));
  }
});

test('the zip for a store holds the folder, and the licences of what is bundled', { skip }, () => {
  const { version } = JSON.parse(read('package.json'));
  for (const browser of ['chrome', 'firefox']) {
    const zip = unzipSync(readFileSync(path.join(root, 'dist', `kernelfusion-${browser}-${version}.zip`)));
    assert.deepEqual(Object.keys(zip).sort(), filesOf(browser));
    for (const [name, bytes] of Object.entries(zip)) {
      assert.ok(readFileSync(path.join(folderOf(browser), name)).equals(bytes), name);
    }
    const licences = read('dist', `extension-${browser}`, 'LICENSES-OF-PACKAGES.txt');
    for (const name of ['preact', 'valibot']) assert.match(licences, new RegExp(`^${name}\\n\\n.*MIT License`, 'm'));
  }
});

test('the panel weighs less than 150 KB, and what is put into a page less than 60', { skip }, () => {
  for (const [file, most] of [
    ['panel/panel.js', 150_000],
    ['page-world.js', 60_000],
    ['bridge.js', 2_000],
    ['background.js', 1_000],
  ] as const) {
    const { size } = statSync(path.join(folderOf('chrome'), file));
    assert.ok(size < most, `${file} has ${size} bytes`);
  }
});

test('what runs in a page knows neither the extension’s interface nor the helper', { skip }, () => {
  const code = read('dist', 'extension-chrome', 'page-world.js');
  assert.doesNotMatch(code, /\b(?:chrome|browser)\.(?:runtime|storage|tabs)|127\.0\.0\.1|WebSocket|webextension/);
});

test('nothing makes code or markup out of text', { skip }, () => {
  const sources = readdirSync(path.join(root, 'extension'), { recursive: true, encoding: 'utf8' });
  for (const file of sources.filter((name) => /\.tsx?$/.test(name))) {
    const source = read('extension', file);
    assert.doesNotMatch(source, /innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/i, file);
  }
});

test('Mozilla’s linter finds nothing to mend', { skip }, () => {
  const linter = path.join(root, 'node_modules', 'web-ext', 'bin', 'web-ext.js');
  const words = ['lint', '--no-config-discovery', '--output', 'json', '--source-dir', folderOf('firefox')];
  const { errors, warnings, notices } = JSON.parse(
    execFileSync(process.execPath, [linter, ...words], { encoding: 'utf8' }),
  );
  assert.deepEqual([errors, notices], [[], []]);
  // Preact can set markup if asked to, and is never asked to: the test above.
  const known = warnings.filter(
    ({ code, file }: { code: string; file: string }) => code !== 'UNSAFE_VAR_ASSIGNMENT' || file !== 'panel/panel.js',
  );
  assert.deepEqual(known, []);
});
