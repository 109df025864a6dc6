import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import promises, { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { checkWritable, writeAtomic, writeNew } from '../../helper/atomic-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kernelfusion-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const inFolder = (name: string) => join(folder, name);

/** Fires when it is looked at for the `n`th time. */
function abortAtLook(n: number): AbortSignal {
  let looks = 0;
  return {
    get aborted() {
      return ++looks >= n;
    },
    reason: 'test',
  } as AbortSignal;
}

test('the bytes arrive, replace an older file and leave nothing else in the folder', async () => {
  const bytes = Uint8Array.from({ length: 5_000_000 }, (_, i) => i % 251);
  await writeFile(inFolder('out.bin'), 'older');
  await writeAtomic(inFolder('out.bin'), bytes);
  assert.ok(bytes.every((b, i) => b === i % 251));
  assert.deepEqual(new Uint8Array(await readFile(inFolder('out.bin'))), bytes);
  await writeAtomic(inFolder('empty'), '');
  await writeAtomic(inFolder('text'), 'née');
  assert.equal(await readFile(inFolder('text'), 'utf8'), 'née');
  await writeAtomic(inFolder('pieces'), [bytes.subarray(0, 3), new Uint8Array(0), bytes.subarray(3)]);
  assert.deepEqual(new Uint8Array(await readFile(inFolder('pieces'))), bytes);
  assert.deepEqual((await readdir(folder)).sort(), ['empty', 'out.bin', 'pieces', 'text']);
});

/** Three at once with different bytes, none of which is lost when another one is there. */
async function raceOfThree() {
  const runs = await Promise.allSettled(['1', '2', '3'].map((text) => writeNew(inFolder('new'), text)));
  for (const run of runs) {
    if (run.status === 'fulfilled') continue;
    assert.equal(run.reason.code, 'OUTPUT_UNWRITABLE');
    assert.match(run.reason.message, /of that name has appeared meanwhile/);
  }
  assert.deepEqual(await readdir(folder), ['new']);
  assert.equal((await stat(inFolder('new'))).nlink, 1);
  return runs.filter(({ status }) => status === 'fulfilled').length;
}

test('of several writers of one new file one succeeds, and its file stays', async () => {
  assert.equal(await raceOfThree(), 1);
  const first = await readFile(inFolder('new'), 'utf8');
  assert.equal(await raceOfThree(), 0);
  assert.equal(await readFile(inFolder('new'), 'utf8'), first);
});

test('a disk without hard links takes a new file, and none over another', async (t) => {
  const link = () => Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' }));
  const mocked = t.mock.method(promises, 'link', link);
  syncBuiltinESMExports();
  try {
    await writeNew(inFolder('new'), 'first');
    assert.equal(await raceOfThree(), 0);
    assert.equal(await readFile(inFolder('new'), 'utf8'), 'first');
    assert.equal(mocked.mock.callCount(), 4);
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

test('cancelling at any moment leaves the older file and nothing beside it', async () => {
  const bytes = new Uint8Array(9_000_000); // three chunks: five looks at the signal in all
  for (let look = 1; look <= 5; look++) {
    await writeFile(inFolder('out.bin'), 'older');
    await assert.rejects(writeAtomic(inFolder('out.bin'), bytes, abortAtLook(look)), { code: 'CANCELLED' });
    assert.deepEqual(await readdir(folder), ['out.bin']);
    assert.equal(await readFile(inFolder('out.bin'), 'utf8'), 'older');
  }
  await writeAtomic(inFolder('out.bin'), bytes, abortAtLook(6));
});

test('what cannot be written is told in a sentence without the path, before and after', async () => {
  await writeFile(inFolder('file'), '');
  const cases: [string, RegExp][] = [
    [inFolder('missing/out.png'), /folder does not exist/],
    [inFolder('file/out.png'), /folder does not exist/],
    [folder, /a folder of that name/],
    [inFolder('n'.repeat(300)), /name is too long/],
  ];
  for (const [path, message] of cases) {
    // One after the other: a failure that nobody waits for yet would count as one of its own.
    for (const attempt of [() => checkWritable(path), () => writeAtomic(path, 'x')]) {
      await assert.rejects(attempt, (error: Error & { code: string }) => {
        assert.equal(error.code, 'OUTPUT_UNWRITABLE');
        assert.match(error.message, message);
        assert.ok(!error.message.includes(folder));
        return true;
      });
    }
  }
  assert.deepEqual(await readdir(folder), ['file']);
});

test('devices are refused', { skip: process.platform === 'win32' ? 'needs /dev/null' : false }, async () => {
  for (const attempt of [() => checkWritable('/dev/null'), () => writeAtomic('/dev/null', 'x')]) {
    await assert.rejects(attempt, { code: 'OUTPUT_UNWRITABLE' });
  }
});

test('a file gets the mode asked for, whatever an older one had', {
  skip: process.platform === 'win32' ? 'Windows has no modes' : false,
}, async () => {
  await writeFile(inFolder('secret'), 'older', { mode: 0o644 });
  await writeAtomic(inFolder('secret'), 'newer', undefined, 0o600);
  assert.equal((await stat(inFolder('secret'))).mode & 0o777, 0o600);
});

test('a link stays a link', { skip: process.platform === 'win32' ? 'links need rights there' : false }, async () => {
  await writeFile(inFolder('real'), 'older');
  await symlink(inFolder('real'), inFolder('link'));
  await writeAtomic(inFolder('link'), 'newer');
  assert.equal(await readFile(inFolder('real'), 'utf8'), 'newer');
  await writeAtomic(inFolder('real'), 'newest');
  assert.equal(await readFile(inFolder('link'), 'utf8'), 'newest');
});

test('running out of room half-way leaves nothing behind', {
  skip: process.platform === 'win32' ? 'needs a shell with ulimit' : false,
}, async () => {
  const module = new URL('../../helper/atomic-file.js', import.meta.url).href;
  const script = `import { writeAtomic } from '${module}';
      await writeAtomic('out.bin', new Uint8Array(24e6)).catch((e) => console.log(e.code + ': ' + e.message));`;
  // Files may grow to 5,000 KiB there: the second chunk does not fit.
  const command = `ulimit -f 10000 && exec "$0" --input-type=module -e "$1"`;
  const { stdout } = spawnSync('sh', ['-c', command, process.execPath, script], { cwd: folder, encoding: 'utf8' });
  assert.match(stdout, /^OUTPUT_UNWRITABLE: .*larger than a file may be/);
  assert.deepEqual(await readdir(folder), []);
});

test('a process that ends in the middle of writing leaves nothing behind', {
  skip: process.platform === 'win32' ? 'an open file cannot be removed there' : false,
}, async () => {
  const module = new URL('../../helper/atomic-file.js', import.meta.url).href;
  const script = `import { readdirSync } from 'node:fs';
      import { writeAtomic } from '${module}';
      void writeAtomic('out.bin', new Uint8Array(64e6));
      const look = () => {
        const names = readdirSync('.');
        if (names.length === 0) return setImmediate(look);
        console.log(names[0]);
        process.exit(9);
      };
      look();`;
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.match(stdout, /\.tmp$/m);
  assert.equal(status, 9);
  assert.deepEqual(await readdir(folder), []);
});
