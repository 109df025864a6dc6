/**
 * `npm run bench:panel`: how long a layer of 2048 x 2048 takes from the editor to the helper, beside the raw pipeline: the same
 * bytes the same way (page, content script, panel, socket), with no question, check or protocol, to a server that only counts.
 * Both in turns, in each browser that is installed. The bar: less than twice the raw time (medians).
 *
 * The editor is a page with miniPaint's objects and one layer, read by the adapter for miniPaint.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { WebSocketServer } from 'ws';
import { EXTENSION_ID } from '../../../shared/extension-id.ts';
import { bundled } from '../../doubles/photopea/site.ts';
import { startHelperProcess } from '../../support/helper-process.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const SIDE = 2048;
const ROUNDS = 7;
const BAR = 2;
const ADDON = 'kernelfusion@kernelfusion.example';
const UUID = '11111111-2222-4333-8444-5555555555be';

const BROWSERS = [
  {
    name: 'Chromium',
    kind: 'chrome',
    executablePath: '/usr/bin/chromium',
    origin: `chrome-extension://${EXTENSION_ID}`,
  },
  { name: 'Firefox', kind: 'firefox', executablePath: '/usr/bin/firefox-esr', origin: `moz-extension://${UUID}` },
] as const;
type Target = (typeof BROWSERS)[number];

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

/** The extension as it is shipped, with a page of ours beside the panel, and let into the editor without being asked. */
async function benchExtension(kind: Target['kind']): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kernelfusion-bench-'));
  await cp(path.join(root, 'dist', `extension-${kind}`), folder, { recursive: true });
  const manifest = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8'));
  const raw = { matches: ['http://127.0.0.1/*'], run_at: 'document_end' };
  Object.assign(manifest, {
    host_permissions: ['http://127.0.0.1/*'],
    content_scripts: [
      { ...raw, js: ['raw-page.js'], world: 'MAIN' },
      { ...raw, js: ['raw-bridge.js'] },
    ],
  });
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  for (const script of ['raw-page', 'raw-bridge', 'in-panel']) {
    await writeFile(path.join(folder, `${script}.js`), (await bundled(`test/bench/panel/${script}.ts`)).text);
  }
  await writeFile(path.join(folder, 'bench.html'), '<!doctype html><script src="in-panel.js"></script>');
  return folder;
}

async function launch({ kind, executablePath }: Target, extension: string): Promise<Browser> {
  if (kind === 'chrome') {
    return puppeteer.launch({
      ...{ browser: kind, executablePath, enableExtensions: true },
      args: [
        '--no-sandbox',
        '--disable-features=DisableLoadExtensionCommandLineSwitch',
        `--load-extension=${extension}`,
      ],
    });
  }
  const browser = await puppeteer.launch({
    ...{ browser: kind, executablePath, args: ['--remote-allow-system-access'] },
    extraPrefsFirefox: { 'extensions.webextensions.uuids': JSON.stringify({ [ADDON]: UUID }) },
  });
  await browser.installExtension(extension);
  return browser;
}

/** Firefox does not tell when a page of an extension is loaded: it is asked. */
async function openPanel(browser: Browser, origin: string): Promise<Page> {
  const panel = await browser.newPage();
  await panel.goto(`${origin}/bench.html`, { timeout: 3000 }).catch(() => {});
  await panel.waitForFunction(() => window.bench !== undefined);
  return panel;
}

async function measure(target: Target): Promise<Round[]> {
  const extension = await benchExtension(target.kind);
  const [editor, sink, helper] = await Promise.all([serveEditor(), serveSink(), startHelperProcess([target.origin])]);
  const browser = await launch(target, extension);
  try {
    const page = await browser.newPage();
    await page.goto(editor.address);
    const panel = await openPanel(browser, target.origin);
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
    await browser.close();
    await helper.end();
    sink.server.close();
    editor.server.close();
    await rm(extension, { recursive: true });
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

const rows = [
  '| browser | editor to panel, ms | editor to helper, ms | raw pipeline, ms | ratio | bar |',
  '|---|---|---|---|---|---|',
];
let met = true;
for (const target of BROWSERS) {
  if (!existsSync(target.executablePath)) {
    console.log(`${target.name} is not installed: not measured.`);
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
