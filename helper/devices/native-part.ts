/**
 * Parts of packages that are too large for npm's registry: the packages' install scripts fetch them, and those do not run here
 * unless they are asked for (.npmrc). A device without its part cannot be used, and says what to run.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Device } from './catalogue.ts';

/** Has npm run the install script of a package that is installed. */
const fetching = (name: string) => `npm rebuild --ignore-scripts=false --foreground-scripts ${name}`;

const WITH_FETCHED_LIBRARY: readonly (string | undefined)[] = ['cuda', 'tensorrt'];

/**
 * Why the device cannot be used without what its package's install script fetches: the rest of a sentence. `null` where all is
 * there, or where the script has nothing for this system. `folder`: of the package.
 */
export function missingPart(
  { package: name, provider }: Pick<Device, 'package' | 'provider'>,
  folder: string,
  system = `${process.platform}/${process.arch}`,
): string | null {
  const missing = `its native part is not installed: run "${fetching(name)}" in the folder of kernelfusion`;
  // Both packages keep them below a folder for each version of Node's interface to native code.
  if (name !== 'onnxruntime-node') return isBelow(folder, 'lib', 'tfjs_binding.node') ? null : missing;
  if (system !== 'linux/x64' || !WITH_FETCHED_LIBRARY.includes(provider)) return null;
  return isBelow(folder, 'bin', `${system}/libonnxruntime_providers_${provider}.so`) ? null : missing;
}

/** Whether a file lies in some folder of `folder`/`parent`. */
function isBelow(folder: string, parent: string, file: string): boolean {
  const place = path.join(folder, parent);
  return existsSync(place) && readdirSync(place).some((name) => existsSync(path.join(place, name, file)));
}
