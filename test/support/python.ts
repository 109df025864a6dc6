/**
 * Python packages as oracles: tests that need one are skipped by name where it is missing.
 */
import { spawnSync } from 'node:child_process';

/** The system's Python: what the distribution's packages of NumPy, PyTorch and ONNX belong to. */
export const PYTHON = '/usr/bin/python3';

/** `{ skip }` for node:test: false where every package can be imported, else the reason. */
export function needsPython(...packages: string[]): { skip: string | false } {
  const found = spawnSync(PYTHON, ['-c', `import ${packages.join(', ')}`]).status === 0;
  return { skip: found ? false : `${PYTHON} has no ${packages.join(', ')}` };
}

/** Runs a program with bytes on its standard input; returns its standard output, throws what it said on failure. */
export function runPython(program: string, input: Uint8Array): string {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', program], { input, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout.toString();
}
