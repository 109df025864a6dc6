/**
 * `npm test`: on a fresh clone alone, installs, builds, checks types and style, and runs every test.
 * `npm test -- test/helper/progress.test.ts` runs the named tests only (types and style are checked as always).
 * `npm run test:full` (`--full` here) runs the long form of tests that have one.
 *
 * Some tests compare our numbers with Python libraries, talk to the helper through one, give kernels to the programs they
 * are exported for, or drive the panel in browsers. Where those are missing and Debian can supply them they are installed;
 * where it cannot, those tests are skipped, and named at the end.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { bundle, compile, install, root, runNode, step } from './steps.mjs';

/** Python packages our numbers are compared with, and what Debian calls them. */
const ORACLES = {
  numpy: 'python3-numpy',
  scipy: 'python3-scipy',
  PIL: 'python3-pil',
  torch: 'python3-torch',
  onnx: 'python3-onnx',
  websockets: 'python3-websockets',
};
/** Packages and programs that read the kernels we write: 175 MB to download beside the oracles, 630 MB on the disk. */
const KERNEL_READERS = {
  jsonschema: 'python3-jsonschema',
  cv2: 'python3-opencv',
  skimage: 'python3-skimage',
  astropy: 'python3-astropy',
  '/usr/share/octave/packages': 'octave-image',
  '/usr/bin/convert': 'imagemagick',
  '/usr/bin/gmic': 'gmic',
  '/usr/bin/ffmpeg': 'ffmpeg',
  '/usr/bin/gegl': 'gegl',
};
/** The browsers the panel is driven in. */
const BROWSERS = {
  '/usr/bin/chromium': 'chromium',
  '/usr/bin/firefox-esr': 'firefox-esr',
};

/** A path is there, or the system's Python finds a package of that name. */
function isThere(name) {
  if (name.startsWith('/')) return existsSync(name);
  const find = `import sys, importlib.util; sys.exit(importlib.util.find_spec('${name}') is None)`;
  return spawnSync('/usr/bin/python3', ['-c', find]).status === 0;
}

/** Best effort, one group after the other: what cannot be had is skipped by name. */
function installOracles() {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return;
  const missing = (group) => Object.keys(group).filter((name) => !isThere(name));
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', ['-qq', ...args], { env, stdio: 'inherit', timeout: 600_000 });
  const groups = [ORACLES, KERNEL_READERS, BROWSERS].filter((group) => missing(group).length > 0);
  if (groups.length > 0) apt('update');
  for (const group of groups) {
    const packages = missing(group).map((name) => group[name]);
    console.log(`\n== Installing for tests: ${packages.join(' ')}`);
    apt('install', '-y', '--no-install-recommends', ...packages);
    if (missing(group).length > 0)
      console.log('Some could not be installed: the tests that need them will be skipped.');
  }
}

/** Every test in the source tree: one whose source is gone may still lie in build/. */
function allTests() {
  const files = readdirSync(path.join(root, 'test'), { recursive: true });
  return files.filter((file) => file.endsWith('.test.ts')).map((file) => path.join('test', file));
}

const compiled = (source) => path.join('build', source.replace(/\.ts$/, '.js'));

await install();
installOracles();
await compile();
await step('Checking style', () => runNode(['node_modules/@biomejs/biome/bin/biome', 'check', '.']));
await bundle();

const words = process.argv.slice(2);
const isFull = words.includes('--full');
const named = words.filter((word) => word !== '--full').map((file) => path.relative(root, path.resolve(file)));
const tests = (named.length > 0 ? named : allTests()).map(compiled).sort();
console.log(`\n== Running ${tests.length} test files`);
process.exitCode = await runNode(
  [
    '--test',
    `--test-reporter=./${compiled('test/reporter/summary.ts')}`,
    '--test-reporter-destination=stdout',
    ...tests,
  ],
  { env: { ...process.env, ...(isFull && { KERNELFUSION_FULL_TESTS: '1' }) } },
);
