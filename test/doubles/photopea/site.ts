/** Serves the Photopea double, and our frame from another origin, as an extension's page would be. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The checkout: this file runs from build/test/doubles/photopea. */
const root = fileURLToPath(new URL('../../../..', import.meta.url));

type Files = Readonly<Record<string, { readonly type: string; readonly text: string }>>;

export interface DoubleSite {
  /** Of the double, without a query. */
  readonly address: string;
  /** Of photopea-frame.html. */
  readonly frameUrl: string;
  close(): Promise<void>;
}

export async function serveDouble(): Promise<DoubleSite> {
  const page = await serve({
    '/': html('test/doubles/photopea/index.html'),
    '/page.js': await bundled('test/doubles/photopea/page.ts'),
  });
  const files = Object.entries(await frameFiles()).map(([name, file]) => [`/${name}`, file]);
  const frame = await serve(Object.fromEntries(files));
  return {
    address: `${page.address}/`,
    frameUrl: `${frame.address}/photopea-frame.html`,
    async close() {
      await Promise.all([page.close(), frame.close()]);
    },
  };
}

/** Our frame's files by name, as an extension has them. */
export async function frameFiles(): Promise<Files> {
  return {
    'photopea-frame.html': html('extension/editors/photopea/photopea-frame.html'),
    'photopea-frame.css': { ...html('extension/editors/photopea/photopea-frame.css'), type: 'text/css' },
    'photopea-frame.js': await bundled('extension/editors/photopea/frame.ts'),
  };
}

/** A source file with all it imports, as one script. */
export async function bundled(file: string): Promise<{ type: string; text: string }> {
  const { outputFiles } = await build({
    ...{ absWorkingDir: root, entryPoints: [file], bundle: true, format: 'iife', target: 'es2022', write: false },
    logLevel: 'warning',
  });
  return { type: 'text/javascript', text: outputFiles[0].text };
}

const html = (file: string) => ({ type: 'text/html', text: readFileSync(path.join(root, file), 'utf8') });

async function serve(files: Files): Promise<{ address: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const file = files[new URL(request.url ?? '/', 'http://localhost').pathname];
    if (!file) response.writeHead(404).end();
    else response.writeHead(200, { 'Content-Type': `${file.type}; charset=utf-8` }).end(file.text);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}
