import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { defaultOutput, type OutputRequest, planOutputs } from '../../../helper/commands/outputs.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kf-outputs-'));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string) => path.join(folder, name);
writeFileSync(file('in.png'), 'a picture');
writeFileSync(file('old.png'), 'an older result');

const plan = (request: Partial<OutputRequest>, force = false) =>
  planOutputs({ input: file('in.png'), scale: 2, ...request }, force);

test('without a name the result lies beside the input and tells its scale', () => {
  assert.equal(defaultOutput(path.join('photos', 'cat.one.jpg'), 3), path.join('photos', 'cat.one-x3.png'));
  assert.equal(defaultOutput('cat', 1), 'cat-x1.png');
});

test('all outputs are named', async () => {
  assert.deepEqual(await plan({}), { picture: file('in-x2.png'), kernels: [], report: null });
  const all = { output: file('o.tif'), kernelOut: [file('k.npy'), file('k.PNG')], report: file('r.html') };
  assert.deepEqual(await plan(all), { picture: all.output, kernels: all.kernelOut, report: all.report });
});

test('an existing file is overwritten only by force', async () => {
  await assert.rejects(plan({ output: file('old.png') }), { code: 'OUTPUT_UNWRITABLE', message: /--force/ });
  await assert.rejects(plan({ kernelOut: [file('old.png')] }), { code: 'OUTPUT_UNWRITABLE' });
  assert.equal((await plan({ output: file('old.png') }, true)).picture, file('old.png'));
  symlinkSync(file('nothing.png'), file('broken.png'));
  await assert.rejects(plan({ output: file('broken.png') }), { code: 'OUTPUT_UNWRITABLE', message: /--force/ });
});

test('where a folder has the name it says so, and does not advise force', async () => {
  mkdirSync(file('folder.png'));
  for (const force of [false, true]) {
    const found = { code: 'OUTPUT_UNWRITABLE', message: /^[^-]*there is a folder of that name\.$/ };
    await assert.rejects(plan({ output: file('folder.png') }, force), found);
  }
});

test('the input is never an output, not even by another name or by force', async () => {
  symlinkSync(file('in.png'), file('link.png'));
  for (const output of [file('in.png'), file('link.png'), path.join(folder, 'x', '..', 'in.png')]) {
    await assert.rejects(plan({ output }, true), { code: 'BAD_OPTION', message: /different/ });
  }
});

test('a given kernel is an input, which is never an output either', async () => {
  writeFileSync(file('k.json'), 'a kernel');
  const kernel = file('k.json');
  await assert.rejects(plan({ kernel, kernelOut: [kernel] }, true), { code: 'BAD_OPTION', message: /different/ });
  await assert.rejects(plan({ kernel: file('old.png'), output: file('old.png') }, true), { code: 'BAD_OPTION' });
  assert.deepEqual((await plan({ kernel, kernelOut: [file('k2.json')] })).kernels, [file('k2.json')]);
});

test('two outputs of one name are refused', async () => {
  await assert.rejects(plan({ output: file('a.png'), kernelOut: [file('./a.png')] }), { code: 'BAD_OPTION' });
});

test('a kernel or report of another kind is refused', async () => {
  await assert.rejects(plan({ kernelOut: [file('k.xyz')] }), { code: 'BAD_OPTION', message: /\.json, \.npy/ });
  await assert.rejects(plan({ report: file('r.pdf') }), { code: 'BAD_OPTION', message: /\.html/ });
});

test('a missing folder is found before the work', async () => {
  await assert.rejects(plan({ report: file('nowhere/r.html') }), { code: 'OUTPUT_UNWRITABLE' });
});
