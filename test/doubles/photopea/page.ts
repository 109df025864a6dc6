/**
 * The Photopea double as a page: it draws its document, and answers as a page in a browser would.
 *
 * The one idea: whom it answers is what versions may differ in, so the address says it: `?answers=top` (scripts the page
 * sent to itself, through `window.parent`, and only where that is another window), `plugins` (frames it opened itself,
 * named after the # as photopea.com/api documents), `frames` (any frame). Other quirks: `?quirks={"pings":true}`.
 */
import { decodePng, encodePng } from '../../../extension/editors/png.ts';
import { PhotopeaDouble, type Reply } from './double.ts';
import { composite, rendered } from './model.ts';
import { poster } from './scene.ts';

const query = new URLSearchParams(location.search);
const answers = query.get('answers') ?? 'top';

// Not a canvas: that would round the colours of half-transparent pixels. png.test.ts has sharp judge these two.
const double = new PhotopeaDouble({
  encode: async (picture) => (await encodePng(picture)).buffer,
  decode: (file) => decodePng(new Uint8Array(file)),
});
double.quirks = JSON.parse(query.get('quirks') ?? '{}');
double.onChange = draw;

const plugins = new Set<MessageEventSource | null>();

addEventListener('message', ({ data, source }) => {
  if (typeof data !== 'string' && !(data instanceof ArrayBuffer)) return;
  const reply: Reply = (message) => {
    // Looked up at the time of each answer, as the real one does.
    const [goal, heard] = source === window ? [window.parent, answers === 'top'] : [source, mayAnswer(source)];
    if (heard && goal && goal !== window) (goal as Window).postMessage(message, '*');
  };
  double.receive(data, reply);
});

const mayAnswer = (source: MessageEventSource | null) =>
  answers === 'frames' || (answers === 'plugins' && plugins.has(source));

function openPlugins(): void {
  if (location.hash.length < 2) return;
  const { environment } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  for (const { url, width, height } of environment?.plugins ?? []) {
    const frame = Object.assign(document.createElement('iframe'), { src: url, width, height });
    document.body.append(frame);
    plugins.add(frame.contentWindow);
  }
}

function draw(): void {
  const doc = double.application.docs[double.application.active];
  document.querySelector('#layers')!.textContent = doc
    ? `${doc.name}: ${doc.layers.map(({ name }) => name).join(', ')}`
    : 'no document';
  if (!doc) return;
  const { width, height, rgba } = composite(doc);
  const view = document.querySelector<HTMLCanvasElement>('#view')!;
  Object.assign(view, { width, height });
  view.getContext('2d')!.putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0);
}

const scene = query.has('empty') ? null : poster(double);
openPlugins();
draw();

/** What tests look at. */
declare global {
  interface Window {
    photopeaDouble: { double: PhotopeaDouble; scene: ReturnType<typeof poster> | null; rendered: typeof rendered };
  }
}
window.photopeaDouble = { double, scene, rendered };
