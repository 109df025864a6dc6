/**
 * `kernelfusion doctor`: what this computer offers, so that a report of trouble can start from facts.
 *
 * What is needed and broken ends with an exit code; what is optional is only told. Every part is loaded as late as here, so
 * that a broken one cannot take the others with it.
 */
import os from 'node:os';
import { EXIT_CODES } from '../../shared/errors.ts';
import { bytesInWords } from '../amounts.ts';
import type { Finding, Survey } from '../devices/survey.ts';
import { directories } from '../server/directories.ts';
import { ownVersion } from '../versions.ts';
import type { CommandResult } from './command-result.ts';
import type { HelperState, SpoolState } from './doctor-helper.ts';

/** A part that works, or why it does not. */
type Part<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly reason: string };

export interface Diagnosis {
  readonly kernelfusion: string;
  readonly node: { readonly version: string; readonly platform: string; readonly arch: string };
  readonly processor: { readonly model: string; readonly threads: number };
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly sharp: Part<{ readonly version: string; readonly libvips: string }>;
  readonly onnxruntime: Part<{ readonly version: string; readonly bundled: string[]; readonly notBundled: string[] }>;
  readonly engine: Part<{ readonly name: string; readonly threads: number; readonly lowering: string }>;
  readonly devices: Part<Survey>;
  readonly helper: Part<HelperState>;
  readonly pairing: Part<{ readonly panels: number }>;
  readonly spool: Part<SpoolState>;
}

const firstLine = (text: string) => text.trim().split('\n')[0];
const reasonOf = (error: unknown) => firstLine(error instanceof Error ? error.message : String(error));

async function part<T>(look: () => Promise<T>): Promise<Part<T>> {
  try {
    return { ok: true, ...(await look()) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

async function lookAtSharp() {
  const { default: sharp } = await import('sharp');
  return { version: sharp.versions.sharp ?? 'unknown', libvips: sharp.versions.vips };
}

async function lookAtOnnxRuntime() {
  const { env, listSupportedBackends } = await import('onnxruntime-node');
  const backends = listSupportedBackends();
  const named = (bundled: boolean) => backends.filter((b) => b.bundled === bundled).map((b) => b.name);
  return { version: env.versions.node ?? 'unknown', bundled: named(true), notBundled: named(false) };
}

async function lookAtEngine() {
  const { createOnnxExecutor } = await import('../tensor/executors/onnx/executor.ts');
  const executor = await createOnnxExecutor();
  try {
    const { name, threads, blockSize } = executor;
    return { name, threads, lowering: blockSize > 1 ? `blocks of ${blockSize} channels` : 'standard operators' };
  } finally {
    await executor.close();
  }
}

/** Tries every device, whatever is kept of it: this is the way out where a driver was mended without a new version. */
async function lookAtDevices(signal: AbortSignal): Promise<Survey> {
  const { survey, surveyFile } = await import('../devices/survey.ts');
  return survey({ file: surveyFile(), anew: true, signal });
}

const helperParts = () => import('./doctor-helper.ts');

/** Looks at everything. Never throws. */
export async function diagnose(signal: AbortSignal): Promise<Diagnosis> {
  const cpus = os.cpus();
  return {
    kernelfusion: ownVersion(),
    node: { version: process.versions.node, platform: process.platform, arch: process.arch },
    processor: { model: cpus[0]?.model.trim() ?? 'unknown', threads: os.availableParallelism() },
    memory: { totalBytes: os.totalmem(), freeBytes: os.freemem() },
    sharp: await part(lookAtSharp),
    onnxruntime: await part(lookAtOnnxRuntime),
    engine: await part(lookAtEngine),
    devices: await part(() => lookAtDevices(signal)),
    helper: await part(async () => (await helperParts()).lookAtHelper(directories())),
    pairing: await part(async () => (await helperParts()).lookAtPairing(directories())),
    spool: await part(async () => (await helperParts()).lookAtSpool(directories())),
  };
}

/** What a device was found to be, in a line. */
export function findingText(finding: Finding): string {
  if (!finding.usable) return `refused: ${finding.reason}`;
  return finding.speed === null ? 'usable' : `usable, trains at ${((2 * finding.speed) / 1e9).toFixed(0)} GFLOP/s`;
}

export function diagnosisText(d: Diagnosis): string {
  const told = <T>(p: Part<T>, say: (value: T) => string) => (p.ok ? say(p) : `broken: ${p.reason}`);
  const devices: [string, string][] = d.devices.ok
    ? [
        ...d.devices.findings.map((finding): [string, string] => [`device ${finding.device}`, findingText(finding)]),
        ['chosen', `${d.devices.order[0]}: ${d.devices.why}`],
      ]
    : [['devices', `broken: ${d.devices.reason}`]];
  const rows: [string, string][] = [
    ['kernelfusion', d.kernelfusion],
    ['node', `${d.node.version} (${d.node.platform} ${d.node.arch})`],
    ['processor', `${d.processor.model}, ${d.processor.threads} threads`],
    ['memory', `${bytesInWords(d.memory.totalBytes)}, ${bytesInWords(d.memory.freeBytes)} free`],
    ['pictures', told(d.sharp, (s) => `sharp ${s.version}, libvips ${s.libvips}`)],
    ['onnxruntime', told(d.onnxruntime, (o) => `${o.version}, backends: ${o.bundled.join(', ')}`)],
    ['engine', told(d.engine, (e) => `${e.name}, ${e.threads} threads, ${e.lowering}`)],
    ...devices,
    ['helper', told(d.helper, (h) => `${h.state}, port ${h.port}`)],
    ['pairing', told(d.pairing, (p) => `${p.panels} paired`)],
    ['spool', told(d.spool, (s) => `${s.jobs} jobs, ${bytesInWords(s.bytes)}, ${bytesInWords(s.freeBytes)} free`)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

export async function doctor(signal: AbortSignal): Promise<CommandResult> {
  const data = await diagnose(signal);
  const works = data.sharp.ok && data.onnxruntime.ok && data.engine.ok;
  return { data, text: diagnosisText(data), exitCode: works ? 0 : EXIT_CODES.ENGINE_UNAVAILABLE };
}
