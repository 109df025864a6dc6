/**
 * The manifest of a batch: which pictures, with which options, and what became of each.
 *
 * A picture is done when its result is there, no older than the picture and a shared kernel, as `make` has it, and newer than
 * the choice of the options: results take their names only when they are whole. So a batch goes on wherever it stopped,
 * whoever ran its commands, here or on other computers, and an older result stays until the new one is there. What the
 * manifest says beyond that (failures, times) is for people and scripts; only `kernelfusion batch` writes it.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Scale } from '../../shared/kernel.ts';
import { writeAtomic } from '../atomic-file.ts';

export const MANIFEST = 'manifest.json';

const PICTURES = ['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.gif'];

/** Where an earlier version did not keep it, it is not known. */
const toldOfResult = {
  /** Of the whole run. */
  seconds: v.nullable(v.number()),
  /** Whether the kernel was estimated, given, or fell back to the plain bicubic one. */
  kernelSource: v.optional(v.nullable(v.picklist(['estimated', 'given', 'bicubic'])), null),
  /** Probability that the kernel found is better than the plain one. */
  confidence: v.optional(v.nullable(v.number()), null),
  /** Sentences for the person. */
  notes: v.optional(v.array(v.string()), []),
};

const Entry = v.object({
  /** File name in the folder of the pictures. */
  input: v.string(),
  /** File names in the folder of the results; `kernel` is null where all pictures share one that is given. */
  output: v.string(),
  kernel: v.nullable(v.string()),
  state: v.picklist(['waiting', 'done', 'failed']),
  /** What the run told that made the result: all null or empty where it was made by a command of its own. */
  ...toldOfResult,
  error: v.nullable(v.object({ code: v.string(), message: v.string() })),
});

const Manifest = v.object({
  format: v.literal('kernelfusion-batch'),
  version: v.literal(1),
  /** Absolute, of the pictures. */
  folder: v.string(),
  /** Arguments of `kernelfusion upscale` that all pictures share: other ones make other results. */
  options: v.array(v.string()),
  /** Milliseconds since 1970, by the clock of the results' disk: what is not newer is of other options, or to be made again. */
  since: v.optional(v.number(), 0), // An earlier version did not say.
  pictures: v.array(Entry),
});

export type Entry = v.InferOutput<typeof Entry>;
export type Told = Pick<Entry, keyof typeof toldOfResult>;
export type Manifest = v.InferOutput<typeof Manifest>;

export const NOTHING_TOLD: Told = { seconds: null, kernelSource: null, confidence: null, notes: [] };

/** Whether it is a file. A link to nothing counts: its failure tells the person of it. */
const isFile = (file: string) =>
  stat(file).then(
    (found) => found.isFile(),
    () => true,
  );

/** Names of the pictures of a folder itself, files and links to files, in the order of their characters' codes, the same on every computer. */
export async function picturesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw new KernelFusionError('INPUT_NOT_FOUND', 'There is no such folder of pictures.', { cause });
  });
  const isPicture = (name: string) => !name.startsWith('.') && PICTURES.includes(path.extname(name).toLowerCase());
  const names: string[] = [];
  for (const entry of entries.filter(({ name }) => isPicture(name))) {
    if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path.join(folder, entry.name)))))
      names.push(entry.name);
  }
  if (names.length === 0) {
    throw new KernelFusionError('INPUT_NOT_FOUND', `The folder holds no picture (${PICTURES.join(', ')}).`);
  }
  return names.sort();
}

/** What two names have in common that may be one on a disk: it may tell neither capitals nor ways to write an accent apart. */
const folded = (name: string) => name.normalize().toLowerCase();

/**
 * Names of the results: `cat-x2.png` of `cat.jpg`; where there is a `cat.png` as well, of each `cat.jpg-x2.png`; and for that
 * not to be taken, `cat.jpg.png-x2.png` of `cat.jpg.png`. Throws `BAD_OPTION` where capitals alone tell two pictures apart.
 */
export function entriesFor(names: readonly string[], scale: Scale, ownKernel: (name: string) => boolean): Entry[] {
  const stem = (name: string) => folded(path.parse(name).name);
  const whole = new Set(names.map(folded));
  if (whole.size < names.length) {
    throw new KernelFusionError(
      'BAD_OPTION',
      'Two pictures of the folder differ in capitals or accents only, and so would their results: rename one of them.',
    );
  }
  const stems = new Map<string, number>();
  for (const name of names) stems.set(stem(name), (stems.get(stem(name)) ?? 0) + 1);
  const isTaken = (input: string) => stems.get(stem(input))! > 1 || whole.has(stem(input));
  return names.map((input) => {
    const name = `${isTaken(input) ? input : path.parse(input).name}-x${scale}`;
    const kernel = ownKernel(input) ? `${name}.kernel.json` : null;
    return { input, output: `${name}.png`, kernel, state: 'waiting', ...NOTHING_TOLD, error: null };
  });
}

/** The manifest in a folder of results, or null where there is none. Throws `INPUT_UNREADABLE` for what is not one. */
export async function readManifest(out: string): Promise<Manifest | null> {
  const text = await readFile(path.join(out, MANIFEST), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return null;
    throw new KernelFusionError('INPUT_UNREADABLE', 'The manifest of the batch could not be read.', { cause: error });
  });
  if (text === null) return null;
  try {
    return v.parse(Manifest, JSON.parse(text));
  } catch (cause) {
    const sentence = `${MANIFEST} in the folder of the results is not the manifest of a batch: choose another --out.`;
    throw new KernelFusionError('INPUT_UNREADABLE', sentence, { cause });
  }
}

export const writeManifest = (out: string, manifest: Manifest) =>
  writeAtomic(path.join(out, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);

/** Milliseconds since 1970 by the clock that files in a folder are dated by: another computer's, where the disk is shared. */
export async function timeIn(folder: string): Promise<number> {
  const file = path.join(folder, `.kernelfusion-time-${process.pid}`);
  await writeAtomic(file, '');
  const { mtimeMs } = await stat(file);
  await rm(file);
  return mtimeMs;
}

/** Milliseconds since 1970 of the last change; infinite where there is no such file. */
const changed = (file: string) =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );

/** Whether every file an entry asks for is there, newer than `since`, and no older than what it is made of: the picture, a shared kernel. */
export async function isDone(
  folder: string,
  out: string,
  { input, output, kernel }: Entry,
  sharedKernel: string | null,
  since: number,
): Promise<boolean> {
  const sources = [path.join(folder, input), ...(kernel === null && sharedKernel !== null ? [sharedKernel] : [])];
  const made = [output, ...(kernel === null ? [] : [kernel])].map((name) => path.join(out, name));
  const [newestSource, oldest, newest] = [
    Math.max(...(await Promise.all(sources.map(changed)))),
    Math.min(...(await Promise.all(made.map(changed)))),
    Math.max(...(await Promise.all(made.map(changed)))),
  ];
  return newest < Number.POSITIVE_INFINITY && oldest > since && oldest >= newestSource;
}
