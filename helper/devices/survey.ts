/**
 * Which devices there are, and which is taken: every one is tried at the real work, and the fastest wins.
 *
 * What was found is kept on the disk until the package, its native part, the hardware or a driver changes. A device that cannot
 * be used is refused with the reason; nothing is refused by its name.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { writeAtomic } from '../atomic-file.ts';
import { directories, makePrivateFolder } from '../server/directories.ts';
import type { Executor } from '../tensor/executor.ts';
import { packageFolder, packageVersion } from '../versions.ts';
import { openApart } from './apart.ts';
import { DEVICES, type Device, PROCESSOR } from './catalogue.ts';
import { hardwareFacts } from './hardware.ts';
import { missingPart } from './native-part.ts';
import { probeSpeed } from './probe.ts';

/** What is known of a device: its speed in multiply-adds a second (null: not needed to choose), or why it is refused. */
export type Finding = { readonly device: string } & (
  | { readonly usable: true; readonly speed: number | null }
  | { readonly usable: false; readonly reason: string }
);

export interface Survey {
  /** Of every device that was tried. */
  readonly findings: readonly Finding[];
  /** The fastest first; the processor is the last, since what is slower than it is of no use. */
  readonly order: readonly string[];
  /** Why the first was chosen: the rest of a sentence that begins with its name. */
  readonly why: string;
}

export interface SurveyOptions {
  /** File of earlier findings. */
  readonly file: string;
  /** Tries every device again, whatever the file says, and mends the file where there is one. */
  readonly anew?: boolean;
  readonly signal?: AbortSignal;
}

/** Opens a device and measures it, or says why that is not possible. Throws `CANCELLED` alone. */
export type Try = (device: Device, signal?: AbortSignal) => Promise<Finding>;

/** Milliseconds a device may take: translating programs for a card takes some ten seconds. */
const TRY_LIMIT = 90_000;

export const surveyFile = () => path.join(directories().state, 'devices.json');

/** The device's executor: the processor's in this process, every other in one of its own. Throws `ENGINE_UNAVAILABLE`. */
export async function openDevice(device: Device, threads?: number, signal?: AbortSignal): Promise<Executor> {
  if (device === PROCESSOR) return device.create(threads);
  const absent = await absence(device);
  if (absent) throw unavailable(device, absent);
  const executor = await openApart(device.name, threads, signal).catch((cause) => {
    throw unavailable(device, reasonOf(cause), cause);
  });
  if (executor.software === null) return executor;
  await executor.close();
  throw unavailable(device, `it runs on ${executor.software}, which is slower than the processor itself`);
}

const unavailable = ({ name }: Device, reason: string, cause: unknown = reason) =>
  new KernelFusionError('ENGINE_UNAVAILABLE', `The device ${name} cannot be used: ${reason}.`, { cause });

/** Why the device need not even be tried, or null. */
async function absence(device: Device): Promise<string | null> {
  try {
    packageVersion(device.package);
  } catch {
    return `${device.package} is not installed`;
  }
  if (device.provider !== undefined) {
    const { listSupportedBackends } = await import('onnxruntime-node');
    const known = listSupportedBackends().some(({ name }) => name === device.provider);
    if (!known) return 'ONNX Runtime has no such provider on this system';
  }
  return missingPart(device, packageFolder(device.package));
}

/** The first line of what went wrong at the bottom of it, without what is only of use to the library's makers. */
export function reasonOf(error: unknown): string {
  const { cause } = error as Error;
  if (cause instanceof Error) return reasonOf(cause);
  const text = error instanceof Error ? error.message : String(error);
  const [line] = text.trim().split('\n');
  return (
    line
      .replace(/^(Error: )+/, '')
      // ONNX Runtime: file, line, function and condition come before the words.
      .replace(/^\S+\.cc:\d+ .* was false\. /, '')
      // A path would say whose computer it is.
      .replace(/(?:[A-Za-z]:)?[\\/][^\s:]*[\\/]/g, '')
      // Full stops are for the sentence around it.
      .replace(/[\s.]+$/, '')
  );
}

