/**
 * The command line as people and scripts meet it: every test starts a real process.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { EXIT_CODES } from '../../shared/errors.ts';
import { assertFails, noise, raw, run, sample, start } from './cli-process.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kf-cli-'));
});
after(() => rmSync(folder, { recursive: true }));

const file = (name: string) => path.join(folder, name);

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  assert.deepEqual(await run('--version').then(({ code, stdout }) => [code, stdout]), [0, `${version}\n`]);
});

test('help is a result; asking for nothing is a mistake that is answered with help', async () => {
  const asked = await run('--help');
  assert.equal(asked.code, 0);
  assert.match(asked.stdout, /upscale .*serve .*pair .*install-service .*doctor .*bench/s);
  for (const exit of new Set(Object.values(EXIT_CODES))) assert.match(asked.stdout, new RegExp(`\\b${exit} `));
  const nothing = await run();
  assert.deepEqual([nothing.code, nothing.stdout, nothing.stderr], [2, '', asked.stdout]);
});

test('the help of every command with --device tells one default of it, and docs/devices.md has the commands all', async () => {
  const page = readFileSync(new URL('../../../docs/devices.md', import.meta.url), 'utf8');
  const line = /^(.*) take `--device`\.$/m.exec(page)?.[1];
  const commands = [...String(line).matchAll(/`([a-z -]+)`/g)].map(([, name]) => name);
  const taking: string[] = [];
  for (const name of [
    ...['upscale', 'batch', 'serve', 'install-service', 'pair', 'kernel apply'],
    ...['quality', 'ablation', 'engine', 'speed', 'devices', 'growth', 'server'].map((bench) => `bench ${bench}`),
  ]) {
    const { stdout } = await run(...name.split(' '), '--help');
    const [, told] = /--device <name>(.*?)\n +-/s.exec(stdout) ?? [];
    if (told === undefined) continue;
    taking.push(name);
    assert.equal(told.match(/default:/g)?.length, 1, told);
  }
  assert.deepEqual(commands, taking);
});

test('what cannot be typed is refused in one line', async () => {
  assertFails(await run('upscale', sample, '--scala', '2'), 'BAD_OPTION', /unknown option '--scala'/);
  assertFails(await run('upscale'), 'BAD_OPTION', /missing required argument/);
  assertFails(await run('upscale', sample, 'and', 'more'), 'BAD_OPTION', /too many arguments/);
  assertFails(await run('upscale', sample, '--scale', '5'), 'BAD_OPTION', /scale must be 1, 2, 3 or 4/);
  assertFails(await run('upscale', sample, '--noise', ''), 'BAD_OPTION', /noise must be/);
  assertFails(await run('upscale', sample, '--threads', '1.5'), 'BAD_OPTION', /whole number/);
  assertFails(await run('enlarge', sample), 'BAD_OPTION', /unknown command/);
});

test('inputs that are no still picture are refused, each with its own code', async () => {
  writeFileSync(file('text.png'), 'This is not a picture.');
  await sharp(noise(32 * 64 * 3), { raw: { width: 32, height: 64, channels: 3, pageHeight: 32 } })
    .gif({ delay: [100, 100] })
    .toFile(file('moving.gif'));
  await raw(noise(8 * 8 * 3), 8, 3).toFile(file('tiny.png'));
  assertFails(await run('upscale', file('absent.png')), 'INPUT_NOT_FOUND');
  assertFails(await run('upscale', file('text.png')), 'INPUT_UNREADABLE');
  assertFails(await run('upscale', file('moving.gif')), 'INPUT_ANIMATED');
  assertFails(await run('upscale', file('tiny.png')), 'INPUT_TOO_SMALL');
  assertFails(await run('upscale', sample, '-o', file('o.png'), '--max-pixels', '1000'), 'INPUT_TOO_LARGE');
});

test('outputs that cannot be are refused before any work', async () => {
  await raw(noise(32 * 32 * 4), 32, 4)
    .png()
    .toFile(file('alpha.png'));
  writeFileSync(file('old.png'), 'older');
  const { stderr, ...ended } = await run('upscale', file('alpha.png'), '-o', file('new.jpg'));
  assertFails({ stderr, ...ended }, 'BAD_OPTION', /transparency/);
  assertFails(await run('upscale', sample, '-o', file('old.png')), 'OUTPUT_UNWRITABLE', /--force/);
  assertFails(await run('upscale', sample, '-o', file('nowhere/o.png')), 'OUTPUT_UNWRITABLE');
  assertFails(await run('upscale', sample, '-o', file('o.bmp')), 'BAD_OPTION', /must end in/);
  assert.equal(readFileSync(file('old.png'), 'utf8'), 'older');
});

test('a kernel that fits no scale or is no kernel is refused', async () => {
  writeFileSync(file('text.npy'), 'This is not a kernel.');
  assertFails(await run('upscale', sample, '-o', file('o.png'), '--kernel', file('text.npy')), 'BAD_KERNEL');
  assertFails(await run('upscale', sample, '-o', file('o.png'), '--kernel', file('absent.npy')), 'INPUT_NOT_FOUND');
});

test('with --json a failure is one object on standard output, and a line on standard error still', async () => {
  for (const args of [
    ['--scale', '5'],
    ['--scala', '5'],
  ]) {
    const { code, stdout, stderr } = await run('upscale', sample, '--json', ...args);
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, Object.keys(error), error.code], [2, ['code', 'message'], 'BAD_OPTION']);
    assert.equal(stderr, `kernelfusion: BAD_OPTION: ${error.message}\n`);
  }
});

test('a reader that leaves early is no error', async () => {
  const { child, ended } = start(['--help']);
  child.stdout?.destroy();
  const { stderr } = await ended;
  assert.equal(stderr, '');
});

test('doctor tells what is there, and does not fail for what is optional', async () => {
  const { code, stdout } = await run('doctor', '--json');
  const found = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.equal(found.node.version, process.versions.node);
  assert.deepEqual([found.sharp.ok, found.onnxruntime.ok, found.engine.ok], [true, true, true]);
  assert.ok(found.onnxruntime.bundled.includes('cpu'));
  const { findings, order } = found.devices;
  assert.ok(findings.every((finding: object) => 'reason' in finding !== 'speed' in finding));
  assert.equal(order.at(-1), 'onnx-cpu');
  const spoken = await run('doctor');
  assert.match(spoken.stdout, /^node +20|^node +2\d/m);
  assert.match(spoken.stdout, new RegExp(`^chosen +${order[0]}: `, 'm'));
});
