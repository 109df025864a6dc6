/**
 * The scores of a quality benchmark as CSV, as Markdown and in words.
 *
 * One list of columns says what there is: its key for CSV, its title for people, its digits and its value. Columns that have
 * a mean appear in the summary rows, one for each scale.
 */

import type { KernelSource } from '../kernelfusion/method.ts';
import { PHASES } from '../kernelfusion/method.ts';
import type { KernelScore, PictureScore } from '../kernelfusion/metrics.ts';
import type { Timings } from '../progress.ts';

export interface Score {
  readonly ok: true;
  readonly name: string;
  readonly scale: number;
  /** Of the input, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly bicubic: PictureScore;
  readonly ours: PictureScore;
  readonly kernel: KernelScore;
  readonly kernelSource: KernelSource;
  /** Of the method in its kernel; null where it has none to tell. */
  readonly confidence: number | null;
  readonly notes: readonly string[];
  /** dB. */
  readonly lrConsistency: number;
  /** Seconds. */
  readonly timings: Timings;
  /** Bytes. */
  readonly peakMemory: number;
}

export interface Failure {
  readonly ok: false;
  readonly name: string;
  readonly reason: string;
}

export type Row = Score | Failure;

/** What our result is better than a bicubic enlargement, in dB on luma, both after their best shift. */
export const gainOf = ({ ours, bicubic }: Score) => ours.psnrYShift - bicubic.psnrYShift;

interface Column {
  readonly key: string;
  readonly title: string;
  readonly digits: number;
  /** `undefined` where the pair has no such number. */
  readonly value: (score: Score) => number | undefined;
  /** Summarised by its largest value instead of its mean. */
  readonly largest?: true;
}

const COLUMNS: readonly Column[] = [
  { key: 'bicubic_psnr_y', title: 'bicubic PSNR', digits: 2, value: (s) => s.bicubic.psnrY },
  { key: 'bicubic_ssim_y', title: 'SSIM', digits: 4, value: (s) => s.bicubic.ssimY },
  { key: 'bicubic_psnr_y_shift', title: 'shifted PSNR', digits: 2, value: (s) => s.bicubic.psnrYShift },
  { key: 'bicubic_ssim_y_shift', title: 'SSIM', digits: 4, value: (s) => s.bicubic.ssimYShift },
  { key: 'psnr_y', title: 'ours PSNR', digits: 2, value: (s) => s.ours.psnrY },
  { key: 'ssim_y', title: 'SSIM', digits: 4, value: (s) => s.ours.ssimY },
  { key: 'psnr_y_shift', title: 'shifted PSNR', digits: 2, value: (s) => s.ours.psnrYShift },
  { key: 'ssim_y_shift', title: 'SSIM', digits: 4, value: (s) => s.ours.ssimYShift },
  { key: 'gain', title: '**gain**', digits: 2, value: gainOf },
  { key: 'bicubic_psnr_alpha', title: 'bicubic alpha', digits: 2, value: (s) => s.bicubic.psnrAlpha },
  { key: 'psnr_alpha', title: 'ours alpha', digits: 2, value: (s) => s.ours.psnrAlpha },
  { key: 'kernel_ncc', title: 'kernel ncc', digits: 3, value: (s) => s.kernel.ncc },
  { key: 'kernel_l1', title: 'L1', digits: 3, value: (s) => s.kernel.l1 },
  { key: 'confidence', title: 'confidence', digits: 2, value: (s) => s.confidence ?? undefined },
  { key: 'lr_consistency', title: 'LR consistency', digits: 1, value: (s) => s.lrConsistency },
  ...[...PHASES, 'total' as const].map((phase) => ({
    key: `${phase}_s`,
    title: `${phase} s`,
    digits: 1,
    value: (s: Score) => s.timings[phase],
  })),
  { key: 'peak_mb', title: 'peak MB', digits: 0, value: (s) => s.peakMemory / 1e6, largest: true },
];

export const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

const shown = (value: number | undefined, digits: number) => (value === undefined ? '' : value.toFixed(digits));

/** What follows the heading of the Markdown. */
const MEANING = ' PSNR (dB) and SSIM on luma, as it is and after the best sub-pixel shift; gain over shifted bicubic.';

const isScore = (row: Row): row is Score => row.ok;

/** By rising scale. */
export function byScale<T extends { readonly scale: number }>(scores: readonly T[]): [number, T[]][] {
  const scales = [...new Set(scores.map(({ scale }) => scale))].sort();
  return scales.map((scale) => [scale, scores.filter((score) => score.scale === scale)]);
}

/** The column's cells of one scale in one; only pairs that have the number count. */
function summarise({ value, digits, largest }: Column, scores: readonly Score[]): string {
  const values = scores.flatMap((score) => value(score) ?? []);
  if (values.length === 0) return '';
  return shown(largest ? Math.max(...values) : mean(values), digits);
}

