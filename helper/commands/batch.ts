/**
 * `kernelfusion batch`: every picture of a folder, each by a plain `kernelfusion upscale` in a process of its own.
 *
 * Nothing is carried from one picture to the next but, where it is asked for, the kernel's file. So the same commands can be
 * printed (`--print`) and run by whatever runs many commands: GNU parallel, a Slurm array, a Kubernetes job (docs/batch.md).
 */
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { type ErrorCode, EXIT_CODES, KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import type { Sense } from '../../shared/kernel-formats/format.ts';
import { parseOptions } from '../../shared/options.ts';
import { spokenTime } from '../progress.ts';
import {
  type Entry,
  entriesFor,
  isDone,
  MANIFEST,
  type Manifest,
  NOTHING_TOLD,
  picturesIn,
  readManifest,
  type Told,
  timeIn,
  writeManifest,
} from './batch-manifest.ts';
import type { CommandResult } from './command-result.ts';
import { readKernelFile } from './kernel-file.ts';
import { runApart } from './upscale-apart.ts';

export interface BatchRequest {
  /** Folder of the pictures. */
  readonly folder: string;
  /** Folder of the results, made where it is missing; default: `enlarged` in the folder. */
  readonly out?: string;
  /** Options of `upscale`, unchecked. */
  readonly options: Readonly<Record<string, unknown>>;
  /** A kernel file for all pictures, and its sense. */
  readonly kernel?: string;
  readonly kernelSense?: Sense;
  /** Name of the picture whose estimated kernel is taken for all. */
  readonly kernelFrom?: string;
  readonly threads?: number;
  readonly device?: string;
  /** Bytes. */
  readonly maxMemory?: number;
  readonly maxPixels?: number;
  /** Does what is done already again. */
  readonly force: boolean;
  /** Only print the commands of the pictures that are left, and write the manifest. */
  readonly print: boolean;
}

/** Of what an `upscale` prints in JSON (upscale.ts), what the manifest keeps. */
export interface Printed {
  readonly timings: { readonly total: number };
  readonly kernel: { readonly source: NonNullable<Entry['kernelSource']>; readonly confidence: number | null };
  readonly notes: string[];
}

/** Runs one command and returns what it prints in JSON: `runApart`, or a stand-in in tests. */
export type RunCommand = (args: readonly string[], signal: AbortSignal) => Promise<Printed>;

const bad = (sentence: string) => new KernelFusionError('BAD_OPTION', sentence);

/** `--name value` of every value that was given. */
const flags = (values: Readonly<Record<string, unknown>>) =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));

interface Plan {
  readonly folder: string;
  readonly out: string;
  readonly manifest: Manifest;
  /** Absolute name of the shared kernel's file, or null. */
  readonly kernel: string | null;
  /** The entry that makes it, or null. */
  readonly first: Entry | null;
}

