/**
 * `kernelfusion kernel` and kernels of other programs in `upscale`, as people and scripts meet them.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { flip, makeKernel } from '../../shared/kernel.ts';
import { exportKernel, FORMATS, formatOfName, importKernel } from '../../shared/kernel-formats/index.ts';
import { readJson } from '../../shared/kernel-formats/json.ts';
import { asymmetric } from '../support/asymmetric.ts';
import { assertClose } from '../support/close.ts';
import { assertFails, noise, raw, run, sample, start } from './cli-process.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kf-kernel-'));
after(() => rmSync(folder, { recursive: true }));

const onPosix = { skip: process.platform === 'win32' && 'no pipes among files' };

const file = (name: string) => path.join(folder, name);
const kernel = asymmetric(12, 2);

/** Writes the kernel by the format that the name asks for. */
function write(name: string, given = kernel): void {
  const format = formatOfName(name);
  assert.ok(format);
  writeFileSync(file(name), exportKernel(given, format, format.sides ? {} : { centring: 'found' }).bytes);
}

write('k.json');

test('convert writes every format, and says in which sense and what is lost', async () => {
  const names = FORMATS.map(({ extension }) => `all${extension}`);
  const { code, stdout, stderr } = await run('kernel', 'convert', file('k.json'), ...names.map(file));
  assert.deepEqual([code, stderr], [0, '']);
  const read = importKernel(readFileSync(file('k.json'))).kernel;
  for (const [i, name] of names.entries()) {
    assert.ok(stdout.includes(`Wrote ${file(name)} (${FORMATS[i].sense} sense)\n`));
    assert.deepEqual(
      readFileSync(file(name)),
      Buffer.from(exportKernel(read, FORMATS[i]).bytes),
      `${name} is not what the exporter writes`,
    );
  }
  assert.equal(stdout.match(/^Note: Only the middle/gm)?.length, 3);
});

test('convert there and back leaves the kernel as it was, and asks for a scale where none is told', async () => {
  assertFails(await run('kernel', 'convert', file('all.npy'), file('back.json')), 'BAD_KERNEL', /--scale/);
  const { code } = await run('kernel', 'convert', file('all.npy'), file('back.json'), '--scale', '2', '--json');
  assert.equal(code, 0);
  assertClose(importKernel(readFileSync(file('back.json'))).kernel.data, kernel.data, 1e-7);
});

/** A file that tells where its kernel was found. */
const ORIGIN = { source: { sha256: 'ab'.repeat(32), width: 5, height: 7 }, options: { seed: 1 }, confidence: 0.869 };
writeFileSync(file('found.json'), exportKernel(kernel, formatOfName('.json')!, ORIGIN).bytes);

/** What a file tells of where its kernel was found. */
function originIn(name: string) {
  const { source, options, confidence } = readJson(readFileSync(file(name)));
  return { source, options, confidence };
}

test('convert passes on where the kernel was found, and show tells how sure that is', async () => {
  await run('kernel', 'convert', file('found.json'), file('copy.json'));
  assert.deepEqual(originIn('copy.json'), ORIGIN);
  const show = async (...args: string[]) => (await run('kernel', 'show', ...args)).stdout;
  assert.match(await show(file('copy.json')), /^Confidence: 87 %$/m);
  assert.equal(JSON.parse(await show(file('copy.json'), '--json')).confidence, 0.869);
  assert.doesNotMatch(await show(file('k.json')), /Confidence/);
  assert.equal(JSON.parse(await show(file('k.json'), '--json')).confidence, null);
});

