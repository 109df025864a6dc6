/**
 * `kernelfusion serve`: runs the jobs of browser panels until it is told to end.
 */
import { directories, jobsFolder } from '../server/directories.ts';
import { startHelper } from '../server/helper.ts';
import { createLog } from '../server/log.ts';
import { offerCode, withdrawCode } from '../server/pairing.ts';
import { openJobs } from '../server/queue.ts';
import type { CommandResult } from './command-result.ts';
import { offerText } from './pair.ts';
import { checkServeRequest, type ServeRequest } from './serve-options.ts';

/** Resolves when `signal` has fired and all is ended. `print` shows what the person has to know at the start. */
export async function serve(
  request: ServeRequest,
  signal: AbortSignal,
  print: (text: string) => void,
): Promise<CommandResult> {
  const { port, chromeIds, level } = checkServeRequest(request);
  const places = directories();
  // Whatever file is made from now on, by whatever package, is nobody else's to read.
  process.umask(0o077);
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

const noOfferText = '"kernelfusion pair" shows a code to pair a panel with.\n';

const fired = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
