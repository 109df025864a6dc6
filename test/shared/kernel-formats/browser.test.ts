/**
 * The formats outside Node: bundled for a browser, run where there is nothing but the language itself.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { build } from 'esbuild';
import { exportKernel, FORMATS, IMPORTABLE } from '../../../shared/kernel-formats/index.ts';
import { asymmetric } from '../../support/asymmetric.ts';

const kernel = asymmetric(12, 2);

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../../../shared/kernel-formats/index.ts', import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'formats',
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

test('in a world without Node, every format writes the same bytes, and reads them', async () => {
  const code = await bundle();
  const world = vm.createContext({ given: { ...kernel, data: [...kernel.data] } });
  vm.runInContext(code, world);
  const program = `
    given.data = Float64Array.from(given.data);
    formats.FORMATS.map((format) => {
      const { bytes } = formats.exportKernel(given, format);
      const read = format.reader ? formats.importKernel(bytes, { scale: 2 }).kernel.size : null;
      return [format.id, [...bytes], read];
    });`;
  const found = vm.runInContext(program, world) as [string, number[], number | null][];
  for (const [i, [id, bytes, size]] of found.entries()) {
    assert.equal(id, FORMATS[i].id);
    assert.deepEqual(Buffer.from(bytes), Buffer.from(exportKernel(kernel, FORMATS[i]).bytes));
    assert.equal(size !== null, IMPORTABLE.includes(FORMATS[i]));
  }
  assert.equal(found.length, FORMATS.length);
});

test('all formats together take less than 48 kB of a panel, minified', async () => {
  const { length } = await bundle();
  assert.ok(length < 48_000, `${length} bytes`);
});
