/**
 * A helper as a process with a home of its own, that can be killed and started again on the same port: with the real method
 * (`kernelfusion serve`), or with a worker whose result is exact and that can be held in the middle of a job.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { directories } from '../../../helper/server/directories.ts';
import { offerCode } from '../../../helper/server/pairing.ts';

export interface HelperProcess {
  readonly port: number;
  /** Makes a new pairing code: six digits. */
  code(): Promise<string>;
  /** Jobs that have a folder. */
  jobs(): string[];
  /** From now on jobs stay in the middle of the phase `kernel`; only with the exact worker. */
  hold(): void;
  release(): void;
  /** Ends it with -9, as a crash does. */
  kill(): Promise<void>;
  /** Starts another in the same home, on the same port. */
  start(): Promise<void>;
  /** Ends it and deletes its home. */
  close(): Promise<void>;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const PROGRAMS = {
  exact: (port: number) => [here('./exact-serve.js'), String(port)],
  real: (port: number) => [here('../../../helper/cli.js'), 'serve', '--no-code', '--port', String(port)],
};

export async function startHelperProcess(method: keyof typeof PROGRAMS): Promise<HelperProcess> {
  const home = mkdtempSync(path.join(tmpdir(), 'kf-e2e-'));
  const { state } = directories({ KERNELFUSION_HOME: home });
  const holdFile = path.join(home, 'hold');
  const jobsFolder = path.join(state, 'jobs');
  let child: ChildProcess;
  let port = 0;

  const start = async () => {
    child = spawn(process.execPath, PROGRAMS[method](port), {
      env: { ...process.env, KERNELFUSION_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    port = await portOf(child);
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    get port() {
      return port;
    },
    code: async () => (await offerCode(state)).code,
    jobs: () => (existsSync(jobsFolder) ? readdirSync(jobsFolder) : []),
    hold: () => writeFileSync(holdFile, ''),
    release: () => rmSync(holdFile, { force: true }),
    ...{ kill, start },
    async close() {
      await kill();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The port it says it listens on. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let [said, complained] = ['', ''];
    child.stdout?.on('data', (text) => {
      said += text;
      const found = /port (\d+)/.exec(said);
      if (found) resolve(Number(found[1]));
    });
    child.stderr?.on('data', (text) => {
      complained += text;
    });
    child.once('exit', (code) => reject(new Error(`The helper ended (${code}): ${complained}`)));
  });
}
