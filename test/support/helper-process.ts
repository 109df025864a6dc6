/** The helper as people run it, in a process and a home of its own, paired already with panels of the origins named. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { directories, panelsFolder } from '../../helper/server/directories.ts';
import { openTokenStore, type PairingSecrets } from '../../helper/server/token-store.ts';

/** The bundled command line: `npm run build` makes it. */
export const CLI = fileURLToPath(new URL('../../../dist/helper/cli.js', import.meta.url));

export interface HelperProcess {
  readonly port: number;
  /** One for each origin. */
  readonly secrets: readonly PairingSecrets[];
  /** Ends it and deletes its home. */
  end(): Promise<void>;
}

export async function startHelperProcess(origins: readonly string[]): Promise<HelperProcess> {
  const home = await mkdtemp(path.join(tmpdir(), 'kernelfusion-helper-'));
  const store = openTokenStore(panelsFolder(directories({ KERNELFUSION_HOME: home })));
  const secrets: PairingSecrets[] = [];
  for (const origin of origins) secrets.push(await store.add(origin));
  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--no-code', '--log-level', 'silent'], {
    env: { ...process.env, KERNELFUSION_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return {
    ...{ port: await portOf(child), secrets },
    async end() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      await rm(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  let said = '';
  for await (const text of child.stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
    said += text;
    const found = /port (\d+)/.exec(said);
    if (found) return Number(found[1]);
  }
  throw new Error(`the helper did not start: ${said}`);
}
