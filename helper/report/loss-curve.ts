/**
 * A training loss over its steps, as an inline SVG: every value faint, their running mean on top, on a logarithmic scale (so
 * that a fall late in training is as visible as an early one).
 */
import { type Html, html } from './html.ts';
import { ticksBetween, tidy } from './log-axis.ts';

const WIDTH = 640;
const HEIGHT = 240;
const LEFT = 56;
const BOTTOM = 36;
const TOP = 12;
const RIGHT = 12;

/** Losses are positive numbers, one a step; two at least. */
export function lossCurve(losses: readonly number[]): Html {
  const low = Math.min(...losses);
  const high = Math.max(...losses);
  const ticks = ticksBetween(low, high);
  const [bottom, top] = [Math.min(low, ticks[0]), Math.max(high, ticks[ticks.length - 1])].map(Math.log10);
  const x = (i: number) => LEFT + (i / (losses.length - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (v: number) => TOP + ((top - Math.log10(v)) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const line = (values: readonly number[]) => values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(' ');
  const label = `Training loss over ${losses.length} steps, from ${losses[0].toPrecision(3)} to ${losses[losses.length - 1].toPrecision(3)}`;
  return html`<svg class="curve" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
${ticks.map(
  (v) => html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(v).toFixed(1)}" y2="${y(v).toFixed(1)}"/>
<text x="${LEFT - 8}" y="${(y(v) + 4).toFixed(1)}" text-anchor="end">${tidy(v)}</text>
`,
)}<polyline class="raw" points="${line(losses)}"/>
<polyline class="mean" points="${line(runningMean(losses))}"/>
<text x="${LEFT}" y="${HEIGHT - 12}" text-anchor="middle">1</text>
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">step</text>
<text x="${WIDTH - RIGHT}" y="${HEIGHT - 12}" text-anchor="end">${losses.length}</text>
</svg>`;
}

/** Mean of the values around each, over a twentieth of them all. */
function runningMean(values: readonly number[]): number[] {
  const reach = Math.max(1, Math.round(values.length / 40));
  return values.map((_, i) => {
    const near = values.slice(Math.max(0, i - reach), i + reach + 1);
    return near.reduce((sum, v) => sum + v, 0) / near.length;
  });
}
