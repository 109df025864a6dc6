/**
 * Runs graphs with ONNX Runtime: lowers them here, runs them in a thread of its own (onnx-worker.ts).
 *
 * The executor owns the thread and every program in it. A run that has begun cannot be interrupted (it is one native call),
 * so `close` lets it finish and drops what was waiting: keep single runs short.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, KernelFusionError } from '../../../../shared/errors.ts';
import { OUT_OF_MEMORY_SENTENCE } from '../../../out-of-memory.ts';
import { makeTurns } from '../../../turns.ts';
import type { CompileOptions, Executor, Program, Values } from '../../executor.ts';
import { type Graph, GraphBuilder } from '../../graph.ts';
import { type Shape, sizeOf } from '../../shape.ts';
import { BLOCK_PROBE, readBlockProbe } from './block-probe.ts';
import { lowerGraph } from './lower.ts';
import { buffersOf, type Reply, type Request, type ThreadOptions } from './messages.ts';
import { encodeModel, type OnnxModel } from './model.ts';
import { disableTelemetry } from './telemetry.ts';

export interface OnnxOptions {
  /** Threads of the CPU provider; default: as many as this process may use. Results depend on it in their last bits. */
  readonly threads?: number;
  /** Execution providers of ONNX Runtime in order of preference, e.g. `['cuda', 'cpu']`; default `['cpu']`. */
  readonly providers?: readonly string[];
  /** `auto`: the CPU's blocked convolutions where it has them; `portable`: standard operators only. Default `auto`. */
  readonly lowering?: 'auto' | 'portable';
}

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  ENGINE_UNAVAILABLE: 'ONNX Runtime could not be loaded on this computer; "kernelfusion doctor" tells more.',
  ENGINE_FAILED:
    'ONNX Runtime could not carry out a computation; please report this with the output of "kernelfusion doctor".',
  OUT_OF_MEMORY: OUT_OF_MEMORY_SENTENCE,
};

function failure(code: ErrorCode, detail: string): KernelFusionError {
  return new KernelFusionError(code, SENTENCES[code] ?? SENTENCES.ENGINE_FAILED!, { cause: new Error(detail) });
}

/** Milliseconds that the process may be held up at its end by a run under way. */
const LONGEST_WAIT_AT_EXIT = 5000;

type Answer = Extract<Reply, { values: unknown }>;

/** The thread, as a function from request to answer. Requests go out one at a time, so that `close` can drop the others. */
class Thread {
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private readonly turns = makeTurns();
  private asker: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;
  private gone: KernelFusionError | null = null;
  /** 1 while the thread is inside a native call. */
  private readonly busy = new Int32Array(new SharedArrayBuffer(4));
  private readonly onExit = () => Atomics.wait(this.busy, 0, 1, LONGEST_WAIT_AT_EXIT);

  constructor(options: Omit<ThreadOptions, 'busy'>) {
    disableTelemetry();
    // A thread that is stopped inside a native call takes the process down with SIGABRT: whoever ends the process waits.
    process.once('exit', this.onExit);
    const workerData: ThreadOptions = { ...options, busy: this.busy };
    // Flags of this process are not for the thread: `--input-type`, say, would keep it from starting.
    this.worker = new Worker(new URL('./onnx-worker.js', import.meta.url), { workerData, execArgv: [] });
    this.worker.on('message', (reply: Reply) => {
      if ('values' in reply) this.asker?.resolve(reply);
      else this.asker?.reject(failure(reply.code, reply.detail));
    });
    this.worker.on('error', (error) => this.fail(failure('ENGINE_FAILED', String(error))));
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.fail(failure('ENGINE_FAILED', `The thread ended with code ${code}.`));
        process.off('exit', this.onExit);
        resolve();
      });
    });
  }

  ask(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Answer> {
    return this.turns.take(() => this.send(request, transfer));
  }

  async close(): Promise<void> {
    this.gone ??= new KernelFusionError('CANCELLED', 'The tensor engine was closed.');
    await this.turns.ended();
    this.worker.postMessage({ kind: 'close' } satisfies Request);
    await this.ended;
  }

  private send(request: Request, transfer: readonly ArrayBuffer[]): Promise<Answer> {
    if (this.gone) throw this.gone;
    return new Promise((resolve, reject) => {
      this.asker = { resolve, reject };
      this.worker.postMessage(request, transfer);
    });
  }

  private fail(error: KernelFusionError): void {
    this.gone ??= error;
    this.asker?.reject(error);
  }
}

/** Copies before transferring: the caller keeps its arrays, and the copy crosses without another. */
function copies(values: Values, shapes: ReadonlyMap<string, Shape>, what: string): Values {
  const names = Object.keys(values);
  if (names.length !== shapes.size || names.some((name) => !shapes.has(name))) {
    throw new Error(`${what} must be exactly: ${[...shapes.keys()]}; not: ${names}.`);
  }
  return Object.fromEntries(
    Object.entries(values).map(([name, data]) => {
      const shape = shapes.get(name)!;
      if (data.length !== sizeOf(shape)) throw new Error(`${name}: ${data.length} values for [${shape}].`);
      return [name, data.slice()];
    }),
  );
}

class OnnxProgram implements Program {
  private readonly thread: Thread;
  private readonly id: number;
  private readonly fed: ReadonlyMap<string, Shape>;
  private readonly kept: ReadonlyMap<string, Shape>;
  private readonly onRelease: () => void;
  private released: Promise<void> | null = null;

