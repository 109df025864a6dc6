/** Choosing a device: what is measured, what is kept, what is refused and why. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { DEVICES, type Device } from '../../../helper/devices/catalogue.ts';
import { DEVICE_NAMES } from '../../../helper/devices/names.ts';
import { missingPart } from '../../../helper/devices/native-part.ts';
import { softwareAdapter } from '../../../helper/devices/software-adapter.ts';
import { choose, type Finding, openDevice, reasonOf, survey, tryDevice } from '../../../helper/devices/survey.ts';
import { packageFolder } from '../../../helper/versions.ts';
import { childrenOf, noProc } from '../../support/processes.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'devices-'));
after(() => rm(folder, { recursive: true, force: true }));

const works = (device: string, speed: number | null): Finding => ({ device, usable: true, speed });
const refused = (device: string): Finding => ({ device, usable: false, reason: 'there is no card' });

/** Tries by heart, and notes what was tried. */
function attempts(speeds: Readonly<Record<string, number>>) {
  const tried: string[] = [];
  const attempt = async ({ name }: Device) => {
    tried.push(name);
    return name in speeds ? works(name, speeds[name]) : refused(name);
  };
  return { tried, attempt };
}

const AUTOMATIC = DEVICES.filter(({ automatic }) => automatic).map(({ name }) => name);

test('the names that can be typed are those of the devices, the processor last', () => {
  assert.deepEqual(
    DEVICES.map(({ name }) => name),
    DEVICE_NAMES,
  );
  assert.equal(DEVICE_NAMES.at(-1), 'onnx-cpu');
});

test('the fastest device is first, and what is slower than the processor is left out', () => {
  const findings = [works('a', 3e9), refused('b'), works('c', 9e9), works('onnx-cpu', 6e9)];
  const { order, why } = choose(findings);
  assert.deepEqual(order, ['c', 'onnx-cpu']);
  assert.equal(why, 'it trains 1.5 times as fast as onnx-cpu, the next.');
  assert.deepEqual(choose([works('a', 3e9), works('onnx-cpu', 6e9)]).order, ['onnx-cpu']);
});

test('a processor that is alone is not measured', async () => {
  const { tried, attempt } = attempts({});
  const { order, why } = await survey({ file: path.join(folder, 'alone.json') }, attempt);
  assert.deepEqual(order, ['onnx-cpu']);
  assert.equal(why, 'it is the only one that can be used.');
  assert.deepEqual(
    tried,
    AUTOMATIC.filter((name) => name !== 'onnx-cpu'),
  );
});

test('what was found is kept, and tried again only on request or where the hardware has changed', async () => {
  const file = path.join(folder, 'kept.json');
  const speeds = { 'onnx-webgpu': 8e11, 'onnx-cpu': 1e11 };
  const first = attempts(speeds);
  assert.deepEqual((await survey({ file }, first.attempt)).order, ['onnx-webgpu', 'onnx-cpu']);
  assert.deepEqual(first.tried, AUTOMATIC);

  const second = attempts({});
  assert.deepEqual((await survey({ file }, second.attempt)).order, ['onnx-webgpu', 'onnx-cpu']);
  assert.deepEqual(second.tried, []);

  const anew = attempts({});
  assert.deepEqual((await survey({ file, anew: true }, anew.attempt)).order, ['onnx-cpu']);
  assert.ok(anew.tried.includes('onnx-webgpu'));
  const unused = path.join(folder, 'unused.json');
  await survey({ file: unused, anew: true }, attempts({}).attempt);
  assert.equal(existsSync(unused), false, 'a look makes no file');

  // Other facts make other keys.
  const kept = (await readFile(file, 'utf8')).replaceAll(/ [0-9a-f]{64}/g, ' of-another-driver');
  await writeFile(file, kept);
  const changed = attempts(speeds);
  await survey({ file }, changed.attempt);
  assert.deepEqual(changed.tried, AUTOMATIC);
});

test('a damaged file of findings, or none that can be written, only costs the tries', async () => {
  const file = path.join(folder, 'damaged.json');
  await writeFile(file, '{"half');
  const { attempt } = attempts({});
  assert.deepEqual((await survey({ file }, attempt)).order, ['onnx-cpu']);
  assert.deepEqual((await survey({ file: path.join(file, 'below-a-file.json') }, attempt)).order, ['onnx-cpu']);
});

test('a software adapter is told by its driver, or by there being no card; a card is not', async () => {
  const look = (env: NodeJS.ProcessEnv, files: readonly string[], platform: NodeJS.Platform = 'linux') =>
    softwareAdapter({ provider: 'webgpu' }, platform, env, async () => files);
  assert.match(String(await look({ VK_ICD_FILENAMES: '/a/vk_swiftshader_icd.json' }, ['renderD128'])), /SwiftShader/);
  assert.match(String(await look({ VK_DRIVER_FILES: '/a/lvp_icd.x86_64.json' }, ['renderD128'])), /llvmpipe/);
  assert.match(String(await look({}, ['card0', 'null'])), /no graphics card/);
  assert.equal(await look({}, ['renderD128']), null);
  assert.equal(await look({ VK_ICD_FILENAMES: '/a/radeon.json:/a/lvp_icd.json' }, ['renderD128']), null);
  assert.equal(await look({}, [], 'darwin'), null);
  assert.equal(await softwareAdapter({ provider: 'cuda' }, 'linux', {}, async () => []), null);
});

test('a device that is not there says why, in a line without paths', async () => {
  const absent = DEVICES.filter(({ provider }) => provider === (process.platform === 'darwin' ? 'dml' : 'coreml'));
  const [device] = absent;
  const finding = await tryDevice(device);
  assert.deepEqual(finding, {
    device: device.name,
    usable: false,
    reason: 'ONNX Runtime has no such provider on this system',
  });
  await assert.rejects(openDevice(device), {
    code: 'ENGINE_UNAVAILABLE',
    message: /onnx-(coreml|dml) cannot be used: /,
  });
  const error = new Error('outer', {
    cause: new Error('Error: Error: cannot open /home/a/b/lib.so: no such file.\nmore'),
  });
  assert.equal(reasonOf(error), 'cannot open lib.so: no such file');
});

const cuda = DEVICES.find(({ name }) => name === 'onnx-cuda')!;
const cudaIsMissing = missingPart(cuda, packageFolder(cuda.package)) !== null;

test('a device whose native part was not fetched names the command that does', {
  skip: cudaIsMissing ? false : 'it is here, or cannot be had for this system',
}, async () => {
  const finding = await tryDevice(cuda);
  assert.ok(!finding.usable && finding.reason.includes('"npm rebuild --ignore-scripts=false'), JSON.stringify(finding));
});

test('a try that is cancelled leaves no process behind', { skip: noProc() }, async () => {
  const device = DEVICES.find(({ name }) => name === 'onnx-webgpu')!;
  await assert.rejects(tryDevice(device, AbortSignal.timeout(50)), { code: 'CANCELLED' });
  assert.deepEqual(childrenOf(process.pid), []);
});
