/** Native parts that install scripts fetch: missing, there, and none to be had. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { missingPart } from '../../../helper/devices/native-part.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kf-part-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const put = (...names: string[]) => {
  const file = path.join(folder, ...names);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '');
};
const onnx = (provider: string, system = 'linux/x64') =>
  missingPart({ package: 'onnxruntime-node', provider }, folder, system);

test("without ONNX Runtime's libraries for NVIDIA cards the refusal says what fetches them", () => {
  put('bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime.so.1');
  const words =
    'its native part is not installed: run "npm rebuild --ignore-scripts=false --foreground-scripts onnxruntime-node" in the folder of kernelfusion';
  for (const provider of ['cuda', 'tensorrt']) {
    assert.equal(onnx(provider), words);
    assert.equal(onnx(provider, 'linux/arm64'), null, 'its install script has none for this system');
    put('bin', 'napi-v6', 'linux', 'x64', `libonnxruntime_providers_${provider}.so`);
    assert.equal(onnx(provider), null);
  }
  for (const provider of ['webgpu', 'cpu']) assert.equal(onnx(provider), null, 'it lies in the package');
});

test("without TensorFlow's native part the refusal says what fetches it", () => {
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const) {
    assert.match(String(missingPart({ package: name }, folder)), new RegExp(`--foreground-scripts ${name}"`));
  }
  put('lib', 'napi-v8', 'tfjs_binding.node');
  assert.equal(missingPart({ package: '@tensorflow/tfjs-node' }, folder), null);
});
