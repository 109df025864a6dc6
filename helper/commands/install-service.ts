/**
 * `kernelfusion install-service` and `uninstall-service`: has the helper started at every login, or not any more. Either says
 * what it would do; with `--yes` it does so, having said it.
 */
import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { DEFAULT_PORT } from '../../shared/protocol/address.ts';
import { writeAtomic } from '../atomic-file.ts';
import { directories, makePrivateFolder } from '../server/directories.ts';
import { findInstance } from '../server/instance.ts';
import { type Command, describeService, type Service } from '../server/service-files.ts';
import type { CommandResult } from './command-result.ts';
import { checkServeRequest, type ServeRequest } from './serve-options.ts';

/** What the service's helper is started with. */
type Chosen = Omit<ServeRequest, 'code'>;

export interface InstallRequest extends Chosen {
  /** Do it, rather than only saying what would be done. */
  readonly yes: boolean;
}

const run = promisify(execFile);

/** The service for this computer and this copy of the program. */
function ownService({ port, allowExtension = [], device, logLevel }: Chosen): Service {
  const options = [
    ...(port === undefined || port === DEFAULT_PORT ? [] : ['--port', String(port)]),
    ...allowExtension.flatMap((id) => ['--allow-extension', id]),
    ...(device === undefined ? [] : ['--device', device]),
    ...(logLevel === undefined ? [] : ['--log-level', logLevel]),
  ];
  const { username, uid } = os.userInfo();
  const domain = process.env.USERDOMAIN;
  return describeService({
    platform: process.platform,
    node: process.execPath,
    script: realpathSync(process.argv[1]),
    args: ['serve', '--no-code', ...options],
    home: os.homedir(),
    env: process.env,
    user: domain ? `${domain}\\${username}` : username,
    uid,
    directories: directories(),
  });
}

/** What would make the service fail later. */
function warnings(): string[] {
  const isPassing = realpathSync(process.argv[1]).split(path.sep).includes('_npx');
  const isBlind = process.platform === 'win32' && process.env.KERNELFUSION_HOME !== undefined;
  return [
    ...(isPassing
      ? ["This copy lies in npx's cache and may vanish: install it first, with npm install --global."]
      : []),
    ...(isBlind ? ['The service sees KERNELFUSION_HOME only where it is set for the whole account (setx).'] : []),
  ];
}

/** Milliseconds in which a helper that was started has to be there. */
const PATIENCE = 20_000;

/**
 * `print` shows what is going to be done before it is. Throws `BAD_OPTION`, `OUTPUT_UNWRITABLE`, and `SERVICE_FAILED`, also where
 * all was done and no helper has come up after `patience` milliseconds.
 */
export async function installService(
  request: InstallRequest,
  signal: AbortSignal,
  print: (text: string) => void,
  patience = PATIENCE,
): Promise<CommandResult> {
  if (request.port === 0) throw new KernelFusionError('BAD_OPTION', 'A service needs a port that panels know.');
  checkServeRequest(request);
  const service = ownService(request);
  const { file, content, end, start, encoding, whyNot } = service;
  print(
    [
      `The file ${file}:`,
      '',
      content,
      'Then:',
      ...end.map((command) => `  ${command.join(' ')}  (where an earlier one runs)`),
      ...start.map((command) => `  ${command.join(' ')}`),
      ...warnings(),
      '',
    ].join('\n'),
  );
  if (!request.yes) return notDone(service, 'Nothing was written: --yes does it.');

  const { config, state } = directories();
  for (const folder of [config, state]) await makePrivateFolder(folder);
  await mkdir(path.dirname(file), { recursive: true });
  const bytes = encoding === 'utf16le' ? Buffer.from(`\ufeff${content}`, encoding) : content;
  await writeAtomic(file, bytes, signal);
  const before = (await findInstance(state))?.pid;
  const isNew = async () => ![undefined, before].includes((await findInstance(state))?.pid);
  for (const command of end) {
    const ran = await execute(command, signal, '').then(
      () => true,
      () => false,
    );
    throwIfCancelled(signal);
    // A helper takes some seconds to end in order, and until then the system does not start another.
    if (ran) await comesTrue(async () => (await findInstance(state)) === null, patience, signal);
  }
  for (const command of start) {
    const begin = () => execute(command, signal, 'The file was written, but ');
    // launchd knows the earlier one for some seconds after its helper has gone, and refuses till then.
    const isBegun = () =>
      begin().then(
        () => true,
        () => false,
      );
    if (end.length === 0 || !(await comesTrue(isBegun, patience, signal))) await begin();
  }
  if (!(await comesTrue(isNew, patience, signal))) {
    throw new KernelFusionError(
      'SERVICE_FAILED',
      `The service is installed, but no helper of its own runs: ${whyNot}.`,
    );
  }
  return {
    data: { file, installed: true },
    text: 'The helper runs, and will be started at every login.\n',
    exitCode: 0,
  };
}

/** As `installService`. */
export async function uninstallService(
  { yes }: Pick<InstallRequest, 'yes'>,
  signal: AbortSignal,
  print: (text: string) => void,
): Promise<CommandResult> {
  const service = ownService({});
  const { file, stop, forget } = service;
  if (!(await stat(file).catch(() => null))) {
    throw new KernelFusionError('SERVICE_FAILED', 'No service is installed for this account.');
  }
  const commands = (list: readonly Command[]) => list.map((command) => `  ${command.join(' ')}\n`).join('');
  print(`${commands(stop)}  and the file ${file} is removed\n${commands(forget)}`);
  if (!yes) return notDone(service, 'Nothing was removed: --yes does it.');

  // A service that cannot be stopped (it is not known any more, say) is no reason to keep its file.
  let failure: unknown = null;
  for (const command of stop) {
    await execute(command, signal, 'The file was removed, but ').catch((error) => {
      failure ??= error;
    });
  }
  throwIfCancelled(signal);
  await rm(file, { force: true });
  for (const command of forget) await execute(command, signal, 'The file was removed, but ');
  if (failure !== null) throw failure;
  return { data: { file, installed: false }, text: 'The helper will not be started at login any more.\n', exitCode: 0 };
}

async function comesTrue(is: () => Promise<boolean>, patience: number, signal: AbortSignal): Promise<boolean> {
  for (const end = performance.now() + patience; performance.now() < end; await wait(100)) {
    throwIfCancelled(signal);
    if (await is()) return true;
  }
  return false;
}

const notDone = ({ file, content }: Service, sentence: string): CommandResult => ({
  data: { file, content, done: false },
  text: `${sentence}\n`,
  exitCode: 0,
});

async function execute([program, ...args]: Command, signal: AbortSignal, soFar: string): Promise<void> {
  try {
    await run(program, args, { signal, timeout: 30_000 });
  } catch (cause) {
    throwIfCancelled(signal);
    const { code } = cause as { code?: number | string };
    const name = [program, ...args.filter((arg) => !/[\\/].*[\\/]/.test(arg))].join(' ');
    const why = code === 'ENOENT' ? 'there is no such program here' : `it ended with ${code}`;
    throw new KernelFusionError('SERVICE_FAILED', `${soFar}"${name}" failed: ${why}.`, { cause });
  }
}
