/**
 * Facts about hardware and drivers: while they stay the same, so does what a device can do. A text to compare, never to read.
 *
 * Linux: kernel, cards (PCI ids), NVIDIA's driver, the Vulkan drivers that are installed or named in the environment.
 * Windows: drivers of display adapters, from the registry. macOS: drivers come with the system.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VULKAN_FOLDERS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
const DISPLAY_ADAPTERS = String.raw`HKLM\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}`;

const textOf = (file: string) => readFile(file, 'utf8').catch(() => '');
const filesIn = (folder: string) =>
  readdir(folder).then(
    (names) => names.sort().map((name) => path.join(folder, name)),
    () => [] as string[],
  );
/** Name and time of change. */
const stamped = (file: string) =>
  stat(file).then(
    ({ mtimeMs }) => `${file} ${mtimeMs}`,
    () => '',
  );

export async function hardwareFacts(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const computer = [process.platform, process.arch, os.release(), os.cpus()[0]?.model, os.availableParallelism()];
  return [...computer, ...(await driverFacts(env))].filter(Boolean).join('\n');
}

async function driverFacts(env: NodeJS.ProcessEnv): Promise<string[]> {
  if (process.platform === 'win32') {
    // It may end with an error, for some keys below are closed to users, and still have told the rest.
    const query = run('reg', ['query', DISPLAY_ADAPTERS, '/s', '/v', 'DriverVersion']);
    return [await query.catch((error) => error).then(({ stdout }) => String(stdout ?? ''))];
  }
  if (process.platform !== 'linux') return [];
  const cards = (await filesIn('/sys/class/drm')).filter((file) => /card\d+$/.test(file));
  const ids = cards.flatMap((card) => ['vendor', 'device'].map((name) => textOf(path.join(card, 'device', name))));
  const drivers = (await Promise.all(VULKAN_FOLDERS.map(filesIn))).flat().map(stamped);
  const named = [env.VK_DRIVER_FILES, env.VK_ICD_FILENAMES, env.CUDA_VISIBLE_DEVICES, env.LD_LIBRARY_PATH];
  const nvidia = textOf('/proc/driver/nvidia/version');
  return [...(await Promise.all([...ids, ...drivers, nvidia])), ...named.map((value) => value ?? '')];
}
