import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const reporter = fileURLToPath(new URL('./summary.js', import.meta.url));

/** Runs the given test file with the reporter; its lines and the exit code. */
function runTests(source: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'kf-reporter-'));
  try {
    writeFileSync(path.join(folder, 'some.test.mjs'), `import { describe, it, test } from 'node:test';\n${source}`);
    const env: NodeJS.ProcessEnv = { ...process.env };
    delete env.NODE_TEST_CONTEXT; // Set by the run this test is part of; it would silence the inner one.
    const args = ['--test', `--test-reporter=${reporter}`, '--test-reporter-destination=stdout', 'some.test.mjs'];
    const { stdout, status } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
    return { lines: stdout.trimEnd().split('\n'), status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the closing lines name every skipped test with its reason, and count', () => {
  const { lines, status } = runTests(`
    test('goes well', () => {});
    test('needs torch', { skip: 'no torch here' }, () => {});
    describe('a suite', () => { it('also goes well', () => {}); it('waits', (t) => t.skip('later')); it.todo('unwritten'); });
  `);
  assert.deepEqual(lines.slice(-6), [
    'Skipped:',
    '  some.test.mjs: needs torch (no torch here)',
    '  some.test.mjs: waits (later)',
    '  some.test.mjs: unwritten (to do)',
    '',
    '2 passed, 0 failed, 3 skipped',
  ]);
  assert.equal(status, 0);
});

test('a failure is named with its error, and counted once though its suite fails with it', () => {
  const { lines, status } = runTests(`
    describe('a suite', () => { it('adds', () => { throw new Error('1 + 1 is not 3'); }); });
  `);
  assert.equal(lines.at(-1), '0 passed, 1 failed, 0 skipped');
  assert.ok(lines.includes('  some.test.mjs: adds'));
  assert.ok(lines.some((line) => line.includes('1 + 1 is not 3')));
  assert.equal(status, 1);
});

test('a test file that crashes counts as a failure', () => {
  const { lines, status } = runTests(`throw new Error('before any test');`);
  assert.equal(lines.at(-1), '0 passed, 1 failed, 0 skipped');
  assert.ok(lines.includes('  some.test.mjs: the file itself'));
  assert.equal(status, 1);
});
