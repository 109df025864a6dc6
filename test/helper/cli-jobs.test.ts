/**
 * Whole jobs through the command line: what is written, what is told, and what stays behind when one is interrupted.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { EXIT_CODES } from '../../shared/errors.ts';
import { bicubicKernel } from '../../shared/kernel.ts';
import { readNpy, writeNpy } from '../../shared/kernel-formats/npy.ts';
import { assertFails, noise, raw, run, sample, start } from './cli-process.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kf-jobs-'));
});
after(() => rmSync(folder, { recursive: true }));

const file = (name: string) => path.join(folder, name);

/** A part of the sample photograph. */
const crop = (side: number): Sharp => sharp(sample).extract({ left: 20, top: 20, width: side, height: side });

/** Values of a picture file, and what it says about them. */
async function decode(name: string) {
  const { width, height, channels, depth } = await sharp(name).metadata();
  const { data } = await sharp(name).raw().toBuffer({ resolveWithObject: true });
  return { width, height, channels, depth, data };
}

test('a job writes picture, kernel and report, and tells all about them in one object', async () => {
  await crop(16).toFile(file('in.png'));
  const files = ['-o', file('out.png'), '--kernel-out', file('k.npy'), '--kernel-out', file('k.png')];
  const { code, stdout, stderr } = await run('upscale', file('in.png'), ...files, '--report', file('r.html'), '--json');
  assert.equal(code, 0, stderr);
  const told = JSON.parse(stdout);

  assert.deepEqual(told.files, {
    picture: file('out.png'),
    kernels: [file('k.npy'), file('k.png')],
    report: file('r.html'),
  });
  assert.deepEqual(told.input, { width: 16, height: 16, channels: 3, bits: 8 });
  assert.deepEqual(told.output, { width: 32, height: 32, channels: 3, bits: 8 });
  assert.deepEqual(told.options, { scale: 2, preset: 'balanced', seed: 1, kernelSide: null, noise: null });
  assert.ok(['estimated', 'bicubic'].includes(told.kernel.source));
  assert.equal(told.kernel.confidence === null, told.kernel.source === 'bicubic');
  assert.ok(told.lrConsistency > 20);
  assert.ok(told.noise >= 0 && told.noise <= 64);
  assert.equal(told.versions.node, process.versions.node);
  const { prior, kernel, image, alpha, total } = told.timings;
  assert.ok(Math.abs(prior + kernel + image + alpha - total) < 0.5, 'the phases make up the whole');

  const out = await decode(file('out.png'));
  assert.deepEqual([out.width, out.height, out.channels], [32, 32, 3]);
  const written = readNpy(readFileSync(file('k.npy')), 2);
  assert.equal(written.size, told.kernel.side);
  assert.equal((await sharp(file('k.png')).metadata()).format, 'png');
  assert.match(readFileSync(file('r.html'), 'utf8'), /^<!doctype html>/i);

  // Progress went elsewhere, each line with phase, step and share.
  for (const line of stderr.trim().split('\n')) assert.match(line, /^[a-z ]+ \d+\/\d+ · \d+ %/);
});

test('a kernel that was found has a confidence, in words, in the report and in its file', async () => {
  await crop(24).toFile(file('found.png'));
  const files = ['-o', file('found-x2.png'), '--kernel-out', file('found.json'), '--report', file('found.html')];
  const { code, stdout, stderr } = await run('upscale', file('found.png'), ...files, '--preset', 'fast');
  assert.equal(code, 0, stderr);
  const { size, confidence, source, options } = JSON.parse(readFileSync(file('found.json'), 'utf8'));
  assert.deepEqual([source.width, source.height, options.preset], [24, 24, 'fast']);
  const percent = `${Math.round(100 * confidence)} %`;
  assert.match(
    stdout,
    new RegExp(`^Kernel: estimated from the picture, ${size} x ${size}, confidence ${percent}\\. `, 'm'),
  );
  assert.ok(readFileSync(file('found.html'), 'utf8').includes(`<dt>Confidence</dt><dd>${percent} (`));
});

test('the same seed, options and thread count give the same bytes', async () => {
  const files = ['-o', file('again.png'), '--kernel-out', file('again.json')];
  const { code, stderr } = await run('upscale', file('found.png'), ...files, '--preset', 'fast');
  assert.equal(code, 0, stderr);
  assert.deepEqual(readFileSync(file('again.png')), readFileSync(file('found-x2.png')));
  assert.deepEqual(readFileSync(file('again.json')), readFileSync(file('found.json')));
});

