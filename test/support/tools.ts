/**
 * Programs of other people as oracles: tests that need one are skipped by name where it is missing.
 */
import { spawnSync } from 'node:child_process';

/** The distribution's own programs first, whatever stands in their place elsewhere. */
export const PATH = `/usr/bin:${process.env.PATH}`;

/** `{ skip }` for node:test: false where the command succeeds, else the reason. */
export function needsCommand(name: string, ...probe: readonly string[]): { skip: string | false } {
  const found = spawnSync(name, probe, { env: { ...process.env, PATH }, timeout: 30_000 }).status === 0;
  return { skip: found ? false : `${name} is missing, or lacks what is needed` };
}

/** The first reason of several, if there is one. */
export const needsAll = (...needs: readonly { skip: string | false }[]) => ({
  skip: needs.find(({ skip }) => skip !== false)?.skip ?? false,
});

export const needsOctave = () => needsCommand('octave-cli', '--no-gui', '--norc', '--eval', 'pkg load image');
export const needsImageMagick = () => needsCommand('convert', '-version');
export const needsGmic = () => needsCommand('gmic', 'v', '0');
export const needsFfmpeg = () => needsCommand('ffmpeg', '-version');
export const needsGegl = () => needsCommand('gegl', '--exists', 'gegl:convolution-matrix');

/** Runs a program in a folder to its end; returns what it printed, throws what it said on failure. */
export function runIn(folder: string, command: string, args: readonly string[], path = PATH): string {
  const env = { ...process.env, PATH: path };
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, env, maxBuffer: 2 ** 28 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ended with ${status}:\n${stderr}\n${stdout}`);
  return stdout.toString();
}
