/**
 * `npm test`: on a fresh clone alone, installs, builds, checks types and style, and runs every test.
 * `npm test -- test/helper/progress.test.ts` runs the named tests only (types and style are checked as always).
 * `npm run test:full` (`--full` here) runs the long form of tests that have one.
 *
 * Some tests compare our numbers with Python libraries, or talk to the helper through one. Where those are missing and Debian
 * can supply them they are installed; where it cannot, those tests are skipped, and named at the end.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { bundle, install, root, runNode, step } from './steps.mjs';

const ORACLES = ['numpy', 'scipy', 'PIL', 'torch', 'onnx', 'websockets'];
const DEBIAN_PACKAGES = [
  'python3-numpy',
  'python3-scipy',
  'python3-pil',
  'python3-torch',
  'python3-onnx',
  'python3-websockets',
];

const hasOracles = () => spawnSync('/usr/bin/python3', ['-c', `import ${ORACLES.join(', ')}`]).status === 0;

/** Best effort: what cannot be had is skipped by name. */
function installOracles() {
  if (hasOracles() || process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return;
  console.log(`\n== Installing test oracles: ${DEBIAN_PACKAGES.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', ['-qq', ...args], { env, stdio: 'inherit', timeout: 300_000 });
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...DEBIAN_PACKAGES);
  if (!hasOracles()) console.log('Some could not be installed: the tests that need them will be skipped.');
}

/** Every test in the source tree: one whose source is gone may still lie in build/. */
function allTests() {
  const files = readdirSync(path.join(root, 'test'), { recursive: true });
  return files.filter((file) => file.endsWith('.test.ts')).map((file) => path.join('test', file));
}

const compiled = (source) => path.join('build', source.replace(/\.ts$/, '.js'));

await install();
installOracles();
await step('Checking types', () => runNode(['node_modules/typescript/bin/tsc', '--build']));
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
