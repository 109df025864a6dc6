/**
 * Bundles the browser extension: dist/extension-chrome and dist/extension-firefox, which differ in their manifest alone, and a
 * zip of each for the stores.
 *
 * Each script is one file: content scripts and page scripts can't import, and the rest has no need to. The manifest at the
 * top of the tree holds what both browsers need; a key that one of them does not know is left out for it.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { zipSync } from 'fflate';
import { root } from './steps.mjs';

const CHROME_ONLY = {
  keys: ['key', 'minimum_chrome_version', 'message_serialization', 'side_panel'],
  background: 'service_worker',
  permissions: ['sidePanel'],
};
const FIREFOX_ONLY = { keys: ['browser_specific_settings', 'sidebar_action'], background: 'scripts', permissions: [] };

const SCRIPTS = {
  background: 'extension/background/background.ts',
  bridge: 'extension/page/bridge.ts',
  'page-world': 'extension/page/page-world.ts',
  'photopea-frame': 'extension/editors/photopea/frame.ts',
  'panel/panel': 'extension/panel/panel.tsx',
};

const COPIES = {
  'panel/panel.html': 'extension/panel/panel.html',
  'panel/panel.css': 'extension/panel/panel.css',
  'photopea-frame.html': 'extension/editors/photopea/photopea-frame.html',
  'photopea-frame.css': 'extension/editors/photopea/photopea-frame.css',
  'icons/16.png': 'extension/icons/16.png',
  'icons/32.png': 'extension/icons/32.png',
  'icons/48.png': 'extension/icons/48.png',
  'icons/128.png': 'extension/icons/128.png',
  LICENSE: 'LICENSE',
};

/** The manifest without what only another browser knows. */
export function manifestWithout(manifest, { keys, background, permissions }) {
  const own = Object.fromEntries(Object.entries(manifest).filter(([key]) => !keys.includes(key)));
  const { [background]: _, ...worker } = manifest.background;
  return {
    ...own,
    background: worker,
    permissions: manifest.permissions.filter((permission) => !permissions.includes(permission)),
  };
}

/** The extension's files but the manifest: path within the extension -> bytes. */
async function commonFiles() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: SCRIPTS,
    outdir: 'dist/extension',
    bundle: true,
    platform: 'browser',
    target: ['chrome148', 'firefox142'],
    format: 'iife',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const at = path.join(root, 'dist', 'extension');
  const files = outputFiles.map((file) => [path.relative(at, file.path).replaceAll(path.sep, '/'), file.contents]);
  for (const [name, source] of Object.entries(COPIES)) files.push([name, await readFile(path.join(root, source))]);
  files.push(['LICENSES-OF-PACKAGES.txt', Buffer.from(await licences(Object.keys(metafile.inputs)))]);
  return files;
}

/** The licences of the packages that were bundled, which ask to travel with them. */
async function licences(inputs) {
  const found = inputs.map((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]).filter(Boolean);
  const texts = [...new Set(found)].sort().map(async (name) => {
    const folder = path.join(root, 'node_modules', name);
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    return `${name}\n\n${await readFile(path.join(folder, file), 'utf8')}`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}

export async function buildExtension() {
  const manifest = JSON.parse(await readFile(path.join(root, 'manifest.json'), 'utf8'));
  const common = await commonFiles();
  for (const [browser, foreign] of [
    ['chrome', FIREFOX_ONLY],
    ['firefox', CHROME_ONLY],
  ]) {
    const text = `${JSON.stringify(manifestWithout(manifest, foreign), null, 2)}\n`;
    const files = Object.fromEntries([['manifest.json', Buffer.from(text)], ...common]);
    const folder = path.join(root, 'dist', `extension-${browser}`);
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), bytes);
    }
    // One date for all: the same sources make the same zip.
    const zip = zipSync(files, { level: 9, mtime: new Date(2026, 0, 1) });
    await writeFile(path.join(root, 'dist', `kernelfusion-${browser}-${manifest.version}.zip`), zip);
  }
}
