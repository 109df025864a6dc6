/**
 * What becomes of the files of an upscaling when they change while it works. Whole runs: cli-jobs.test.ts.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { upscale } from '../../../helper/commands/upscale.ts';
import { sample } from '../cli-process.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kf-upscale-'));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string) => path.join(folder, name);
const input = file('in.png');

/** Enlarges the input, large enough for its kernel to be found, on the processor, and does something at the first step of the work. */
async function upscaleWhile(meanwhile: () => void) {
  await sharp(sample).extract({ left: 20, top: 20, width: 48, height: 48 }).toFile(input);
  const show = () => {
    meanwhile();
    meanwhile = () => {};
  };
  const files = { output: file('out.png'), kernelOut: [file('kernel.json')], report: file('report.html') };
  const request = { input, ...files, options: { preset: 'fast' }, device: 'onnx-cpu', force: false };
  return upscale(request, new AbortController().signal, { show, note: () => {}, stop: () => {} });
}

test('a result that came while it worked is left as it is', async () => {
  const attempt = upscaleWhile(() => writeFileSync(file('out.png'), 'of another run'));
  await assert.rejects(attempt, { code: 'OUTPUT_UNWRITABLE', message: /meanwhile/ });
  assert.equal(readFileSync(file('out.png'), 'utf8'), 'of another run');
  assert.deepEqual(readdirSync(folder).sort(), ['in.png', 'out.png']);
  rmSync(file('out.png'));
});

test('an input that is gone when the work is done is told by the bytes that were read', async () => {
  let hash = '';
  await upscaleWhile(() => {
    hash = createHash('sha256').update(readFileSync(input)).digest('hex');
    rmSync(input);
  });
  const { source } = JSON.parse(readFileSync(file('kernel.json'), 'utf8'));
  assert.deepEqual(source, { sha256: hash, width: 48, height: 48 });
  assert.match(readFileSync(file('report.html'), 'utf8'), /^<!doctype html>/i);
});