export const tryDevice: Try = async (device, signal) => {
  const limit = AbortSignal.timeout(TRY_LIMIT);
  const work = measure(device, AbortSignal.any(signal ? [signal, limit] : [limit]));
  try {
    return { device: device.name, usable: true, speed: await work };
  } catch (error) {
    throwIfCancelled(signal);
    const reason = limit.aborted ? `it took more than ${TRY_LIMIT / 1000} s to begin` : refusalOf(error);
    return { device: device.name, usable: false, reason };
  }
};

const refusalOf = (error: unknown) =>
  error instanceof KernelFusionError && error.code === 'ENGINE_UNAVAILABLE'
    ? (/cannot be used: (.*)\.$/s.exec(error.message)?.[1] ?? reasonOf(error))
    : reasonOf(error);

async function measure(device: Device, signal: AbortSignal): Promise<number> {
  const executor = await openDevice(device, undefined, signal);
  const stop = () => void executor.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await probeSpeed(executor, signal);
  } finally {
    signal.removeEventListener('abort', stop);
    await executor.close();
  }
}

/** Tries what is not known yet, and orders what can be used. Throws `CANCELLED`. */
export async function survey({ file, anew = false, signal }: SurveyOptions, attempt = tryDevice): Promise<Survey> {
  const facts = await hardwareFacts();
  const known = anew ? {} : await readFindings(file);
  const found: Record<string, Finding> = {};
  const look = async (device: Device): Promise<Finding> => {
    const key = keyOf(device, facts);
    found[key] = known[key] ?? (await attempt(device, signal));
    return found[key];
  };
  const others: Finding[] = [];
  for (const device of DEVICES) if (device.automatic && device !== PROCESSOR) others.push(await look(device));
  // Its speed only matters beside that of another.
  const alone = !others.some(({ usable }) => usable);
  const processor: Finding = alone ? { device: PROCESSOR.name, usable: true, speed: null } : await look(PROCESSOR);
  const isNew = Object.keys(found).some((key) => !(key in known));
  if (anew ? existsSync(file) : isNew) await keep(file, found);
  return choose([...others, processor]);
}

const keyOf = (device: Device, facts: string) => {
  const version = (() => {
    try {
      const part = missingPart(device, packageFolder(device.package)) ?? '';
      return packageVersion(device.package) + part;
    } catch {
      return 'none';
    }
  })();
  return `${device.name} ${createHash('sha256').update(`${version}\n${facts}`).digest('hex')}`;
};

/** The order of devices, and why. */
export function choose(findings: readonly Finding[]): Survey {
  const usable = findings.filter((finding) => finding.usable);
  const speedOf = ({ speed }: { readonly speed: number | null }) => speed ?? 0;
  const sorted = [...usable].sort((a, b) => speedOf(b) - speedOf(a)).map(({ device }) => device);
  const order = sorted.includes(PROCESSOR.name)
    ? sorted.slice(0, sorted.indexOf(PROCESSOR.name) + 1)
    : [...sorted, PROCESSOR.name];
  const [first, second] = [...usable].sort((a, b) => speedOf(b) - speedOf(a));
  const why = second
    ? `it trains ${(speedOf(first) / speedOf(second)).toFixed(1)} times as fast as ${second.device}, the next.`
    : 'it is the only one that can be used.';
  return { findings, order, why };
}

async function readFindings(file: string): Promise<Record<string, Finding>> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8'));
    return typeof kept === 'object' && kept !== null ? kept : {};
  } catch {
    return {};
  }
}

/** Where nothing can be kept, devices are only tried anew each time. */
async function keep(file: string, findings: Readonly<Record<string, Finding>>): Promise<void> {
  try {
    await makePrivateFolder(path.dirname(file));
    await writeAtomic(file, `${JSON.stringify(findings, null, 2)}\n`);
  } catch (error) {
    if (!(error instanceof KernelFusionError)) throw error;
  }
}