  constructor(thread: Thread, id: number, inputs: ReadonlyMap<string, Shape>, state: object, onRelease: () => void) {
    this.thread = thread;
    this.id = id;
    this.fed = new Map([...inputs].filter(([name]) => !Object.hasOwn(state, name)));
    this.kept = new Map([...inputs].filter(([name]) => Object.hasOwn(state, name)));
    this.onRelease = onRelease;
  }

  async run(inputs: Values): Promise<Values> {
    return (await this.send('run', copies(inputs, this.fed, 'Inputs'))).values;
  }

  async writeState(values: Values): Promise<void> {
    await this.send('writeState', copies(values, this.kept, 'State'));
  }

  async readState(): Promise<Values> {
    return (await this.thread.ask({ kind: 'readState', program: this.id })).values;
  }

  release(): Promise<void> {
    // It can only fail where the thread is gone, and the program with it.
    this.released ??= this.thread.ask({ kind: 'release', program: this.id }).then(this.onRelease, this.onRelease);
    return this.released;
  }

  private send(kind: 'run' | 'writeState', values: Values): Promise<Answer> {
    if (this.released) throw new Error('The program was released.');
    return this.thread.ask({ kind, program: this.id, values }, buffersOf(values));
  }
}

/** Returns its inputs. */
function identityModel(values: readonly (readonly [name: string, shape: Shape])[]): OnnxModel {
  return {
    inputs: new Map(values.map(([name, shape]) => [`in:${name}`, shape])),
    outputs: new Map(values.map(([name, shape]) => [`out:${name}`, shape])),
    initializers: [],
    nodes: values.map(([name]) => ({ op: 'Identity', inputs: [`in:${name}`], outputs: [`out:${name}`] })),
  };
}

export class OnnxExecutor implements Executor {
  readonly name: string;
  readonly threads: number;
  private readonly thread: Thread;
  private readonly live = new Set<number>();
  /** Whether the provider keeps results in its own memory where it is asked to. */
  private readonly keepsState: boolean;
  private block = 1;
  private nextProgram = 0;
  private closed: Promise<void> | null = null;

  constructor(options: Omit<ThreadOptions, 'busy'>) {
    this.name = `onnx-${options.providers[0]}`;
    this.threads = options.providers[0] === 'cpu' ? options.threads : 0;
    this.keepsState = options.providers[0] === 'webgpu';
    this.thread = new Thread(options);
  }

  get livePrograms(): number {
    return this.live.size;
  }

  /** Channels in a block of the convolutions in use: 8 or 16, or 1 where standard operators are used. */
  get blockSize(): number {
    return this.block;
  }

  /** Programs the thread itself holds; the same as `livePrograms` when nothing is under way. */
  async programsInThread(): Promise<number> {
    return (await this.thread.ask({ kind: 'count' })).count;
  }

  /** Carries out the least of graphs, so that a missing library or provider shows now and not in the middle of a job. */
  async check(): Promise<void> {
    const g = new GraphBuilder();
    const program = await this.compile(g.build({ y: g.relu(g.input('x', [1])) }));
    await program.run({ x: Float32Array.of(1) });
    await program.release();
  }

  /** Finds out in what blocks this CPU's convolutions hold channels; without such convolutions the block stays 1. */
  async probeBlock(): Promise<void> {
    const program = await this.load(BLOCK_PROBE.model).catch(() => null);
    if (!program) return;
    this.block = readBlockProbe(await program.run({ x: BLOCK_PROBE.input }));
    await program.release();
  }

  async compile(graph: Graph, { state = {} }: CompileOptions = {}): Promise<Program> {
    return this.load(lowerGraph(graph, this.block), state);
  }

  private async load(model: OnnxModel, state: Readonly<Record<string, string>> = {}): Promise<Program> {
    const inputs = new Map([...model.inputs].map(([name, shape]) => [name.slice('in:'.length), shape]));
    const bytes = encodeModel(model);
    const id = this.nextProgram++;
    const shapes = Object.fromEntries(inputs);
    const kept = Object.keys(state).map((name) => [name, shapes[name]] as const);
    const download = this.keepsState && kept.length > 0 ? encodeModel(identityModel(kept)) : null;
    const request = { kind: 'compile', program: id, model: bytes, shapes, state, download } as const;
    await this.thread.ask(request, [bytes.buffer]);
    this.live.add(id);
    return new OnnxProgram(this.thread, id, inputs, state, () => this.live.delete(id));
  }

  close(): Promise<void> {
    this.live.clear();
    this.closed ??= this.thread.close();
    return this.closed;
  }
}

/** Starts the thread; throws `ENGINE_UNAVAILABLE` where ONNX Runtime cannot be loaded or lacks the provider. */
export async function createOnnxExecutor({
  threads = availableParallelism(),
  providers = ['cpu'],
  lowering = 'auto',
}: OnnxOptions = {}): Promise<OnnxExecutor> {
  const executor = new OnnxExecutor({ threads, providers });
  try {
    await executor.check();
    if (lowering === 'auto' && providers[0] === 'cpu') await executor.probeBlock();
    return executor;
  } catch (error) {
    await executor.close();
    throw failure('ENGINE_UNAVAILABLE', String(error instanceof Error ? error.cause : error));
  }
}