test('a flat picture stays flat', async () => {
  await raw(Buffer.alloc(16 * 16 * 3, 90), 16, 3).toFile(file('flat.png'));
  const files = ['-o', file('flat-x2.png'), '--kernel-out', file('flat.json')];
  const { code, stdout, stderr } = await run('upscale', file('flat.png'), ...files, '--preset', 'fast');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Kernel: plain bicubic, 8 x 8\. /m);
  assert.doesNotMatch(readFileSync(file('flat.json'), 'utf8'), /confidence|source|options/);
  const { data } = await decode(file('flat-x2.png'));
  assert.equal(data.length, 32 * 32 * 3);
  assert.ok(data.every((value) => Math.abs(value - 90) <= 1));
});

test('noise with transparency and a given kernel ends sanely, and no connection is opened', async () => {
  await raw(noise(16 * 16 * 4), 16, 4).toFile(file('noise.png'));
  writeFileSync(file('known.npy'), writeNpy(bicubicKernel(3)));
  const noNetwork = `data:text/javascript,import net from 'node:net';
    net.Socket.prototype.connect = () => { process.stderr.write('CONNECTION'); process.exit(99); };`;
  const options = ['--scale', '3', '--kernel', file('known.npy'), '--preset', 'fast', '--json'];
  const { code, stdout, stderr } = await start(['upscale', file('noise.png'), '-o', file('noise.webp'), ...options], {
    NODE_OPTIONS: `--import=${encodeURI(noNetwork)}`,
  }).ended;
  assert.equal(code, 0, stderr);
  const { kernel, output, lrConsistency } = JSON.parse(stdout);
  assert.deepEqual(kernel, { source: 'given', confidence: null, side: bicubicKernel(3).size, scale: 3 });
  assert.deepEqual(output, { width: 48, height: 48, channels: 4, bits: 8 });
  assert.ok(lrConsistency > 10, `blurred and reduced it matches to ${lrConsistency} dB`);
  const { data, ...picture } = await decode(file('noise.webp'));
  assert.deepEqual(picture, { width: 48, height: 48, channels: 4, depth: 'uchar' });
  assert.ok(new Set(data).size > 50, 'noise is not levelled');
});

test('a grey picture of 16 bits stays one', async () => {
  await crop(16).toColourspace('grey16').toFile(file('grey.png'));
  const { code, stderr } = await run(
    'upscale',
    file('grey.png'),
    '-o',
    file('grey.tif'),
    '--scale',
    '1',
    '--preset',
    'fast',
  );
  assert.equal(code, 0, stderr);
  const { data, ...picture } = await decode(file('grey.tif'));
  assert.deepEqual(picture, { width: 16, height: 16, channels: 1, depth: 'ushort' });
  assert.ok(new Set(data).size > 50);
});

/** Starts a job that takes long, and waits until it is under way. */
async function startLongJob() {
  const own = mkdtempSync(file('interrupted-'));
  const input = path.join(own, 'in.png');
  copyFileSync(sample, input);
  const job = start(['upscale', input, '--report', path.join(own, 'r.html')]);
  await new Promise<void>((resolve, reject) => {
    job.child.stderr?.once('data', () => resolve());
    job.child.once('close', () => reject(new Error('The job ended before it could be interrupted.')));
  });
  return { ...job, files: () => readdirSync(own) };
}

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  test(`${name} ends a job within a second, and nothing is left`, { skip: noSignals() }, async () => {
    const { child, ended, files } = await startLongJob();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const asked = performance.now();
    child.kill(name);
    const { stderr, ...end } = await ended;
    const seconds = (performance.now() - asked) / 1000;
    assert.ok(seconds < 1, `it took ${seconds} s`);
    assert.deepEqual(files(), ['in.png']);
    assertFails({ ...end, stderr: stderr.split('\n').slice(-2).join('\n') }, 'CANCELLED');
    assert.equal(end.code, EXIT_CODES.CANCELLED);
  });
}

function noSignals(): string | false {
  return process.platform === 'win32' ? 'Windows has no signals to send' : false;
}
