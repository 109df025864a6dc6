/**
 * The growth of time and memory as Markdown and in words.
 *
 * The one figure to look at is the ratio to linear growth: what a row costs, divided by what the reference row costs times the
 * ratio of their areas. 1 is linear, below is better.
 */
import { PHASES } from '../kernelfusion/method.ts';
import type { Timings } from '../progress.ts';

export interface GrowthRow {
  /** Of the square input, in pixels. */
  readonly side: number;
  /** Seconds. */
  readonly timings: Timings;
  /** MB. */
  readonly peakMemory: number;
}

const megapixels = ({ side }: GrowthRow) => side ** 2 / 1e6;

/** `cost` of a row as a multiple of linear growth from the reference row. */
export function ratioToLinear(cost: (row: GrowthRow) => number, row: GrowthRow, reference: GrowthRow): number {
  return cost(row) / cost(reference) / (row.side / reference.side) ** 2;
}

/** `reference` is the side of the row that linear growth starts from; smaller rows have no ratio. */
export function growthTable(heading: string, rows: readonly GrowthRow[], reference: number): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = [
    ...['side', 'megapixels', ...PHASES.map((phase) => `${phase} s`), 'total s', 's per megapixel', 'peak MB'],
    ...['time / linear', 'memory / linear'],
  ];
  const first = rows.find(({ side }) => side === reference);
  const body = rows.map((row) => {
    const { side, timings, peakMemory } = row;
    const ratio = (cost: (row: GrowthRow) => number) =>
      first && side >= reference ? ratioToLinear(cost, row, first).toFixed(2) : '';
    return [
      `${side}`,
      megapixels(row).toPrecision(3),
      ...[...PHASES, 'total' as const].map((phase) => timings[phase].toFixed(1)),
      (timings.total / megapixels(row)).toPrecision(3),
      peakMemory.toFixed(0),
      ratio((r) => r.timings.total),
      ratio((r) => r.peakMemory),
    ];
  });
  return `${[
    '# Growth',
    '',
    `${heading} One run a size, each in a process of its own. Side and megapixels are the input's. The last two columns`,
    `compare with linear growth from the layer of ${reference} a side: 1 is linear, less is better.`,
    '',
    line(head),
    line(head.map(() => '---:')),
    ...body.map(line),
    '',
    '![Time and peak memory against area](growth.svg)',
  ].join('\n')}\n`;
}

/** One size on a line. */
export function growthInWords(row: GrowthRow): string {
  const { side, timings, peakMemory } = row;
  const phases = PHASES.map((phase) => `${phase} ${timings[phase].toFixed(1)}`).join(', ');
  return `${`${side} x ${side}`.padEnd(12)} ${timings.total.toFixed(1)} s (${phases})  ${peakMemory.toFixed(0)} MB`;
}