test('convert refuses before it writes anything', async () => {
  const convert = (...args: string[]) => run('kernel', 'convert', file('k.json'), ...args);
  assertFails(await convert(file('new.csv'), file('new.doc')), 'BAD_OPTION', /must end in one of: \.json/);
  assertFails(await convert(file('new.csv'), file('all.npy')), 'OUTPUT_UNWRITABLE', /--force/);
  assertFails(await convert(file('new.csv'), file('k.json'), '--force'), 'BAD_OPTION', /different files/);
  assertFails(await convert(file('new.csv'), file('new.acf'), '--centre', 'corner'), 'BAD_OPTION', /always centred/);
  assertFails(await convert(file('new.csv'), '--centre', 'left'), 'BAD_OPTION', /found, middle, corner/);
  assertFails(await convert(file('new.csv'), '--scale', '3'), 'BAD_KERNEL', /for scale 2, not 3/);
  assert.ok(!existsSync(file('new.csv')));
});

test('a pipe is no kernel file, and nothing waits for somebody to write to it', onPosix, async () => {
  execFileSync('mkfifo', [file('pipe.json')]);
  const { child, ended } = start(['kernel', 'show', file('pipe.json')]);
  // Killed where it waits: no softer signal ends it then.
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  assertFails(await ended, 'INPUT_UNREADABLE', /not a file/);
  clearTimeout(late);
});

test('show tells size, centre, spread and values, and draws the kernel', async () => {
  const values = [0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0];
  write('row.json', makeKernel(4, 2, values));
  const { stdout } = await run('kernel', 'show', file('row.json'));
  // Three quarters at column 3, a quarter at column 2, 1.25 right of the centre at 1.5; the row is 0.5 above.
  assert.match(stdout, /4 x 4 values, for scale 2\n/);
  assert.match(stdout, /1\.25 pixels right and -0\.50 down/);
  assert.match(stdout, /Spread: 0\.43 pixels along 0 degrees, 0\.00 across/); // sqrt(3/16)
  assert.match(stdout, /Values: 0 to 0\.75, sum 1\n/);
  assert.match(stdout, /\n\+-{8}\+\n\| {8}\|\n\| {4}--@@\|\n/);
  const { stdout: json } = await run('kernel', 'show', file('row.json'), '--json');
  const { size, scale, spread, angle } = JSON.parse(json);
  assert.deepEqual([size, scale, angle], [4, 2, 0]);
  assertClose(spread, [Math.sqrt(3) / 4, 0], 1e-12);
});

test('show measures an oblique kernel by its longest axis, anticlockwise', async () => {
  const values = Array.from({ length: 25 }, (_, i) => (Math.floor(i / 5) + (i % 5) === 4 ? 1 : 0)); // from bottom left to top right
  write('oblique.json', makeKernel(5, 1, values));
  const { angle, spread } = JSON.parse((await run('kernel', 'show', file('oblique.json'), '--json')).stdout);
  assertClose([angle, ...spread], [45, 2, 0], 1e-9);
});

test('apply blurs: one white pixel becomes the point spread function, in place', async () => {
  const odd = makeKernel(3, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  write('odd.json', odd);
  const dot = Buffer.alloc(17 * 17);
  dot[8 * 17 + 8] = 255;
  await raw(dot, 17, 1).toColourspace('b-w').png().toFile(file('dot.png'));
  const { code, stdout } = await run('kernel', 'apply', file('odd.json'), file('dot.png'), '-o', file('psf.png'));
  assert.deepEqual([code, stdout], [0, `Wrote ${file('psf.png')} (17 x 17)\n`]);
  const { data, info } = await sharp(file('psf.png')).extractChannel(0).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.channels], [17, 1]);
  const found = [7, 8, 9].map((r) => [7, 8, 9].map((c) => data[r * 17 + c]));
  assert.deepEqual(
    found.flat(),
    [...flip(odd).data].map((v) => Math.round(255 * v)),
  );
  assert.equal(data.filter((v) => v > 0).length, 9);
});

test('apply does not write over its kernel, not even by force', async () => {
  write('k.png');
  const before = readFileSync(file('k.png'));
  const ended = await run('kernel', 'apply', file('k.png'), sample, '-s', '2', '-o', file('k.png'), '--force');
  assertFails(ended, 'BAD_OPTION', /different files/);
  assert.deepEqual(readFileSync(file('k.png')), before);
});

