/**
 * The helper put together: listens, makes sure it is alone, opens the jobs, and only then lets panels in. Ending goes the other
 * way, so that no connection finds the jobs gone and no second helper starts before the first has let go of them.
 */
import type { Logger } from 'pino';
import { KernelFusionError } from '../../shared/errors.ts';
import { serveConnection } from './connection.ts';
import { type Directories, panelsFolder } from './directories.ts';
import { listen } from './http-server.ts';
import { alreadyRunning, claimInstance, findInstance } from './instance.ts';
import type { Jobs } from './jobs.ts';
import { createRedeemer } from './pairing.ts';
import { openTokenStore } from './token-store.ts';

export interface HelperOptions {
  readonly directories: Directories;
  /** 0: any that is free. */
  readonly port: number;
  readonly chromeIds: ReadonlySet<string>;
  readonly openJobs: () => Promise<Jobs>;
  readonly log: Logger;
}

export interface Helper {
  readonly port: number;
  /** Ends connections and the running job (it goes on at the next start), within five seconds. */
  close(): Promise<void>;
}

/** Throws `PORT_IN_USE`, `HELPER_RUNNING`, `SETTINGS_UNAVAILABLE`, and what `openJobs` throws. */
export async function startHelper({ directories, openJobs, log, ...gate }: HelperOptions): Promise<Helper> {
  const { state } = directories;
  const tokens = openTokenStore(panelsFolder(directories), (err) => log.warn({ err }, 'a pairing is passed over'));
  const server = await listen({ ...gate, tokens, redeem: createRedeemer(state), log }).catch(async (error) => {
    const isTaken = error instanceof KernelFusionError && error.code === 'PORT_IN_USE';
    throw isTaken && (await findInstance(state))?.port === gate.port ? alreadyRunning(gate.port) : error;
  });
  try {
    const release = await claimInstance(state, server.port);
    try {
      const jobs = await openJobs();
      server.open((socket, peer) => serveConnection(socket, peer, jobs, log));
      log.info({ port: server.port }, 'ready');
      return {
        port: server.port,
        async close() {
          log.info('ending');
          // What ends all of this may have ended the running job as well: no other takes its place.
          jobs.startNoMore();
          await server.close();
          await jobs.close();
          await release();
        },
      };
    } catch (error) {
      await release();
      throw error;
    }
  } catch (error) {
    await server.close();
    throw error;
  }
}
