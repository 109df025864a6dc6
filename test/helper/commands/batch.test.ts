/**
 * Batches: what is run for which picture, what a second run does again, and the printed commands run by other programs.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { type BatchRequest, batch, type Printed, quoted, type RunCommand } from '../../../helper/commands/batch.ts';
import { entriesFor } from '../../../helper/commands/batch-manifest.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { run, sample } from '../cli-process.ts';

const cli = fileURLToPath(new URL('../../../helper/cli.js', import.meta.url));

const onPosix = { skip: process.platform === 'win32' && 'no pipes among files' };

let folder = '';
let out = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kf batch-'));
  out = path.join(folder, 'enlarged');
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (...names: string[]) => {
  for (const name of names) writeFileSync(path.join(folder, name), name);
};
const manifest = () => JSON.parse(readFileSync(path.join(out, 'manifest.json'), 'utf8'));
const states = () => manifest().pictures.map(({ input, state }: { input: string; state: string }) => [input, state]);

const PRINTED: Printed = { timings: { total: 2 }, kernel: { source: 'estimated', confidence: 0.75 }, notes: [] };

/** Stands in for `upscale`: writes the files it is asked for and tells `printed`, or fails; keeps arguments and lines shown. */
function standIn(fails: (input: string) => KernelFusionError | null = () => null, printed = PRINTED) {
  const ran: string[][] = [];
  const shown: string[] = [];
  const runCommand: RunCommand = async (args) => {
    ran.push([...args]);
    const failure = fails(path.basename(args[1]));
    if (failure) throw failure;
    await wait(20); // The disk's clock moves in steps of some milliseconds.
    for (const option of ['--output', '--kernel-out']) {
      if (args.includes(option)) writeFileSync(args[args.indexOf(option) + 1], 'made');
    }
    return printed;
  };
  const go = (request: Partial<BatchRequest> = {}, signal = new AbortController().signal) =>
    batch(
      { folder, options: {}, force: false, print: false, ...request },
      signal,
      (line) => shown.push(line),
      runCommand,
    );
  return { ran, shown, go, inputs: () => ran.map(([, input]) => path.basename(input)) };
}

/** Fails as a run that is interrupted at a picture does. */
function interruptedAt(name: string) {
  const controller = new AbortController();
  const { go } = standIn((input) => {
    if (input !== name) return null;
    controller.abort();
    return new KernelFusionError('CANCELLED', 'Cancelled.');
  });
  const run = (request: Partial<BatchRequest>) => assert.rejects(go(request, controller.signal), { code: 'CANCELLED' });
  return { run };
}

const argumentOf = (args: readonly string[], option: string) => args[args.indexOf(option) + 1];

test('every picture is a command of its own with its own kernel, and a second run has nothing to do', async () => {
  put('b.JPG', 'a.png', 'notes.txt', '.hidden.png');
  const { ran, go, inputs } = standIn();
  assert.equal((await go({ options: { scale: 3 } })).exitCode, 0);
  assert.deepEqual(inputs(), ['a.png', 'b.JPG']);
  assert.equal(argumentOf(ran[0], '--output'), path.join(out, 'a-x3.png'));
  assert.equal(argumentOf(ran[0], '--kernel-out'), path.join(out, 'a-x3.kernel.json'));
  assert.equal(argumentOf(ran[0], '--scale'), '3');
  assert.deepEqual(readdirSync(out).sort(), [
    'a-x3.kernel.json',
    'a-x3.png',
    'b-x3.kernel.json',
    'b-x3.png',
    'manifest.json',
  ]);

  await go({ options: { scale: 3 } });
  assert.equal(ran.length, 2);
  assert.deepEqual(states(), [
    ['a.png', 'done'],
    ['b.JPG', 'done'],
  ]);
  assert.equal(manifest().pictures[0].seconds, 2, 'what an earlier run told is kept');
});

test('a batch goes on where it was interrupted', async () => {
  put('a.png', 'b.png', 'c.png');
  await interruptedAt('b.png').run({});
  assert.deepEqual(states(), [
    ['a.png', 'done'],
    ['b.png', 'waiting'],
    ['c.png', 'waiting'],
  ]);
  const second = standIn();
  await second.go();
  assert.deepEqual(second.inputs(), ['b.png', 'c.png']);
});

