/**
 * `kernelfusion serve`: runs the jobs of browser panels until it is told to end.
 */
import { throwIfCancelled } from '../../shared/errors.ts';
import { directories, jobsFolder } from '../server/directories.ts';
import { startHelper } from '../server/helper.ts';
import { createLog } from '../server/log.ts';
import { offerCode, withdrawCode } from '../server/pairing.ts';
import { openJobs } from '../server/queue.ts';
import type { CommandResult } from './command-result.ts';
import { offerText } from './pair.ts';
import { checkServeRequest, type ServeRequest } from './serve-options.ts';

/**
 * Resolves when `signal` has fired and all is ended. `print` shows what the person has to know at the start. Throws `BAD_OPTION`,
 * `ENGINE_UNAVAILABLE` where the device asked for does not open, and what `startHelper` throws.
 */
export async function serve(
  request: ServeRequest,
  signal: AbortSignal,
  print: (text: string) => void,
): Promise<CommandResult> {
  const { port, chromeIds, level } = checkServeRequest(request);
  const places = directories();
  // Whatever file is made from now on, by whatever package, is nobody else's to read.
  process.umask(0o077);
  if (request.device !== undefined) await tryToOpen(request.device, signal);
  const log = createLog(level);
  const helper = await startHelper({
    directories: places,
    port,
    chromeIds,
    log,
    openJobs: () =>
      openJobs({ folder: jobsFolder(places), log, ...(request.device !== undefined && { device: request.device }) }),
  });
  try {
    print(`The helper listens on 127.0.0.1, port ${helper.port}. Ctrl+C ends it.\n`);
    print(request.code ? offerText((await offerCode(places.state)).code) : noOfferText);
    await fired(signal);
  } finally {
    await Promise.all([withdrawCode(places.state), helper.close()]);
  }
  return { data: { port: helper.port }, text: 'The helper has ended.\n', exitCode: 0 };
}

/** A device that is not there is told now, to who named it: later every job would fail, before somebody who did not. */
async function tryToOpen(name: string, signal: AbortSignal): Promise<void> {
  // Loaded here only: a helper without a named device computes nothing itself, its jobs have processes of their own.
  const { deviceNamed, PROCESSOR } = await import('../devices/catalogue.ts');
  const { openDevice } = await import('../devices/survey.ts');
  const device = deviceNamed(name);
  if (device === PROCESSOR) return; // Always there, and opened in this process, which does not need it.
  const executor = await openDevice(device, undefined, signal);
  await executor.close();
  throwIfCancelled(signal);
}

const noOfferText = '"kernelfusion pair" shows a code to pair a panel with.\n';

const fired = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
