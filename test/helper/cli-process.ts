/**
 * The command line as a process, and small pictures to give it.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { EXIT_CODES } from '../../shared/errors.ts';

const cli = fileURLToPath(new URL('../../helper/cli.js', import.meta.url));
export const sample = fileURLToPath(new URL('../../../test/fixtures/sample.png', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const began = performance.now();
  const child = spawn(process.execPath, [cli, ...args], { env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr, seconds: (performance.now() - began) / 1000 }));
  });
  return { child, ended };
}

export const run = (...args: readonly string[]) => start(args).ended;

/** Asserts that a run failed as it should: exit code, one line, nothing on standard output. */
export function assertFails({ code, stdout, stderr }: Ended, expected: keyof typeof EXIT_CODES, sentence = /./): void {
  assert.match(stderr, new RegExp(`^kernelfusion: ${expected}: [^\\n]+\\n$`));
  assert.match(stderr, sentence);
  assert.equal(code, EXIT_CODES[expected]);
  assert.equal(stdout, '');
}

/** Deterministic values from 0 to 255 that look like noise. */
export function noise(count: number): Buffer {
  let state = 1;
  return Buffer.from(
    Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

export const raw = (data: Buffer, side: number, channels: 1 | 3 | 4) =>
  sharp(data, { raw: { width: side, height: side, channels } });
