/**
 * The helper as a process with a home of its own that can be killed and started again on the same port: as it is shipped, or
 * "exact", which is the real one but for its worker (exact-worker.ts), whose result can be told by hand, and which can be held
 * in the middle of a job.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { directories, jobsFolder } from '../../helper/server/directories.ts';
import { offerCode } from '../../helper/server/pairing.ts';
import { CLI } from '../support/helper-process.ts';

export interface Helper {
  readonly port: number;
  /** Makes a new pairing code: six digits. */
  code(): Promise<string>;
  /** Jobs that have a folder. */
  jobs(): string[];
  /** Whether there are jobs, and all of them have their result. */
  isDone(): boolean;
  /** From now on jobs stay in the middle of the phase `kernel`; those of the exact helper. */
  hold(): void;
  release(): void;
  /** Ends it with -9, as a crash does. */
  kill(): Promise<void>;
  /** Starts another in the same home, on the same port. */
  start(): Promise<void>;
  /** Ends it and deletes its home. */
  end(): Promise<void>;
}

const SERVE = fileURLToPath(new URL('./exact-serve.js', import.meta.url));

const COMMANDS = {
  exact: (port: number) => [SERVE, String(port)],
  real: (port: number) => [CLI, 'serve', '--port', String(port), '--no-code', '--log-level', 'silent'],
};

export async function startHelper(sort: keyof typeof COMMANDS): Promise<Helper> {
  const home = mkdtempSync(path.join(tmpdir(), 'kernelfusion-e2e-'));
  const places = directories({ KERNELFUSION_HOME: home });
  const holdFile = path.join(home, 'hold');
  const folder = jobsFolder(places);
  const jobs = () => (existsSync(folder) ? readdirSync(folder) : []);
  let child: ChildProcess;
  let port = 0;

  const start = async () => {
    child = spawn(process.execPath, COMMANDS[sort](port), {
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
    code: async () => (await offerCode(places.state)).code,
    jobs,
    isDone: () => jobs().length > 0 && jobs().every((job) => existsSync(path.join(folder, job, 'result.json'))),
    hold: () => writeFileSync(holdFile, ''),
    release: () => rmSync(holdFile, { force: true }),
    ...{ kill, start },
    async end() {
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