test('done again by other options and interrupted, it goes on with those that are still of the earlier ones', async () => {
  put('a.png', 'b.png', 'c.png');
  await standIn().go({ options: { preset: 'fast' } });
  await interruptedAt('b.png').run({ options: { preset: 'best' }, force: true });
  assert.equal(readdirSync(out).length, 7, 'no earlier result is lost before the new one is there');
  assert.deepEqual(states(), [
    ['a.png', 'done'],
    ['b.png', 'waiting'],
    ['c.png', 'waiting'],
  ]);
  const next = standIn();
  await next.go({ options: { preset: 'best' } });
  assert.deepEqual(next.inputs(), ['b.png', 'c.png']);
  const last = standIn();
  await last.go({ options: { preset: 'best' } });
  assert.deepEqual(last.inputs(), []);
});

test('commands that were printed to do all again are followed by a run without force, which does what is left', async () => {
  put('a.png', 'b.png');
  await standIn().go({ options: { preset: 'fast' } });
  const best = { options: { preset: 'best' } };
  const { data } = await standIn().go({ ...best, force: true, print: true });
  const [command] = (data as { commands: string[][] }).commands;
  await wait(20);
  for (const option of ['--output', '--kernel-out']) writeFileSync(argumentOf(command, option), 'made elsewhere');
  const next = standIn();
  await next.go(best);
  assert.deepEqual(next.inputs(), ['b.png']);
  assert.deepEqual(states(), [
    ['a.png', 'done'],
    ['b.png', 'done'],
  ]);
  await assert.rejects(next.go({ options: { preset: 'fast' } }), { code: 'BAD_OPTION' });
});

test('a picture that fails is told with its code, the others are done, and the next run tries it again', async () => {
  put('a.png', 'b.png', 'c.png');
  const broken = new KernelFusionError('INPUT_UNREADABLE', 'It is broken.');
  const result = await standIn((input) => (input === 'b.png' ? broken : null)).go();
  assert.equal(result.exitCode, 4);
  assert.match(result.text, /^2 of 3 pictures are enlarged/);
  assert.deepEqual(manifest().pictures[1].error, { code: 'INPUT_UNREADABLE', message: 'It is broken.' });
  const next = standIn();
  assert.equal((await next.go()).exitCode, 0);
  assert.deepEqual(next.inputs(), ['b.png']);
  assert.equal(manifest().pictures[1].error, null);
});

test('notes, the kernel a picture fell back to and its confidence are told and kept', async () => {
  put('a.png', 'b.png');
  const notes = ['The blur could not be told.', 'The colour profile was left out.'];
  const fallBack = { timings: { total: 3 }, kernel: { source: 'bicubic', confidence: null }, notes } as const;
  const told = { seconds: 3, kernelSource: 'bicubic', confidence: null, notes };
  const { go, shown } = standIn(undefined, { ...fallBack, notes });
  await go();
  assert.equal(
    shown[0],
    '1/2 a.png: done in 3 s\n  Note: The blur could not be told.\n  Note: The colour profile was left out.\n',
  );
  rmSync(path.join(out, 'b-x2.png'));
  await standIn().go();
  const [a, b] = manifest().pictures;
  assert.deepEqual({ ...a, ...told }, a, 'a later run keeps them');
  assert.deepEqual([b.kernelSource, b.confidence, b.notes], ['estimated', 0.75, []]);
});

test('a picture that was changed is done again, alone', async () => {
  put('a.png', 'b.png');
  await standIn().go();
  const later = Date.now() / 1000 + 10;
  utimesSync(path.join(folder, 'a.png'), later, later);
  const next = standIn();
  await next.go();
  assert.deepEqual(next.inputs(), ['a.png']);
});

