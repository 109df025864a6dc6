/**
 * The files an upscaling will write, decided and checked before the work starts: nobody waits for minutes to hear that a
 * folder is missing.
 */
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Scale } from '../../shared/kernel.ts';
import { checkWritable } from '../atomic-file.ts';

export interface OutputRequest {
  readonly input: string;
  readonly scale: Scale;
  readonly output?: string | undefined;
  readonly kernelOut?: readonly string[] | undefined;
  readonly report?: string | undefined;
}

export interface Outputs {
  readonly picture: string;
  /** Each a `.npy` (the values) or a `.png` (a picture of them). */
  readonly kernels: readonly string[];
  readonly report: string | null;
}

const bad = (sentence: string) => new KernelFusionError('BAD_OPTION', sentence);

/** `photos/cat.jpg` at scale 2 becomes `photos/cat-x2.png`. */
export function defaultOutput(input: string, scale: Scale): string {
  const { dir, name } = path.parse(input);
  return path.join(dir, `${name}-x${scale}.png`);
}

function requireExtension(file: string, option: string, extensions: readonly string[]): void {
  if (!extensions.includes(path.extname(file).toLowerCase())) {
    throw bad(`The file of ${option} must end in ${extensions.join(' or ')}.`);
  }
}

/** The file itself, whatever it is called: links and relative names resolved as far as it exists. */
async function identity(file: string): Promise<string> {
  const absolute = path.resolve(file);
  try {
    return await realpath(absolute);
  } catch {
    const folder = await realpath(path.dirname(absolute)).catch(() => path.dirname(absolute));
    return path.join(folder, path.basename(absolute));
  }
}

const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

/**
 * Names every output and checks it: known extension, not the input, no two alike, a folder that can be written to, and
 * nothing overwritten unless `force`. Throws `BAD_OPTION` or `OUTPUT_UNWRITABLE`. (The picture's own format is checked where
 * its content is known, by `checkOutput`.)
 */
export async function planOutputs(request: OutputRequest, force: boolean): Promise<Outputs> {
  const picture = request.output ?? defaultOutput(request.input, request.scale);
  const kernels = request.kernelOut ?? [];
  const report = request.report ?? null;
  for (const file of kernels) requireExtension(file, '--kernel-out', ['.npy', '.png']);
  if (report !== null) requireExtension(report, '--report', ['.html', '.htm']);

  const files = [picture, ...kernels, ...(report === null ? [] : [report])];
  const taken = new Set([await identity(request.input)]);
  for (const file of files) {
    const same = await identity(file);
    if (taken.has(same)) throw bad('Input and outputs must be different files.');
    taken.add(same);
    if (!force && (await exists(file))) {
      throw new KernelFusionError(
        'OUTPUT_UNWRITABLE',
        `${path.basename(file)} exists already: choose another name, or allow overwriting with --force.`,
      );
    }
    await checkWritable(file);
  }
  return { picture, kernels, report };
}
