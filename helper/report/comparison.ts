/**
 * Before and after, one over the other with a movable edge between them, and a lens that shows both, pixel by pixel.
 *
 * The edge is a range input laid over the pictures: pointer, touch, keyboard and screen readers come with it.
 */
import { type Html, html } from './html.ts';

export interface Comparison {
  /** PNG files of the same size. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export const pngUri = (png: Uint8Array) => `data:image/png;base64,${Buffer.from(png).toString('base64')}`;

const LENS = 256;
const ZOOMS = [2, 4, 8, 16];

export function comparison({ before, after, width, height }: Comparison): Html {
  const lens = (id: string, title: string) => html`<figure>
<canvas id="${id}" class="checks" width="${LENS}" height="${LENS}" role="img" aria-label="Lens: ${title}"></canvas>
<figcaption>${title}</figcaption>
</figure>`;
  const place = (id: string, title: string) => html`<label>${title}
<input type="range" id="${id}" min="0" max="100" step="0.1" value="50"></label>
`;
  return html`<div class="stage checks" id="stage" style="aspect-ratio: ${width} / ${height}; --natural: ${width}px">
<img id="before" src="${pngUri(before)}" alt="Before: plain bicubic enlargement">
<img id="after" src="${pngUri(after)}" alt="After: the result">
<span class="tag" aria-hidden="true">before: bicubic</span><span class="tag right" aria-hidden="true">after</span>
<div class="edge" aria-hidden="true"></div>
<input type="range" id="edge" min="0" max="100" step="0.5" value="50"
 aria-label="Edge between before (left) and after (right), in percent of the width">
</div>
<p class="hint">Drag, or use the arrow keys. The lens shows the place under the pointer.</p>
<div class="lenses">
${lens('lens-before', 'before: bicubic')}
${lens('lens-after', 'after')}
<div class="controls">
${place('across', 'Lens across')}${place('down', 'Lens down')}<label>Zoom
<select id="zoom">${ZOOMS.map((z) => (z === 4 ? html`<option selected>${z}</option>` : html`<option>${z}</option>`))}</select></label>
</div>
</div>`;
}

/** What moves the edge and the lens; runs at the end of the page. */
export const COMPARISON_SCRIPT = `
const get = (id) => document.getElementById(id);
const stage = get('stage');
const edge = get('edge');
const moveEdge = () => {
  stage.style.setProperty('--at', edge.value + '%');
  edge.setAttribute('aria-valuetext', Math.round(edge.value) + ' % before');
};
const look = () => {
  const zoom = Number(get('zoom').value);
  for (const name of ['before', 'after']) {
    const image = get(name);
    const canvas = get('lens-' + name);
    const seen = canvas.width / zoom;
    const start = (id, size) => Math.round((Number(get(id).value) / 100) * size - seen / 2);
    const pen = canvas.getContext('2d');
    pen.imageSmoothingEnabled = false;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const [x, y] = [start('across', image.naturalWidth), start('down', image.naturalHeight)];
    pen.drawImage(image, x, y, seen, seen, 0, 0, canvas.width, canvas.height);
  }
};
edge.addEventListener('input', moveEdge);
stage.addEventListener('pointermove', (event) => {
  const box = stage.getBoundingClientRect();
  get('across').value = (100 * (event.clientX - box.left)) / box.width;
  get('down').value = (100 * (event.clientY - box.top)) / box.height;
  look();
});
for (const id of ['across', 'down', 'zoom']) get(id).addEventListener('input', look);
Promise.all(['before', 'after'].map((id) => get(id).decode())).then(look);
moveEdge();
`;
