/**
 * `kernelfusion bench devices`: whole jobs on every device that can be used, beside the same on the processor.
 *
 * Layers of one photograph's content are enlarged once on each device, in a process of its own. The table is written anew after
 * each run, so an interrupted run keeps what it has. A job that a device did not bring to its end counts for no device.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { writeAtomic } from '../atomic-file.ts';
import { PROCESSOR } from '../devices/catalogue.ts';
import type { Survey } from '../devices/survey.ts';
import { mirrorTile } from '../image/mirror-tile.ts';
import { readPicture } from '../image/read.ts';
import { writePicture } from '../image/write.ts';
import { PHASES } from '../kernelfusion/method.ts';
import type { Timings } from '../progress.ts';
import { findingText } from './doctor.ts';

/** What a run tells: `upscale --json`. */
export interface DeviceRun {
  readonly timings: Timings;
  /** What it ended on. */
  readonly executor: string;
  readonly notes: readonly string[];
}

export interface BenchDevicesRequest {
  readonly picture: string;
  /** Sides of the square layers in pixels. */
  readonly sizes: readonly number[];
  readonly scale: number;
  readonly survey: Pick<Survey, 'findings' | 'order' | 'why'>;
  /** Gets devices.md, and each layer and result. Made if missing. */
  readonly outDir: string;
  /** Enlarges a file on a device: `runApart`, or a stand-in in tests. */
  readonly measure: (device: string, input: string, output: string) => Promise<DeviceRun>;
  readonly signal?: AbortSignal;
  readonly print: (line: string) => void;
}

export interface DeviceRow extends DeviceRun {
  readonly side: number;
  readonly device: string;
}

export interface BenchDevicesResult {
  readonly rows: readonly DeviceRow[];
  readonly markdown: string;
}

/** Throws `OUTPUT_UNWRITABLE`, what reading the picture and a run throw, and `CANCELLED`. */
export async function benchDevices(request: BenchDevicesRequest): Promise<BenchDevicesResult> {
  const { sizes, scale, survey, outDir, measure, signal, print } = request;
  const picture = await readPicture(request.picture, {}, signal);
  await mkdir(outDir, { recursive: true }).catch((cause) => {
    throw new KernelFusionError('OUTPUT_UNWRITABLE', 'The output folder could not be made.', { cause });
  });
  for (const finding of survey.findings) print(`${finding.device.padEnd(14)} ${findingText(finding)}`);
  print(`${survey.order[0]}: ${survey.why}`);
  const markdown = path.join(outDir, 'devices.md');
  const rows: DeviceRow[] = [];
  for (const side of sizes) {
    const input = path.join(outDir, `device-${side}.png`);
    await writePicture(input, mirrorTile(picture.layer, side), picture, signal);
    // The processor first: what the others are compared with.
    for (const device of [...survey.order].reverse()) {
      throwIfCancelled(signal);
      const run = await measure(device, input, path.join(outDir, `device-${side}-${device}.png`));
      rows.push({ side, device, ...run });
      print(rowInWords(rows.at(-1)!, rows));
      await writeAtomic(markdown, devicesTable(survey, scale, rows));
    }
  }
  return { rows, markdown };
}

/** How many times as fast as the processor, on the same layer; null for a job that ended on another device. */
function speedUp(row: DeviceRow, rows: readonly DeviceRow[]): number | null {
  const beside = rows.find(({ side, device }) => side === row.side && device === PROCESSOR.name);
  return beside && row.executor === row.device ? beside.timings.total / row.timings.total : null;
}

function rowInWords(row: DeviceRow, rows: readonly DeviceRow[]): string {
  const phases = PHASES.map((phase) => `${phase} ${row.timings[phase].toFixed(1)}`).join(', ');
  const ratio = speedUp(row, rows);
  const beside = ratio === null ? row.notes.join(' ') : `${ratio.toFixed(2)} times the processor's speed`;
  return `${row.side} x ${row.side} on ${row.device}: ${row.timings.total.toFixed(1)} s (${phases}), ${beside}`;
}

/** What was found and measured, as Markdown. */
export function devicesTable(survey: BenchDevicesRequest['survey'], scale: number, rows: readonly DeviceRow[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['side', 'device', ...PHASES.map((phase) => `${phase} s`), 'total s', "times the processor's speed"];
  const body = rows.map((row) => [
    ...[`${row.side}`, row.device],
    ...[...PHASES, 'total' as const].map((phase) => row.timings[phase].toFixed(1)),
    speedUp(row, rows)?.toFixed(2) ?? `ended on ${row.executor}`,
  ]);
  return `${[
    '# Devices',
    '',
    ...survey.findings.map((finding) => `- ${finding.device}: ${findingText(finding)}`),
    '',
    `Chosen: ${survey.order[0]}, for ${survey.why} Whole jobs at scale ${scale}, one run each, in a process of its own:`,
    '',
    line(head),
    line(head.map((_, i) => (i === 1 ? '---' : '---:'))),
    ...body.map(line),
  ].join('\n')}\n`;
}
