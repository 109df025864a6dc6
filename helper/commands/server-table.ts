/**
 * The figures of `bench server` as Markdown and in words: each beside the bar it has to stay under, and whether it does.
 */
import type { Cancelled } from './bench-cancel.ts';
import type { TransferResult } from './bench-transfer.ts';

export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** `null`: it could not be measured here. */
  readonly value: number | null;
  /** The most it may be; `null` for figures that only explain others. */
  readonly bar: number | null;
}

/** Of upload plus download, as a multiple of a plain echo of the same bytes. */
const MOST_ECHOES = 3;
/** Of the helper's memory, as a multiple of the layer's bytes. */
const MOST_GROWTH = 2;
/** Seconds. */
const LONGEST_CANCEL = 1;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Every round's echo is compared with that round's transfer, and the median taken of those. */
export function figuresOfTransfer({ bytes, rounds, growth }: TransferResult): Figure[] {
  const explaining = { unit: 's', bar: null };
  return [
    { ...explaining, name: 'layer to the queue', value: median(rounds.map(({ up }) => up)) },
    { ...explaining, name: 'result to the panel', value: median(rounds.map(({ down }) => down)) },
    { ...explaining, name: 'plain echo of the same bytes', value: median(rounds.map(({ echo }) => echo)) },
    {
      name: 'both ways, in echoes',
      unit: '',
      value: median(rounds.map(({ up, down, echo }) => (up + down) / echo)),
      bar: MOST_ECHOES,
    },
    {
      name: "growth of the helper's memory, in layers",
      unit: '',
      value: growth === null ? null : growth / bytes,
      bar: MOST_GROWTH,
    },
  ];
}

export function figuresOfCancel(cancelled: readonly Cancelled[]): Figure[] {
  return cancelled.map(({ place, seconds }) => ({
    name: `cancel to silence, ${place}`,
    unit: 's',
    value: seconds,
    bar: LONGEST_CANCEL,
  }));
}

const shown = (value: number, unit: string) => `${value.toFixed(3)}${unit && ` ${unit}`}`;
const measured = ({ value, unit }: Figure) => (value === null ? 'not measured' : shown(value, unit));

function verdict({ value, bar }: Figure): string {
  if (bar === null || value === null) return '';
  return value <= bar ? 'met' : 'missed';
}

export function serverTable(heading: string, figures: readonly Figure[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rows = figures.map((figure) => {
    const { name, bar, unit } = figure;
    return line([name, measured(figure), bar === null ? '' : `at most ${bar}${unit && ` ${unit}`}`, verdict(figure)]);
  });
  const head = ['figure', 'measured', 'bar', ''];
  return `${['# Server', '', heading, '', line(head), line(['---', '---:', '---', '---']), ...rows].join('\n')}\n`;
}

export function figureInWords(figure: Figure): string {
  const { name, bar, unit } = figure;
  const beside =
    bar === null ? '' : `  (at most ${bar}${unit && ` ${unit}`}${verdict(figure) && `: ${verdict(figure)}`})`;
  return `${name.padEnd(42)} ${measured(figure)}${beside}`;
}
