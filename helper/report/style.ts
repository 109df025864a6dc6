/** The look of the report: one column, readable, light or dark as the reader's system is. */
import { HEAT_GRADIENT } from './heat-map.ts';

export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fcfcfb; --ink: #1d1d1f; --soft: #5b5b61; --line: #d9d9d6; --panel: #f1f1ee; --accent: #0b5fa5; --check: #c8c8c8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #18181a; --ink: #ececec; --soft: #aeaeb4; --line: #3b3b40; --panel: #232326; --accent: #7ebcf5; --check: #55555a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
p { max-width: 44rem; margin: .5rem 0; }
a { color: var(--accent); }
.lead, .hint, figcaption { color: var(--soft); }
.hint, figcaption { font-size: .875rem; }
.notes { background: var(--panel); border-left: 4px solid var(--accent); padding: .5rem 1rem; margin: 1rem 0; }
.notes ul { margin: 0; padding-left: 1.1rem; }
figure { margin: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1.5rem 3rem; }
.tables h3 { font-size: 1rem; margin: 0 0 .5rem; }
.checks { background: repeating-conic-gradient(var(--check) 0 25%, transparent 0 50%) 0 0 / 16px 16px; }
.stage { --at: 50%; position: relative; width: min(100%, max(var(--natural), 40rem)); max-height: none; overflow: hidden; }
.stage img { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.stage #before { clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.stage #after { clip-path: inset(0 0 0 var(--at)); }
.stage .edge { position: absolute; inset: 0 auto 0 var(--at); width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 0 1px #000; }
.stage:focus-within { outline: 3px solid var(--accent); outline-offset: 2px; }
.stage input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; appearance: none; }
.stage input::-webkit-slider-thumb { appearance: none; width: 1px; height: 100%; }
.stage input::-moz-range-thumb { width: 1px; height: 100%; border: 0; }
.tag { position: absolute; top: .5rem; left: .5rem; padding: 0 .5rem; background: #000c; color: #fff; font-size: .8125rem; border-radius: 3px; }
.tag.right { left: auto; right: .5rem; }
.lenses { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.lenses canvas { display: block; max-width: 100%; border: 1px solid var(--line); }
.controls { display: grid; gap: .5rem; }
.controls label { display: grid; font-size: .875rem; color: var(--soft); }
.kernel { display: grid; grid-template-columns: minmax(0, 22rem) minmax(16rem, 1fr); gap: 1.5rem 2.5rem; align-items: start; }
@media (max-width: 46rem) { .kernel { grid-template-columns: 1fr; } }
.heat { width: 100%; display: block; image-rendering: pixelated; border: 1px solid var(--line); }
.bar { height: 4px; background: var(--ink); margin: .5rem 0 .125rem; }
.colours { height: .75rem; margin-top: .75rem; border: 1px solid var(--line); background: ${HEAT_GRADIENT}; }
.ends { display: flex; justify-content: space-between; font-size: .875rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.steps { display: grid; grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); gap: .75rem; }
.curve { width: 100%; max-width: 44rem; height: auto; }
.curve text { fill: var(--soft); font-size: 12px; }
.curve .grid { stroke: var(--line); }
.curve polyline { fill: none; stroke: var(--accent); stroke-linejoin: round; }
.curve .raw { stroke-opacity: .3; }
.curve .mean { stroke-width: 2; }
`;