/** What is to be done, from the folder, the options and the manifest of an earlier run. Writes nothing. */
async function makePlan(request: BatchRequest): Promise<Plan> {
  const { scale, preset, seed, kernelSide, noise } = parseOptions(request.options);
  if (request.kernel !== undefined && request.kernelFrom !== undefined) {
    throw bad('The kernel is either given or estimated: leave out --kernel or --kernel-from.');
  }
  if (request.kernel !== undefined && kernelSide !== null) {
    throw bad('A given kernel has its own side: leave out --kernel-side or --kernel.');
  }
  const names = await picturesIn(request.folder);
  const folder = await realpath(request.folder);
  const out = path.resolve(request.out ?? path.join(folder, 'enlarged'));
  if ((await realpath(out).catch(() => out)) === folder) {
    throw bad('Results would be taken for pictures of the batch: choose another folder with --out.');
  }
  if (request.kernelFrom !== undefined && !names.includes(request.kernelFrom)) {
    throw bad('The picture of --kernel-from is not in the folder: give the name of a picture in it, without a path.');
  }
  const given = request.kernel === undefined ? null : path.resolve(request.kernel);
  // A kernel that cannot be used is refused once, not by every picture, and before the manifest binds the folder to it.
  if (given !== null)
    await readKernelFile(given, { scale, ...(request.kernelSense && { sense: request.kernelSense }) });
  const ownKernel = (name: string) => given === null && (request.kernelFrom ?? name) === name;
  const entries = entriesFor(names, scale, ownKernel);
  const first = entries.find(({ input }) => input === request.kernelFrom) ?? null;
  const kernel = first === null ? given : path.join(out, first.kernel!);
  const options = [
    ...flags({ scale, preset, seed, 'kernel-side': kernelSide ?? undefined, noise: noise ?? undefined }),
    ...flags({ kernel: given ?? undefined, 'kernel-sense': request.kernelSense, 'kernel-from': request.kernelFrom }),
  ];
  const earlier = await readManifest(out);
  if (
    earlier !== null &&
    !request.force &&
    (earlier.folder !== folder || String(earlier.options) !== String(options))
  ) {
    throw bad(
      'The folder of the results is for other pictures or options: choose another --out, or do all again with --force.',
    );
  }
  const since = earlier?.since ?? 0;
  const look = async (entry: Entry) => !request.force && (await isDone(folder, out, entry, kernel, since));
  // A shared kernel that will be made anew makes every result anew.
  const anew = first !== null && !(await look(first));
  const pictures = await Promise.all(
    entries.map(async (entry) => (!anew && (await look(entry)) ? { ...entry, ...doneBefore(entry, earlier) } : entry)),
  );
  const manifest: Manifest = { format: 'kernelfusion-batch', version: 1, folder, options, since, pictures };
  return { folder, out, manifest, kernel, first };
}

/** What is known of an entry that is done. */
function doneBefore({ input }: Entry, earlier: Manifest | null): Pick<Entry, 'state'> & Told {
  const before = earlier?.pictures.find((entry) => entry.input === input && entry.state === 'done');
  const { seconds, kernelSource, confidence, notes } = before ?? NOTHING_TOLD;
  return { state: 'done', seconds, kernelSource, confidence, notes };
}

/** Arguments of the command that makes one entry's files. */
function argumentsFor(entry: Entry, plan: Plan, request: BatchRequest): string[] {
  const { scale, preset, seed, kernelSide, noise } = parseOptions(request.options);
  const estimates = entry.kernel !== null;
  return [
    'upscale',
    path.join(plan.folder, entry.input),
    ...flags({ output: path.join(plan.out, entry.output), scale, preset, seed, noise: noise ?? undefined }),
    ...(estimates
      ? flags({ 'kernel-side': kernelSide ?? undefined, 'kernel-out': path.join(plan.out, entry.kernel!) })
      : flags({ kernel: plan.kernel, 'kernel-sense': request.kernelSense })),
    ...flags({ threads: request.threads, device: request.device }),
    ...flags({ 'max-memory': request.maxMemory, 'max-pixels': request.maxPixels }),
    '--force', // A result that is older than its picture is in the way.
  ];
}

/** A word of a command as POSIX shells read it. */
export const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Does it, or prints how. `note` is shown as the work goes on. */
export async function batch(
  request: BatchRequest,
  signal: AbortSignal,
  note: (line: string) => void,
  run: RunCommand = runCommand,
): Promise<CommandResult> {
  const planned = await makePlan(request);
  const { out } = planned;
  // For printed commands, too: "upscale" makes no folders.
  await mkdir(out, { recursive: true }).catch((cause) => {
    throw new KernelFusionError('OUTPUT_UNWRITABLE', 'The folder of the results could not be made.', { cause });
  });
  const plan = request.force ? { ...planned, manifest: { ...planned.manifest, since: await timeIn(out) } } : planned;
  // Before any result, wherever that is made: it says which options results are of.
  await writeManifest(out, plan.manifest);
  return request.print ? printed(plan, request) : runAll(plan, request, signal, note, run);
}

