/**
 * What people run is the bundle: the pieces that find each other by where they lie (worker, package.json) must do so there.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(new URL('../../../dist/helper/cli.js', import.meta.url));

test('the bundle finds its engine and its version from any folder', {
  skip: existsSync(bundle) ? false : 'not bundled yet: npm run build',
}, () => {
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
