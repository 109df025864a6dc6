import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { benchDevices, type DeviceRun } from '../../../helper/commands/bench-devices.ts';
import { runApart } from '../../../helper/commands/upscale-apart.ts';
import { choose } from '../../../helper/devices/survey.ts';
import { sample } from '../cli-process.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'kf-devices-'));
after(() => rm(folder, { recursive: true }));

const run = (total: number, executor: string, notes: readonly string[] = []): DeviceRun => ({
  timings: { prior: total / 2, kernel: total / 4, image: total / 4, alpha: 0, total },
  executor,
  notes,
});

test('each device is told beside the processor, and one that did not finish as such', async () => {
  const survey = choose([
    { device: 'onnx-cuda', usable: true, speed: 9e11 },
    { device: 'onnx-webgpu', usable: true, speed: 5e11 },
    { device: 'tfjs-node', usable: false, reason: '@tensorflow/tfjs-node is not installed' },
    { device: 'onnx-cpu', usable: true, speed: 1e11 },
  ]);
  const outDir = path.join(folder, 'told');
  const lines: string[] = [];
  const order: string[] = [];
  const { rows, markdown } = await benchDevices({
    picture: sample,
    sizes: [16],
    scale: 2,
    survey,
    outDir,
    print: (line) => lines.push(line),
    measure: async (device) => {
      order.push(device);
      if (device === 'onnx-cpu') return run(40, device);
      return device === 'onnx-cuda' ? run(8, device) : run(60, 'onnx-cpu', ['The device onnx-webgpu failed.']);
    },
  });
  assert.deepEqual(order, ['onnx-cpu', 'onnx-webgpu', 'onnx-cuda']);
  assert.equal(rows.length, 3);
  const table = await readFile(markdown, 'utf8');
  assert.match(table, /- onnx-cuda: usable, trains at 1800 GFLOP\/s\n/);
  assert.match(table, /- tfjs-node: refused: @tensorflow\/tfjs-node is not installed\n/);
  assert.match(table, /\| 16 \| onnx-cpu \| 20\.0 \| 10\.0 \| 10\.0 \| 0\.0 \| 40\.0 \| 1\.00 \|/);
  assert.match(table, /\| 16 \| onnx-cuda \| 4\.0 \| 2\.0 \| 2\.0 \| 0\.0 \| 8\.0 \| 5\.00 \|/);
  assert.match(table, /\| 16 \| onnx-webgpu \|.*\| 60\.0 \| ended on onnx-cpu \|/);
  assert.match(lines.join('\n'), /on onnx-cuda: 8\.0 s .*5\.00 times the processor's speed/);
  assert.match(lines.join('\n'), /on onnx-webgpu: .*The device onnx-webgpu failed\./);
});

test('on a computer with a processor alone, a whole small job runs and is its own measure', async () => {
  const cli = fileURLToPath(new URL('../../../helper/cli.js', import.meta.url));
  const { rows } = await benchDevices({
    picture: sample,
    sizes: [16],
    scale: 1,
    survey: choose([{ device: 'onnx-cpu', usable: true, speed: null }]),
    outDir: path.join(folder, 'real'),
    print: () => {},
    measure: (device, input, output) => {
      const how = ['--scale', '1', '--preset', 'fast', '--device', device, '--json'];
      return runApart(['upscale', input, '--output', output, ...how], undefined, cli);
    },
  });
  assert.deepEqual(
    rows.map(({ side, device, executor }) => [side, device, executor]),
    [[16, 'onnx-cpu', 'onnx-cpu']],
  );
  assert.ok(rows[0].timings.total > 0);
});
