/**
 * The steps that demo and tests share, for a clone on which nothing has been installed yet: so nothing but Node is used.
 */
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** A program found on the search path on Windows too, where npm is a batch file that only a shell starts. */
const needsShell = (command) => process.platform === 'win32' && command === 'npm';

/** Runs a program to its end with our own input and output; returns its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell: needsShell(command), ...options });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

export const runNode = (args, options) => run(process.execPath, args, options);

/** Prints a title, runs the step and ends this process where it fails. */
export async function step(title, work) {
  console.log(`\n== ${title}`);
  const code = await work();
  if (code) {
    console.error(`\n${title}: failed (exit code ${code}).`);
    process.exit(code);
  }
}

/** Where npm notes what it has installed. */
const installedNote = path.join(root, 'node_modules', '.package-lock.json');

/** Installs the locked packages, unless that was done after the lock file last changed. */
export async function install() {
  const lock = path.join(root, 'package-lock.json');
  if (existsSync(installedNote) && statSync(installedNote).mtimeMs >= statSync(lock).mtimeMs) return;
  await step('Installing packages', () => run('npm', ['ci', '--no-audit', '--no-fund']));
}

/** Compiles into build/, where tests run. */
export const compile = () => step('Compiling', () => runNode(['scripts/compile.mjs']));

/** Bundles the command line into dist/. */
export const bundle = () => step('Bundling', () => runNode(['scripts/build.mjs']));
