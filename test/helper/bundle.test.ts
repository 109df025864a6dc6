/**
 * What people run is the bundle: the pieces that find each other by where they lie (worker, loops, package.json) must do so there.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(new URL('../../../dist/helper/cli.js', import.meta.url));

const skip = existsSync(bundle) ? false : 'not bundled yet: npm run build';

test('the bundle finds its engine and its version from any folder', { skip }, () => {
  const { stdout, stderr } = spawnSync(process.execPath, [bundle, 'doctor', '--json'], {
    cwd: tmpdir(),
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  const { kernelfusion, engine, sharp } = JSON.parse(stdout);
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  assert.equal(kernelfusion, version);
  assert.deepEqual([engine.ok, engine.name, sharp.ok], [true, 'onnx-cpu', true]);
});

test("the bundle finds the solvers' loops: it blurs a picture", { skip }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'bundle-'));
  try {
    const kernel = path.join(folder, 'kernel.csv');
    const output = path.join(folder, 'blurred.png');
    writeFileSync(kernel, '0,1,0\n1,4,1\n0,1,0\n');
    const picture = fileURLToPath(new URL('../../../test/fixtures/sample.png', import.meta.url));
    const words = ['kernel', 'apply', kernel, picture, '--scale', '1', '--sense', 'correlation', '--output', output];
    const { stderr, status } = spawnSync(process.execPath, [bundle, ...words], { cwd: folder, encoding: 'utf8' });
    assert.deepEqual([stderr, status], ['', 0]);
    assert.ok(existsSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
