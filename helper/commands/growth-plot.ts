/**
 * Time and memory against the layer's area as an SVG file: two panels, both axes logarithmic, so that growth by a power is a
 * straight line and linear growth has slope 1. That line is drawn dashed from the reference on: what stays below grows slower.
 * Colours follow the reader's system, light or dark.
 */
import { Html, html } from '../report/html.ts';
import { ticksBetween, tidy } from '../report/log-axis.ts';
import type { GrowthRow } from './growth-table.ts';

const WIDTH = 760;
const HEIGHT = 340;
const TOP = 44;
const BOTTOM = 56;
const PANEL = { width: 300, height: HEIGHT - TOP - BOTTOM };
/** Left edges of the two panels. */
const LEFTS = [60, 440];
/** Room beside the first and last point, as a ratio of areas. */
const MARGIN = 1.6;

/** No CSS variables: viewers outside browsers do not know them. */
const STYLE = `
.paper { fill: #fcfcfb; }
text { fill: #5b5b61; font: 12px system-ui, sans-serif; }
.title { fill: #1d1d1f; font-size: 14px; }
.grid { stroke: #d9d9d6; }
.linear { fill: none; stroke: #5b5b61; stroke-dasharray: 5 4; }
.measured { fill: none; stroke: #0b5fa5; stroke-width: 2; }
circle { fill: #0b5fa5; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #18181a; }
  text { fill: #aeaeb4; }
  .title { fill: #ececec; }
  .grid { stroke: #3b3b40; }
  .linear { stroke: #aeaeb4; }
  .measured { stroke: #7ebcf5; }
  circle { fill: #7ebcf5; }
}
`;

type Cost = (row: GrowthRow) => number;

/** Rows by rising side, one at least. The dashed line starts at the row whose side is `reference`, once there is one. */
export function growthPlot(rows: readonly GrowthRow[], reference: number): string {
  const label = `Time and peak memory of layers from ${rows[0].side} to ${rows[rows.length - 1].side} a side`;
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
<style>${new Html(STYLE)}</style>
<rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>
${panel('time in s', LEFTS[0], rows, reference, ({ timings }) => timings.total)}
${panel('peak memory in MB', LEFTS[1], rows, reference, ({ peakMemory }) => peakMemory)}
<text x="${WIDTH / 2}" y="${HEIGHT - 10}" text-anchor="middle">side of the layer, spaced by area; dashed: linear growth from ${reference}</text>
</svg>
`.markup;
}

function panel(title: string, left: number, rows: readonly GrowthRow[], reference: number, cost: Cost): Html {
  const linear = linearFrom(rows, reference, cost);
  const costs = [...rows.map(cost), ...linear.map(([, value]) => value)];
  const ticks = ticksBetween(Math.min(...costs), Math.max(...costs));
  const sides = rows.map(({ side }) => side);
  const x = logScale(sides[0] ** 2 / MARGIN, sides[sides.length - 1] ** 2 * MARGIN, left, left + PANEL.width);
  const y = logScale(ticks[0], ticks[ticks.length - 1], TOP + PANEL.height, TOP);
  const at = ([side, value]: Point) => [x(side ** 2).toFixed(1), y(value).toFixed(1)] as const;
  const points = (line: readonly Point[]) => line.map((point) => at(point).join(',')).join(' ');
  const measured = rows.map((row): Point => [row.side, cost(row)]);
  return html`<text class="title" x="${left}" y="${TOP - 18}">${title}</text>
${ticks.map((tick) => {
  const height = y(tick);
  return html`<line class="grid" x1="${left}" x2="${left + PANEL.width}" y1="${height.toFixed(1)}" y2="${height.toFixed(1)}"/>
<text x="${left - 8}" y="${(height + 4).toFixed(1)}" text-anchor="end">${tidy(tick)}</text>
`;
})}${sides.map(
  (side) => html`<text x="${x(side ** 2).toFixed(1)}" y="${TOP + PANEL.height + 20}" text-anchor="middle">${side}</text>
`,
)}<polyline class="linear" points="${points(linear)}"/>
<polyline class="measured" points="${points(measured)}"/>
${measured.map((point) => html`<circle cx="${at(point)[0]}" cy="${at(point)[1]}" r="3.5"/>`)}`;
}

/** A side and what it costs. */
type Point = readonly [side: number, value: number];

/** Ends of the line of linear growth, from the reference row to the largest; none before that row is measured. */
function linearFrom(rows: readonly GrowthRow[], reference: number, cost: Cost): Point[] {
  const first = rows.find(({ side }) => side === reference);
  if (!first) return [];
  const { side } = rows[rows.length - 1];
  return [
    [reference, cost(first)],
    [side, cost(first) * (side / reference) ** 2],
  ];
}

/** Maps values from `low` to `high` by their logarithm onto `start` to `end`. */
function logScale(low: number, high: number, start: number, end: number): (value: number) => number {
  return (value) => start + (Math.log(value / low) / Math.log(high / low)) * (end - start);
}
