/**
 * `npm run bench:panel`: how long a layer of 2048 x 2048 takes from the editor to the helper, beside the raw pipeline: the same
 * bytes the same way (page, content script, panel, socket), with no question, check or protocol, to a server that only counts.
 * Both in turns, in each browser that is installed. The bar: less than twice the raw time (medians).
 *
 * The editor is a page with miniPaint's objects and one layer, read by the adapter for miniPaint.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { bundled } from '../../doubles/photopea/site.ts';
import { installExtension, LOCAL_PAGES, missing, TARGETS, type Target } from '../../support/extension.ts';
import { startHelperProcess } from '../../support/helper-process.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const SIDE = 2048;
const ROUNDS = 7;
const BAR = 2;
const PANEL = '<!doctype html><script src="in-panel.js"></script>';

interface Round {
  /** Milliseconds. */
  readonly ours: number;
  readonly read: number;
  readonly raw: number;
}

/** What of miniPaint's objects reading takes, with one layer of noise. */
const EDITOR = `<!doctype html><title>Editor</title><script>
const canvas = document.createElement('canvas');
canvas.width = canvas.height = ${SIDE};
const context = canvas.getContext('2d', { willReadFrequently: true });
const picture = context.createImageData(${SIDE}, ${SIDE});
let state = 1;
for (let at = 0; at < picture.data.length; at++) {
  state = (state * 1103515245 + 12345) % 2147483648;
  picture.data[at] = at % 4 === 3 ? 255 : state >> 16;
}
context.putImageData(picture, 0, 0);
document.documentElement.append(canvas);
const size = { width: ${SIDE}, height: ${SIDE}, width_original: ${SIDE}, height_original: ${SIDE} };
const layer = { id: 1, name: 'noise', type: 'image', link_canvas: canvas, x: 0, y: 0, visible: true, rotate: 0, filters: [], ...size };
window.AppConfig = { WIDTH: ${SIDE}, HEIGHT: ${SIDE}, layers: [layer], layer };
window.Layers = { get_sorted_layers: () => [layer] };
window.State = {};
</script>`;

async function serveEditor() {
  const server = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(EDITOR));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

/** Counts what it gets, and says so when it is told that this was all. */
async function serveSink() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 2 ** 26 });
  server.on('connection', (socket) => {
    let bytes = 0;
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) bytes += data.length;
      else socket.send(String(bytes));
    });
  });
  await new Promise((done) => server.on('listening', done));
  return { port: (server.address() as AddressInfo).port, server };
}

/** A page of ours beside the panel, and the raw pipeline's scripts in the editor's page. */
async function install(target: Target) {
  const names = ['raw-page', 'raw-bridge', 'in-panel'];
  const scripts = names.map(async (name) => [`${name}.js`, (await bundled(`test/bench/panel/${name}.ts`)).text]);
  const files = { ...Object.fromEntries(await Promise.all(scripts)), 'bench.html': PANEL };
  const raw = { matches: LOCAL_PAGES, run_at: 'document_end' };
  return installExtension(target, files, {
    host_permissions: LOCAL_PAGES,
    content_scripts: [
      { ...raw, js: ['raw-page.js'], world: 'MAIN' },
      { ...raw, js: ['raw-bridge.js'] },
    ],
  });
}

async function measure(target: Target): Promise<Round[]> {
  const [editor, sink, helper] = await Promise.all([serveEditor(), serveSink(), startHelperProcess([target.origin])]);
  const extension = await install(target);
  try {
    const page = await extension.browser.newPage();
    await page.goto(editor.address);
    const panel = await extension.open('bench.html', () => window.bench !== undefined);
    const rounds: Round[] = [];
    // The first round warms both up and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      const raw = await panel.evaluate((...way) => window.bench.raw(...way), editor.address, sink.port);
      const { port, secrets } = helper;
      const ours = await panel.evaluate((...way) => window.bench.ours(...way), editor.address, port, secrets[0]);
      if (raw.sum !== ours.sum) throw new Error('the two ways did not carry the same pixels');
      if (round > 0) rounds.push({ ours: ours.total, read: ours.read, raw: raw.total });
    }
    return rounds;
  } finally {
    await extension.close();
    await helper.end();
    sink.server.close();
    editor.server.close();
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

const rows = [
  '| browser | editor to panel, ms | editor to helper, ms | raw pipeline, ms | ratio | bar |',
  '|---|---|---|---|---|---|',
];
let met = true;
for (const target of TARGETS) {
  const why = missing(target);
  if (why) {
    console.log(`Not measured: ${why}.`);
    continue;
  }
  const rounds = await measure(target);
  const [ours, read, raw] = (['ours', 'read', 'raw'] as const).map((key) => median(rounds.map((round) => round[key])));
  const ratio = ours / raw;
  met &&= ratio < BAR;
  rows.push(`| ${target.name} | ${[read, ours, raw].map(Math.round).join(' | ')} | ${ratio.toFixed(2)} | < ${BAR} |`);
}
const report = `# A layer of ${SIDE} x ${SIDE} from the editor to the helper

Medians of ${ROUNDS} rounds, both ways in turns, on ${cpus().length} cores.

${rows.join('\n')}
`;
await mkdir(path.join(root, 'bench-output'), { recursive: true });
await writeFile(path.join(root, 'bench-output', 'panel.md'), report);
console.log(report);
process.exitCode = met ? 0 : 1;