const runCommand: RunCommand = (args, signal) => runApart([...args, '--json'], signal);

/** One command a line. Where the shared kernel is still to be made, its command is the only one there is to run yet. */
function printed(plan: Plan, request: BatchRequest): CommandResult {
  const waits = plan.first !== null && stateOf(plan, plan.first) !== 'done';
  const left = plan.manifest.pictures.filter(({ input, state }) =>
    waits ? input === plan.first!.input : state !== 'done',
  );
  const commands = left.map((entry) => ['kernelfusion', ...argumentsFor(entry, plan, request)]);
  const text = commands.map((words) => `${words.map(quoted).join(' ')}\n`).join('');
  return { data: { commands }, text, exitCode: 0 };
}

const stateOf = ({ manifest }: Plan, { input }: Entry) => manifest.pictures.find((p) => p.input === input)!.state;

async function runAll(
  plan: Plan,
  request: BatchRequest,
  signal: AbortSignal,
  note: (line: string) => void,
  run: RunCommand,
): Promise<CommandResult> {
  const { out, first } = plan;
  const pictures = [...plan.manifest.pictures];

  const isFirst = ({ input }: Entry) => input === first?.input;
  const order = [...pictures.keys()].sort((a, b) => Number(isFirst(pictures[b])) - Number(isFirst(pictures[a])));
  let count = 0;
  for (const index of order) {
    throwIfCancelled(signal);
    const entry = pictures[index];
    count++;
    if (entry.state === 'done') continue;
    pictures[index] = await oneOf(entry, () => run(argumentsFor(entry, plan, request), signal), signal);
    await writeManifest(out, { ...plan.manifest, pictures });
    const { notes } = pictures[index];
    const lines = [`${entry.input}: ${outcome(pictures[index])}`, ...notes.map((sentence) => `  Note: ${sentence}`)];
    note(`${count}/${pictures.length} ${lines.join('\n')}\n`);
    if (isFirst(entry) && pictures[index].error !== null) {
      const { code, message } = pictures[index].error;
      throw new KernelFusionError(code as ErrorCode, `The picture whose kernel is for all failed: ${message}`);
    }
  }
  return summary(plan, pictures);
}

/** Runs it and returns the entry with what became of it. Throws `CANCELLED` only. */
async function oneOf(entry: Entry, run: () => ReturnType<RunCommand>, signal: AbortSignal): Promise<Entry> {
  try {
    const { timings, kernel, notes } = await run();
    const told = { seconds: timings.total, kernelSource: kernel.source, confidence: kernel.confidence, notes };
    return { ...entry, state: 'done', ...told, error: null };
  } catch (error) {
    throwIfCancelled(signal);
    if (!(error instanceof KernelFusionError)) throw error;
    return { ...entry, state: 'failed', ...NOTHING_TOLD, error: { code: error.code, message: error.message } };
  }
}

const outcome = ({ error, seconds }: Entry) =>
  error === null ? `done in ${spokenTime(seconds ?? 0)}` : `${error.code}: ${error.message}`;

/** Ends as the first failed picture did. */
function summary({ out, manifest }: Plan, pictures: readonly Entry[]): CommandResult {
  const failed = pictures.filter(({ state }) => state === 'failed');
  const lines = [
    `${pictures.length - failed.length} of ${pictures.length} pictures are enlarged; ${path.join(out, MANIFEST)} tells about each.`,
    ...failed.map((entry) => `${entry.input}: ${outcome(entry)}`),
  ];
  const code = failed[0]?.error?.code as ErrorCode | undefined;
  return {
    data: { ...manifest, pictures, manifest: path.join(out, MANIFEST) },
    text: `${lines.join('\n')}\n`,
    exitCode: code === undefined ? 0 : EXIT_CODES[code],
  };
}