test('a shared kernel is estimated first and given to all others; made anew, it makes all anew', async () => {
  put('a.png', 'b.png', 'c.png');
  const { ran, go, inputs } = standIn();
  await go({ kernelFrom: 'b.png' });
  assert.deepEqual(inputs(), ['b.png', 'a.png', 'c.png']);
  const kernel = argumentOf(ran[0], '--kernel-out');
  assert.deepEqual([argumentOf(ran[1], '--kernel'), argumentOf(ran[2], '--kernel')], [kernel, kernel]);
  assert.ok(!ran[1].includes('--kernel-out'));
  rmSync(kernel);
  await go({ kernelFrom: 'b.png' });
  assert.deepEqual(inputs().slice(3), ['b.png', 'a.png', 'c.png']);
});

test('where the picture of the shared kernel fails, nothing else is tried', async () => {
  put('a.png', 'b.png');
  const { go, inputs } = standIn(() => new KernelFusionError('INPUT_TOO_SMALL', 'It is too small.'));
  await assert.rejects(go({ kernelFrom: 'b.png' }), {
    code: 'INPUT_TOO_SMALL',
    message: /kernel is for all.*too small/,
  });
  assert.deepEqual(inputs(), ['b.png']);
});

test('files and links to files are pictures: no folder, no pipe, nor a link to one', onPosix, async () => {
  put('a.png');
  mkdirSync(path.join(folder, 'folder.png'));
  execFileSync('mkfifo', [path.join(folder, 'pipe.png')]);
  for (const target of ['a', 'folder', 'pipe', 'nothing']) {
    symlinkSync(`${target}.png`, path.join(folder, `to-${target}.png`));
  }
  const { go, inputs } = standIn();
  await go();
  assert.deepEqual(inputs(), ['a.png', 'to-a.png', 'to-nothing.png']);
});

test('other options, an unknown picture, two kernels or the folder itself for results are refused', async () => {
  put('a.png');
  const { go } = standIn();
  await go();
  await assert.rejects(go({ options: { scale: 4 } }), { code: 'BAD_OPTION', message: /--force/ });
  await assert.rejects(go({ kernelFrom: 'z.png' }), { code: 'BAD_OPTION', message: /--kernel-from/ });
  await assert.rejects(go({ kernelFrom: 'a.png', kernel: 'k.json' }), { code: 'BAD_OPTION' });
  await assert.rejects(go({ kernel: 'k.json', options: { kernelSide: 9 } }), { code: 'BAD_OPTION' });
  await assert.rejects(go({ out: folder }), { code: 'BAD_OPTION', message: /--out/ });
  await assert.rejects(go({ folder: path.join(folder, 'absent') }), { code: 'INPUT_NOT_FOUND' });
  assert.equal((await go({ options: { scale: 4 }, force: true })).exitCode, 0);
  assert.deepEqual(manifest().options.slice(0, 2), ['--scale', '4']);
});

test('a given kernel that cannot be used is refused once, before anything is made', async () => {
  put('a.png', 'b.png');
  const { ran, go, inputs } = standIn();
  const kernel = path.join(folder, 'k.csv');
  await assert.rejects(go({ kernel }), { code: 'INPUT_NOT_FOUND' });
  writeFileSync(kernel, '1,2\n3');
  await assert.rejects(go({ kernel }), { code: 'BAD_KERNEL', message: /square/ });
  assert.deepEqual([ran.length, existsSync(out)], [0, false]);
  writeFileSync(kernel, '1,2\n3,4');
  await go({ kernel });
  assert.deepEqual(inputs(), ['a.png', 'b.png']);
  assert.equal(argumentOf(ran[1], '--kernel'), kernel);
});

test('results of pictures that differ in their extension only have names of their own', async () => {
  put('a.png', 'A.jpg', 'b.png');
  await standIn().go();
  const outputs = manifest().pictures.map(({ output }: { output: string }) => output);
  assert.deepEqual(outputs, ['A.jpg-x2.png', 'a.png-x2.png', 'b-x2.png']);
});

test('no two results have one name, whatever the pictures are called', async () => {
  put('a.jpg', 'a.png', 'a.jpg.png', 'b.png', 'b.png.webp');
  await standIn().go();
  const outputs = manifest().pictures.map(({ output }: { output: string }) => output);
  assert.deepEqual(outputs, ['a.jpg-x2.png', 'a.jpg.png-x2.png', 'a.png-x2.png', 'b-x2.png', 'b.png.webp-x2.png']);
});

