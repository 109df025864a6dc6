/**
 * The files an upscaling will write, decided and checked before the work starts: nobody waits for minutes to hear that a
 * folder is missing.
 */
import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Scale } from '../../shared/kernel.ts';
import { checkWritable, type WriteFile, writeAtomic, writeNew } from '../atomic-file.ts';
import { formatAskedBy } from './kernel-file.ts';

export interface OutputRequest {
  readonly input: string;
  /** The kernel's file, where it is given: an input, too. */
  readonly kernel?: string | undefined;
  readonly scale: Scale;
  readonly output?: string | undefined;
  readonly kernelOut?: readonly string[] | undefined;
  readonly report?: string | undefined;
}

export interface Outputs {
  readonly picture: string;
  /** Each of a format of shared/kernel-formats/, told by its extension; but a `.png` is a picture to look at. */
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

/** Also of a link to nothing, which is in the way as well. */
const exists = (file: string) =>
  lstat(file).then(
    () => true,
    () => false,
  );

/** How outputs are written: without `force` nothing is overwritten, not even what came during the work. */
export const writerFor = (force: boolean): WriteFile => (force ? writeAtomic : writeNew);

/**
 * Checks files that are going to be written: none is an input, no two are alike, each in a folder that can be written to, and
 * nothing overwritten unless `force`. Throws `BAD_OPTION` or `OUTPUT_UNWRITABLE`.
 */
export async function checkOutputs(inputs: readonly string[], files: readonly string[], force: boolean): Promise<void> {
  const taken = new Set(await Promise.all(inputs.map(identity)));
  for (const file of files) {
    const same = await identity(file);
    if (taken.has(same)) throw bad('Input and outputs must be different files.');
    taken.add(same);
    // First, for where there is a folder of that name --force does not help.
    await checkWritable(file);
    if (!force && (await exists(file))) {
      throw new KernelFusionError(
        'OUTPUT_UNWRITABLE',
        `${path.basename(file)} exists already: choose another name, or allow overwriting with --force.`,
      );
    }
  }
}

/**
 * Names every output and checks it: known extension, and what `checkOutputs` checks. Throws `BAD_OPTION` or
 * `OUTPUT_UNWRITABLE`. (The picture's own format is checked where its content is known, by `checkOutput`.)
 */
export async function planOutputs(request: OutputRequest, force: boolean): Promise<Outputs> {
  const picture = request.output ?? defaultOutput(request.input, request.scale);
  const kernels = request.kernelOut ?? [];
  const report = request.report ?? null;
  for (const file of kernels) formatAskedBy(file);
  if (report !== null) requireExtension(report, '--report', ['.html', '.htm']);
  const inputs = [request.input, ...(request.kernel === undefined ? [] : [request.kernel])];
  await checkOutputs(inputs, [picture, ...kernels, ...(report === null ? [] : [report])], force);
  return { picture, kernels, report };
}