/** A row a pair, then a row of means a scale (of the memory: the largest). Failed pairs have the reason in the last column. */
export function toCsv(rows: readonly Row[]): string {
  const quoted = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const line = (cells: readonly string[]) => `${cells.map(quoted).join(',')}\n`;
  const head = ['pair', 'scale', 'width', 'height', 'kernel_source', ...COLUMNS.map(({ key }) => key), 'remarks'];
  const body = rows.map((row) => {
    if (!row.ok) return [row.name, ...Array<string>(4 + COLUMNS.length).fill(''), `failed: ${row.reason}`];
    const { name, scale, width, height, kernelSource, notes } = row;
    const values = COLUMNS.map(({ value, digits }) => shown(value(row), digits + 2));
    return [name, `${scale}`, `${width}`, `${height}`, kernelSource, ...values, notes.join(' ')];
  });
  const means = byScale(rows.filter(isScore)).map(([scale, scores]) => {
    const values = COLUMNS.map((column) => summarise({ ...column, digits: column.digits + 2 }, scores));
    return ['mean', `${scale}`, '', '', '', ...values, ''];
  });
  return [head, ...body, ...means].map(line).join('');
}

/** Rows of a CSV file (of `toCsv`, or saved again by a spreadsheet), each by the names in the first. */
export function fromCsv(text: string): Readonly<Record<string, string>>[] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    lines[lines.length - 1].push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ',') lines.push([]);
  }
  const [head, ...body] = lines.filter((cells) => cells.length > 1);
  return body.map((cells) => Object.fromEntries(head.map((key, i) => [key, cells[i]])));
}

/** The heading that `toMarkdown` was given: what was run, and how. `undefined` where this is no such text. */
export const headingOf = (markdown: string) =>
  markdown
    .split('\n')
    .find((line) => line.endsWith(MEANING))
    ?.slice(0, -MEANING.length);

/** The same for reading, with what the columns mean. */
export function toMarkdown(heading: string, rows: readonly Row[]): string {
  const scores = rows.filter(isScore);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const head = ['pair', 'scale', 'size', 'kernel', ...COLUMNS.map(({ title }) => title)];
  const body = rows.map((row) => {
    if (!row.ok) return [row.name, '', '', 'failed', ...Array<string>(COLUMNS.length).fill('')];
    const { name, scale, width, height, kernelSource } = row;
    const values = COLUMNS.map(({ value, digits }) => shown(value(row), digits));
    return [name, `x${scale}`, `${width}x${height}`, kernelSource, ...values];
  });
  const means = byScale(scores).map(([scale, group]) => [
    `**mean of ${group.length}**`,
    `x${scale}`,
    '',
    '',
    ...COLUMNS.map((column) => summarise(column, group)),
  ]);
  const remarks = rows.flatMap((row) => {
    if (!row.ok) return [`- ${row.name} failed: ${row.reason}`];
    return row.notes.map((note) => `- ${row.name}: ${note}`);
  });
  return `${[
    '# Quality',
    '',
    `${heading}${MEANING}`,
    '',
    line(head),
    line(head.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...[...body, ...means].map(line),
    '',
    ...summaryInWords(scores).map((text) => `- ${text}`),
    ...remarks,
  ].join('\n')}\n`;
}

/** One pair on a line. */
export function rowInWords(row: Row): string {
  if (!row.ok) return `${row.name.padEnd(20)} failed: ${row.reason}`;
  const { name, scale, bicubic, ours, kernel, kernelSource, timings, peakMemory } = row;
  return [
    `${name.padEnd(20)} x${scale}`,
    `bicubic ${bicubic.psnrYShift.toFixed(2)}  ours ${ours.psnrYShift.toFixed(2)}  gain ${signed(gainOf(row))} dB`,
    `SSIM ${bicubic.ssimYShift.toFixed(3)} to ${ours.ssimYShift.toFixed(3)}`,
    `kernel ${kernel.ncc.toFixed(3)} (${kernelSource})`,
    `${timings.total.toFixed(1)} s`,
    `${(peakMemory / 1e6).toFixed(0)} MB`,
  ].join('  ');
}

/** One scale on a line. */
export function summaryInWords(scores: readonly Score[]): string[] {
  return byScale(scores).map(([scale, group]) => {
    const gains = group.map(gainOf);
    const pairs = group.length === 1 ? '1 pair' : `${group.length} pairs`;
    const ours = mean(group.map((score) => score.ours.psnrYShift)).toFixed(2);
    const ncc = mean(group.map((score) => score.kernel.ncc)).toFixed(3);
    return (
      `x${scale}, ${pairs}: mean ${ours} dB, gain ${signed(mean(gains))} dB (least ${signed(Math.min(...gains))}), ` +
      `kernel correlation ${ncc}, ${mean(group.map((score) => score.timings.total)).toFixed(1)} s a pair`
    );
  });
}

/** A gain in dB. */
export const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