test('pictures that only capitals or ways to write an accent tell apart are refused', () => {
  for (const names of [
    ['a.png', 'A.png'],
    ['a.png', 'a.PNG'],
    ['\u00e9.png', 'e\u0301.png'],
  ]) {
    assert.throws(() => entriesFor(names, 2, () => true), { code: 'BAD_OPTION', message: /rename/ });
  }
});

test('a manifest of something else is left alone', async () => {
  put('a.png');
  mkdirSync(out);
  writeFileSync(path.join(out, 'manifest.json'), '{"name":"a web app"}');
  await assert.rejects(standIn().go({ force: true }), { code: 'INPUT_UNREADABLE' });
});

test('printing runs nothing, makes no more than the manifest, and prints the kernel for all alone until it is there', async () => {
  put('a.png', 'b.png');
  const { ran, go } = standIn();
  assert.equal((await go({ print: true })).text.split('\n').length, 3);
  const { text } = await go({ print: true, kernelFrom: 'b.png', force: true });
  assert.match(text, /^kernelfusion upscale '[^']+b\.png' .*--kernel-out .*\n$/);
  assert.equal(ran.length, 0);
  assert.deepEqual(readdirSync(out), ['manifest.json']);
});

test('words are quoted as a shell reads them', () => {
  const words = ['plain/na-me.png', 'two words', "it's", '$HOME', 'a;b', ''];
  const { stdout } = spawnSync('sh', ['-c', `printf '%s|' ${words.map(quoted).join(' ')}`], { encoding: 'utf8' });
  assert.equal(stdout, words.map((word) => `${word}|`).join(''));
});

/** A `kernelfusion` on the path, as the printed commands name it. */
function withCommand(): NodeJS.ProcessEnv {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(path.join(bin, 'kernelfusion'), `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(cli)} "$@"\n`, {
    mode: 0o755,
  });
  return { ...process.env, PATH: `${bin}:${process.env.PATH}` };
}

const crop = (left: number, name: string) =>
  sharp(sample).extract({ left, top: 20, width: 16, height: 16 }).toFile(path.join(folder, name));

test('through the command line: pictures by one kernel, the rest of them by printed commands in a shell', {
  skip: process.platform === 'win32' && 'the printed commands are for POSIX shells',
}, async () => {
  await crop(20, 'a b.png');
  const args = ['batch', folder, '--kernel-from', 'a b.png', '-p', 'fast'];
  const one = await run(...args, '--json');
  assert.equal(one.code, 0, one.stderr);
  assert.equal(JSON.parse(one.stdout).pictures[0].state, 'done');
  assert.match(one.stderr, /^1\/1 a b\.png: done in/);
  const { kernelSource, notes } = JSON.parse(one.stdout).pictures[0];
  assert.ok(['estimated', 'bicubic'].includes(kernelSource));
  assert.deepEqual(one.stderr.match(/(?<=^ {2}Note: ).*/gm) ?? [], notes);

  await crop(40, 'c.png');
  const { stdout: commands } = await run(...args, '--print');
  const shell = spawnSync('sh', ['-e'], { input: commands, env: withCommand(), encoding: 'utf8' });
  assert.equal(shell.status, 0, shell.stderr);
  assert.equal((await sharp(path.join(out, 'c-x2.png')).metadata()).width, 32);
  assert.equal((await run(...args, '--print')).stdout, '', 'nothing is left to run');
});

const parallel = spawnSync('parallel', ['--version'], { encoding: 'utf8' }).stdout?.startsWith('GNU parallel');
test('GNU parallel runs the printed commands', { skip: !parallel && 'GNU parallel is not installed' }, async () => {
  await crop(20, 'a b.png');
  await crop(40, 'c.png');
  const { stdout: commands } = await run('batch', folder, '--threads', '1', '--print');
  const ended = spawnSync('parallel', ['--jobs', '2'], { input: commands, env: withCommand(), encoding: 'utf8' });
  assert.equal(ended.status, 0, ended.stderr);
  assert.equal((await run('batch', folder, '--print')).stdout, '', 'nothing is left to run');
});
