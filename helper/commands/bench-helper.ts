/**
 * The helper as people run it, for benchmarks: `serve` by the command line that is running now, in a process and a home of its
 * own, with one panel that is paired already.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { EXTENSION_ID } from '../../shared/extension-id.ts';
import { type Directories, directories, panelsFolder } from '../server/directories.ts';
import { openTokenStore } from '../server/token-store.ts';
import { connectPanel, type Panel } from './bench-panel.ts';

export const BENCH_ORIGIN = `chrome-extension://${EXTENSION_ID}`;

export interface BenchHelper {
  connect(): Promise<Panel>;
  /** Bytes of resident memory now, and the most there ever were; `null` where there is no /proc (proc(5)). */
  memory(): Promise<{ readonly now: number; readonly highest: number } | null>;
  /** How many processes it has started that still run; `null` where there is no /proc. */
  workers(): Promise<number | null>;
  /** Ends it and deletes its home. */
  end(): Promise<void>;
}

/**
 * @param prepare puts things into the helper's folders before it starts
 * Throws `HELPER_NOT_RUNNING` where it does not come up, `CANCELLED`.
 */
export async function startBenchHelper(
  prepare: (places: Directories) => Promise<void>,
  signal?: AbortSignal,
  cli = process.argv[1],
): Promise<BenchHelper> {
  throwIfCancelled(signal);
  const home = await mkdtemp(path.join(tmpdir(), 'kernelfusion-bench-'));
  const places = directories({ KERNELFUSION_HOME: home });
  let child: ChildProcess | null = null;
  const end = async () => {
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const secrets = await openTokenStore(panelsFolder(places)).add(BENCH_ORIGIN);
    await prepare(places);
    child = spawn(process.execPath, [cli, 'serve', '--port', '0', '--no-code', '--log-level', 'silent'], {
      env: { ...process.env, KERNELFUSION_HOME: home },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { pid } = child;
    const port = await portOf(child);
    // Whoever waits for the helper then hears that it is gone.
    signal?.addEventListener('abort', () => child?.kill('SIGKILL'), { once: true });
    return {
      connect: () => connectPanel({ port, origin: BENCH_ORIGIN, ...secrets }),
      async memory() {
        const status = await readProc(`/proc/${pid}/status`);
        const bytes = (name: string) =>
          1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status ?? '')?.[1]);
        return status === null ? null : { now: bytes('VmRSS'), highest: bytes('VmHWM') };
      },
      async workers() {
        const children = await readProc(`/proc/${pid}/task/${pid}/children`);
        return children === null ? null : children.split(' ').filter((word) => word !== '').length;
      },
      end,
    };
  } catch (error) {
    await end();
    throwIfCancelled(signal);
    throw error;
  }
}

const readProc = (file: string) => readFile(file, 'utf8').catch(() => null);

/** The port it says that it listens on. */
async function portOf(child: ChildProcess): Promise<number> {
  let said = '';
  for await (const text of child.stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
    said += text;
    const found = /port (\d+)/.exec(said);
    if (found) return Number(found[1]);
  }
  throw new KernelFusionError('HELPER_NOT_RUNNING', 'The helper to be measured did not start.');
}
