/**
 * The thread in which ONNX Runtime lives. Its calls block the thread they are made on until they are done, so they are made
 * here, and the helper's own thread stays free. The executor sends one request at a time.
 *
 * A program's state (a net's parameters, say) stays here between runs: what one run returns is fed to the next.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type * as Ort from 'onnxruntime-node';
import type { ErrorCode } from '../../../../shared/errors.ts';
import { meansOutOfMemory } from '../../../out-of-memory.ts';
import type { Shape } from '../../shape.ts';
import { buffersOf, type CompileRequest, type Reply, type Request, type ThreadOptions } from './messages.ts';

interface LiveProgram {
  readonly session: Ort.InferenceSession;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly state: Readonly<Record<string, string>>;
  readonly stateValues: Map<string, Ort.Tensor>;
  readonly download: Ort.InferenceSession | null;
}

type Values = Record<string, Float32Array>;

const port = parentPort!;
const { threads, providers, busy } = workerData as ThreadOptions;
const programs = new Map<number, LiveProgram>();
let runtime: typeof Ort | undefined;

class Failure extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause));
    this.code = code;
  }
}

/** Loaded on first use, so that a missing or unfit native library is an answer and not a crash of the thread. */
async function loadRuntime(): Promise<typeof Ort> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new Failure('ENGINE_UNAVAILABLE', error);
  }
}

async function compile({ program, model, shapes, state, download }: CompileRequest): Promise<void> {
  const staying = Object.values(state).map((output) => [`out:${output}`, 'gpu-buffer'] as const);
  // Outputs that are not named come to this process, as they do on every other provider.
  const session = await open(model, download ? { preferredOutputLocation: Object.fromEntries(staying) } : {});
  try {
    const downloading = download && (await open(download));
    programs.set(program, { session, shapes, state, stateValues: new Map(), download: downloading });
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function open(model: Uint8Array, options: Ort.InferenceSession.SessionOptions = {}) {
  runtime ??= await loadRuntime();
  return runtime.InferenceSession.create(model, {
    ...options,
    executionProviders: [...providers],
    intraOpNumThreads: threads,
    // Measured on training steps: parallel execution doubles the time, lower levels cost a tenth.
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Idle threads sleep instead of spinning: as fast on training steps (81 ms each on 2 cores), a tenth less processor time,
    // and none of the 33 ms of spinning after every run that the editor, the picture code or another program could have used.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    logSeverityLevel: 4,
  });
}

async function run({ session, shapes, state, stateValues }: LiveProgram, values: Values): Promise<Values> {
  const { Tensor } = runtime!;
  const feeds: Record<string, Ort.Tensor> = {};
  for (const [name, data] of Object.entries(values)) feeds[`in:${name}`] = new Tensor('float32', data, shapes[name]);
  for (const [name, value] of stateValues) feeds[`in:${name}`] = value;
  const results = await session.run(feeds);

  const kept = new Set(Object.values(state));
  for (const [input, output] of Object.entries(state)) {
    stateValues.get(input)?.dispose();
    stateValues.set(input, results[`out:${output}`] as Ort.Tensor);
  }
  const returned: Values = {};
  for (const output of session.outputNames.map((name) => name.slice('out:'.length))) {
    if (!kept.has(output)) returned[output] = own((results[`out:${output}`] as Ort.Tensor).data as Float32Array);
  }
  return returned;
}

/** A copy whose buffer can be transferred (the runtime's own may be bound to native memory). */
function own(data: Float32Array): Float32Array {
  return data.slice();
}

async function readState({ stateValues, download }: LiveProgram): Promise<Values> {
  const values = [...stateValues];
  const here = values.every(([, value]) => value.location === 'cpu');
  const results =
    download && !here
      ? await download.run(Object.fromEntries(values.map(([name, value]) => [`in:${name}`, value])))
      : Object.fromEntries(values.map(([name, value]) => [`out:${name}`, value]));
  return Object.fromEntries(values.map(([name]) => [name, own(results[`out:${name}`].data as Float32Array)]));
}

async function release(program: number): Promise<void> {
  const live = programs.get(program);
  if (!live) return;
  programs.delete(program);
  for (const value of live.stateValues.values()) value.dispose();
  await live.session.release();
  await live.download?.release();
}

async function serve(request: Request): Promise<Values> {
  switch (request.kind) {
    case 'compile':
      await compile(request);
      return {};
    case 'run':
      return run(programs.get(request.program)!, request.values);
    case 'writeState': {
      const { shapes, stateValues } = programs.get(request.program)!;
      for (const [name, data] of Object.entries(request.values)) {
        stateValues.get(name)?.dispose();
        stateValues.set(name, new runtime!.Tensor('float32', data, shapes[name]));
      }
      return {};
    }
    case 'readState':
      return readState(programs.get(request.program)!);
    case 'release':
      await release(request.program);
      return {};
    case 'count':
      return {};
    case 'close':
      for (const program of [...programs.keys()]) await release(program);
      return {};
    default:
      return request satisfies never;
  }
}

/** The code of a failure: what the runtime says when memory is short is worth a sentence of its own. */
function codeOf(error: unknown): ErrorCode {
  if (error instanceof Failure) return error.code;
  return meansOutOfMemory(error) ? 'OUT_OF_MEMORY' : 'ENGINE_FAILED';
}

async function answer(request: Request): Promise<Reply> {
  Atomics.store(busy, 0, 1);
  try {
    return { values: await serve(request), count: programs.size };
  } catch (error) {
    return { code: codeOf(error), detail: String(error) };
  } finally {
    Atomics.store(busy, 0, 0);
    Atomics.notify(busy, 0);
  }
}

port.on('message', async (request: Request) => {
  const reply = await answer(request);
  port.postMessage(reply, 'values' in reply ? buffersOf(reply.values) : []);
  if (request.kind === 'close') port.close();
});