test('upscale does not write over the kernel it was given, not even by force', async () => {
  const before = readFileSync(file('k.json'));
  const kernel = ['--kernel', file('k.json'), '--kernel-out', file('k.json')];
  const ended = await run('upscale', sample, '-o', file('over.png'), ...kernel, '--force');
  assertFails(ended, 'BAD_OPTION', /different files/);
  assert.deepEqual(readFileSync(file('k.json')), before);
});

test('apply reduces by the scale of the kernel if asked, transparency too', async () => {
  await raw(noise(33 * 33 * 4), 33, 4)
    .png()
    .toFile(file('clear.png'));
  const run1 = await run(
    'kernel',
    'apply',
    file('k.json'),
    file('clear.png'),
    '-o',
    file('small.png'),
    '--reduce',
    '--json',
  );
  assert.deepEqual(JSON.parse(run1.stdout), { file: file('small.png'), width: 16, height: 16, notes: [] });
  const { width, channels } = await sharp(file('small.png')).metadata();
  assert.deepEqual([width, channels], [16, 4]);
});

test('apply leaves an even picture even, whatever the kernel', async () => {
  const white = { width: 20, height: 24, channels: 3 as const, background: { r: 200, g: 100, b: 50 } };
  await sharp({ create: white }).png().toFile(file('even.png'));
  await run('kernel', 'apply', file('k.json'), file('even.png'), '-o', file('still.png'));
  const { data } = await sharp(file('still.png')).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([...new Set(data)], [200, 100, 50]);
});

test('upscale takes a kernel in every format, and does not say that it was found in the picture', async () => {
  await sharp(sample).extract({ left: 20, top: 20, width: 16, height: 16 }).png().toFile(file('in.png'));
  write('k.mat');
  const args = [
    '--kernel',
    file('k.mat'),
    '--kernel-out',
    file('given.json'),
    '--kernel-out',
    file('given.acf'),
    '--json',
  ];
  const { code, stdout, stderr } = await run('upscale', file('in.png'), '-p', 'fast', '-o', file('out.png'), ...args);
  assert.equal(code, 0, stderr);
  const { kernel: told, notes } = JSON.parse(stdout);
  assert.deepEqual(told, { source: 'given', confidence: null, side: 12, scale: 2 });
  assert.match(notes.join(), /Only the middle 5 x 5 of 13 x 13/);
  assertClose(importKernel(readFileSync(file('given.json'))).kernel.data, kernel.data, 1e-12);
  const nothing = { source: undefined, options: undefined, confidence: undefined };
  assert.deepEqual(originIn('given.json'), nothing, 'not found in this picture');
});

test('upscale passes on what the file of a given kernel says of where it was found', async () => {
  await sharp(sample).extract({ left: 20, top: 20, width: 16, height: 16 }).png().toFile(file('next.png'));
  const args = ['--kernel', file('found.json'), '--kernel-out', file('passed.json'), '--preset', 'fast'];
  const { code, stderr } = await run('upscale', file('next.png'), '-o', file('next-x2.png'), ...args);
  assert.equal(code, 0, stderr);
  assert.deepEqual(originIn('passed.json'), ORIGIN);
});

test('upscale refuses a kernel for another scale, and takes the other sense if told', async () => {
  const upscale = (...args: string[]) =>
    run('upscale', file('in.png'), '-p', 'fast', '-o', file('out.png'), '--force', ...args);
  assertFails(await upscale('--kernel', file('k.json'), '--scale', '3'), 'BAD_KERNEL', /for scale 2, not 3/);
  writeFileSync(file('not.csv'), '1,2\n3');
  assertFails(await upscale('--kernel', file('not.csv')), 'BAD_KERNEL', /square/);
  write('k.csv', flip(kernel));
  const out = ['--kernel', file('k.csv'), '--kernel-sense', 'correlation', '--kernel-out', file('turned.json')];
  const { code, stderr } = await upscale(...out);
  assert.equal(code, 0, stderr);
  assertClose(importKernel(readFileSync(file('turned.json'))).kernel.data, kernel.data, 1e-12);
});
