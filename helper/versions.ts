/**
 * Versions of all that a result depends on: with the same ones, the same options and thread count, the bytes are the same.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export interface Versions {
  readonly kernelfusion: string;
  readonly node: string;
  readonly sharp: string;
  readonly onnxruntime: string;
}

const require = createRequire(import.meta.url);

/** Where a package lies. Throws where it is missing. */
export const packageFolder = (name: string): string => {
  const place = path.join('node_modules', name);
  const entry = require.resolve(name);
  return entry.slice(0, entry.lastIndexOf(place) + place.length);
};

/** Read from the package's own files: nothing native is loaded, so this works where it is broken. Throws where it is missing. */
export const packageVersion = (name: string): string =>
  JSON.parse(readFileSync(path.join(packageFolder(name), 'package.json'), 'utf8')).version;

/** Two folders up, both from the compiled and from the bundled file. */
export function ownVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

export function readVersions(): Versions {
  return {
    kernelfusion: ownVersion(),
    node: process.versions.node,
    sharp: packageVersion('sharp'),
    onnxruntime: packageVersion('onnxruntime-node'),
  };
}
