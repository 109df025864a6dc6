/**
 * An executor in a process of its own (device-process.ts): a driver that aborts ends that process, and here it is an
 * `ENGINE_FAILED` like any other, after which a job goes on elsewhere.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { KernelFusionError } from '../../shared/errors.ts';
import type { CompileOptions, Executor, Program, Values } from '../tensor/executor.ts';
import type { Graph } from '../tensor/graph.ts';
import { makeTurns } from '../turns.ts';
import type { DeviceReply, DeviceRequest } from './device-messages.ts';

const LAST_WORDS = 2000;
/** Milliseconds after which a process that does not close is ended. */
const CLOSE_LIMIT = 3000;

/** The process, as a function from request to values. Requests go out one at a time, so that `close` can drop the others. */
class DeviceProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private readonly turns = makeTurns();
  private asker: { resolve(reply: DeviceReply): void; reject(error: Error): void } | null = null;
  private gone: KernelFusionError | null = null;
  private lastWords = '';

  constructor() {
    this.child = fork(new URL('./device-process.js', import.meta.url), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Flags of this process are not for the other.
      execArgv: [],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.lastWords = (this.lastWords + text).slice(-LAST_WORDS);
    });
    this.child.on('message', (reply: DeviceReply) => this.asker?.resolve(reply));
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.fail(this.broken(how));
        resolve();
      };
      this.child.on('error', (error) => end(error.message));
      this.child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  ask(request: DeviceRequest): Promise<DeviceReply> {
    return this.turns.take(() => this.send(request));
  }

  /** Lets a request under way finish, for a while, and ends the process. */
  async close(): Promise<void> {
    this.gone ??= new KernelFusionError('CANCELLED', 'The tensor engine was closed.');
    const late = new AbortController();
    const killing = wait(CLOSE_LIMIT, undefined, { signal: late.signal }).then(
      () => this.child.kill('SIGKILL'),
      () => {},
    );
    await Promise.race([this.turns.ended(), this.ended]);
    if (this.child.connected) this.child.send({ kind: 'close' } satisfies DeviceRequest, () => {});
    await this.ended;
    late.abort();
    await killing;
  }

  private async send(request: DeviceRequest): Promise<DeviceReply> {
    if (this.gone) throw this.gone;
    const reply = await new Promise<DeviceReply>((resolve, reject) => {
      this.asker = { resolve, reject };
      this.child.send(request, (error) => error && this.fail(this.broken(error.message)));
    });
    if (reply.kind !== 'failed') return reply;
    throw new KernelFusionError(reply.code, reply.sentence, { cause: new Error(reply.detail) });
  }

  private broken(how: string): KernelFusionError {
    const cause = new Error(`The process of the device ended (${how}). ${this.lastWords}`.trim());
    return new KernelFusionError('ENGINE_FAILED', 'The driver of the device broke down.', { cause });
  }

  private fail(error: KernelFusionError): void {
    this.gone ??= error;
    this.asker?.reject(error);
  }
}

const valuesOf = (reply: DeviceReply): Values => (reply.kind === 'values' ? reply.values : {});

export interface ApartExecutor extends Executor {
  /** What computes in place of a graphics card (software-adapter.ts), or null. */
  readonly software: string | null;
}

/**
 * Starts the process and opens the device there. Throws what its `create` throws, and `ENGINE_FAILED` where it crashes. A driver
 * that hangs is ended when `signal` fires.
 */
export async function openApart(device: string, threads?: number, signal?: AbortSignal): Promise<ApartExecutor> {
  const process = new DeviceProcess();
  const stop = () => void process.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const opened = await process.ask({ kind: 'open', device, threads });
    if (opened.kind !== 'opened') throw new Error('The process of the device opened nothing.');
    return executorOf(process, opened);
  } catch (error) {
    await process.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function executorOf(
  process: DeviceProcess,
  { name, threads, software }: Extract<DeviceReply, { kind: 'opened' }>,
): ApartExecutor {
  const live = new Set<number>();
  let next = 0;
  let closed: Promise<void> | null = null;

  async function compile(graph: Graph, options: CompileOptions = {}): Promise<Program> {
    const program = next++;
    await process.ask({ kind: 'compile', program, graph, options });
    live.add(program);
    let released: Promise<void> | null = null;
    const ask = (request: DeviceRequest) => {
      if (released) throw new Error('The program was released.');
      return process.ask(request);
    };
    const forget = () => void live.delete(program);
    return {
      run: async (values) => valuesOf(await ask({ kind: 'run', program, values })),
      writeState: async (values) => void (await ask({ kind: 'writeState', program, values })),
      readState: async () => valuesOf(await ask({ kind: 'readState', program })),
      release() {
        // It can only fail where the process is gone, and the program with it.
        released ??= process.ask({ kind: 'release', program }).then(forget, forget);
        return released;
      },
    };
  }

  return {
    name,
    threads,
    software,
    compile,
    get livePrograms() {
      return live.size;
    },
    close() {
      live.clear();
      closed ??= process.close();
      return closed;
    },
  };
}
