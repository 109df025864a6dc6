/**
 * The built extension as tests install it: a copy that its manifest lets into pages of this computer.
 *
 * People let it in by a click on its toolbar button, or by the browser's question, and neither can be clicked without a
 * display. Nothing else differs from what is installed.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: this file runs from build/test/e2e/harness. */
export const root = fileURLToPath(new URL('../../../..', import.meta.url));

export interface InstalledExtension {
  readonly folder: string;
  /** What Firefox knows it by. */
  readonly geckoId: string;
  remove(): Promise<void>;
}

export async function copyExtension(browser: 'chrome' | 'firefox', letIn = true): Promise<InstalledExtension> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kf-extension-'));
  await cp(path.join(root, 'dist', `extension-${browser}`), folder, { recursive: true });
  const file = path.join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  if (letIn) await writeFile(file, JSON.stringify({ ...manifest, host_permissions: ['http://127.0.0.1/*'] }));
  return {
    folder,
    geckoId: manifest.browser_specific_settings?.gecko?.id,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
