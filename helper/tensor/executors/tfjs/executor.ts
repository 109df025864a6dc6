/**
 * Runs graphs with TensorFlow.js, node by node: on GPUs that `@tensorflow/tfjs-node-gpu` knows, and wherever the others run.
 *
 * It computes in the thread it is called in, which stands still meanwhile: give it a process of its own. State stays on the
 * device; a value is disposed of after its last use.
 */
import { setImmediate } from 'node:timers/promises';
import { KernelFusionError } from '../../../../shared/errors.ts';
import { meansOutOfMemory, OUT_OF_MEMORY_SENTENCE } from '../../../out-of-memory.ts';
import { makeTurns } from '../../../turns.ts';
import type { CompileOptions, Executor, Program, Values } from '../../executor.ts';
import { type Graph, inputsOf } from '../../graph.ts';
import { type Shape, sizeOf } from '../../shape.ts';
import { computeNode } from './interpret.ts';
import { loadTfjs, type Tf, type TfjsPackage, type TfTensor } from './library.ts';

function failed(cause: unknown): KernelFusionError {
  if (cause instanceof KernelFusionError) return cause;
  if (meansOutOfMemory(cause)) return new KernelFusionError('OUT_OF_MEMORY', OUT_OF_MEMORY_SENTENCE, { cause });
  return new KernelFusionError(
    'ENGINE_FAILED',
    'TensorFlow.js could not carry out a computation; please report this with the output of "kernelfusion doctor".',
    { cause },
  );
}

/** All of them on the device; where one fails, none. */
function upload<K>(tf: Tf, values: Iterable<readonly [K, Float32Array, Shape]>): Map<K, TfTensor> {
  const tensors = new Map<K, TfTensor>();
  try {
    for (const [key, data, shape] of values) tensors.set(key, tf.tensor(data, shape, 'float32'));
    return tensors;
  } catch (error) {
    for (const tensor of tensors.values()) tensor.dispose();
    throw failed(error);
  }
}

/** For each node, the values that no later node and no output needs. */
function lastUses({ nodes, outputs }: Graph): number[][] {
  const last = new Map<number, number>();
  nodes.forEach((node, id) => {
    last.set(id, id);
    for (const input of node.inputs) last.set(input, id);
  });
  for (const id of Object.values(outputs)) last.delete(id);
  const ending = nodes.map((): number[] => []);
  for (const [id, user] of last) if (nodes[id].op !== 'constant') ending[user].push(id);
  return ending;
}

class TfjsProgram implements Program {
  private readonly tf: Tf;
  private readonly graph: Graph;
  private readonly state: Readonly<Record<string, string>>;
  private readonly fed: ReadonlyMap<string, Shape>;
  private readonly kept: ReadonlyMap<string, Shape>;
  private readonly ending: readonly (readonly number[])[];
  /** By node. */
  private readonly constants: ReadonlyMap<number, TfTensor>;
  /** By input name. */
  private held = new Map<string, TfTensor>();
  private readonly isOpen: () => boolean;
  private readonly onRelease: (program: TfjsProgram) => void;
  private released = false;
  private readonly turns = makeTurns();

  constructor(
    tf: Tf,
    graph: Graph,
    state: Readonly<Record<string, string>>,
    isOpen: () => boolean,
    onRelease: (program: TfjsProgram) => void,
  ) {
    const inputs = [...inputsOf(graph)];
    this.tf = tf;
    this.graph = graph;
    this.state = state;
    this.fed = new Map(inputs.filter(([name]) => !Object.hasOwn(state, name)));
    this.kept = new Map(inputs.filter(([name]) => Object.hasOwn(state, name)));
    this.ending = lastUses(graph);
    this.isOpen = isOpen;
    this.onRelease = onRelease;
    this.constants = upload(
      tf,
      graph.nodes.flatMap((node, id) => (node.op === 'constant' ? [[id, node.data, node.shape] as const] : [])),
    );
  }

  run(inputs: Values): Promise<Values> {
    const fed = this.copies(inputs, this.fed, 'Inputs');
    return this.inTurn(() => this.compute(fed));
  }

  writeState(values: Values): Promise<void> {
    const state = this.copies(values, this.kept, 'State');
    return this.inTurn(async () => this.hold(this.uploaded(state, this.kept)));
  }

  readState(): Promise<Values> {
    return this.inTurn(() => this.download(this.held));
  }

  async release(): Promise<void> {
    if (this.released) return;
    this.released = true;
    await this.turns.ended();
    this.hold(new Map());
    for (const tensor of this.constants.values()) tensor.dispose();
    this.onRelease(this);
  }

  /** One call after the other, each after a turn of the event loop. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.released && this.isOpen()) throw new Error('The program was released.');
    return this.turns.take(async () => {
      await setImmediate();
      if (!this.isOpen()) throw new KernelFusionError('CANCELLED', 'The tensor engine was closed.');
      try {
        return await work();
      } catch (error) {
        throw failed(error);
      }
    });
  }

  private copies(values: Values, shapes: ReadonlyMap<string, Shape>, what: string): Values {
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

  private uploaded(values: Values, shapes: ReadonlyMap<string, Shape>): Map<string, TfTensor> {
    return upload(
      this.tf,
      Object.entries(values).map(([name, data]) => [name, data, shapes.get(name)!] as const),
    );
  }

  private async download(tensors: ReadonlyMap<string, TfTensor>): Promise<Values> {
    const entries = [...tensors].map(async ([name, tensor]) => [name, (await tensor.data()).slice()] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  /** Takes tensors for the state and disposes of those before. */
  private hold(state: Map<string, TfTensor>): void {
    for (const tensor of this.held.values()) tensor.dispose();
    this.held = state;
  }

  private async compute(inputs: Values): Promise<Values> {
    const { tf, graph, state } = this;
    const fed = this.uploaded(inputs, this.fed);
    const live = new Map<number, TfTensor>();
    const results = new Map<string, TfTensor>();
    try {
      graph.nodes.forEach((node, id) => {
        const value = tf.tidy(() => {
          // Under a name of its own, so that each node's value is disposed of once.
          if (node.op === 'input') {
            const tensor = fed.get(node.name) ?? this.held.get(node.name);
            if (!tensor) throw new Error(`The state ${node.name} was not written.`);
            return tf.reshape(tensor, node.shape);
          }
          if (node.op === 'constant') return tf.reshape(this.constants.get(id)!, node.shape);
          const x = node.inputs.map((input) => live.get(input)!);
          return computeNode(tf, node, x);
        });
        live.set(id, value);
        for (const ended of this.ending[id]) {
          live.get(ended)!.dispose();
          live.delete(ended);
        }
      });
      for (const [name, id] of Object.entries(graph.outputs)) {
        results.set(
          name,
          tf.tidy(() => tf.reshape(live.get(id)!, graph.nodes[id].shape)),
        );
      }
      const stays = new Set(Object.values(state));
      const values = await this.download(new Map([...results].filter(([name]) => !stays.has(name))));
      const next = Object.entries(state).map(([input, output]) => {
        const tensor = results.get(output)!;
        return [input, tf.tidy(() => tf.reshape(tensor, tensor.shape))] as const;
      });
      this.hold(new Map(next));
      return values;
    } finally {
      for (const tensor of [...live.values(), ...fed.values(), ...results.values()]) tensor.dispose();
    }
  }
}

export class TfjsExecutor implements Executor {
  readonly name: string;
  readonly threads = 0;
  private readonly tf: Tf;
  private readonly live = new Set<TfjsProgram>();
  private open = true;

  constructor(tf: Tf, packageName: TfjsPackage) {
    this.name =
      packageName === '@tensorflow/tfjs' ? `tfjs-${tf.getBackend()}` : packageName.replace('@tensorflow/', '');
    this.tf = tf;
  }

  get livePrograms(): number {
    return this.live.size;
  }

  /** Tensors on the device, of all executors of this package. */
  get tensors(): number {
    return this.tf.memory().numTensors;
  }

  async compile(graph: Graph, { state = {} }: CompileOptions = {}): Promise<Program> {
    if (!this.open) throw new KernelFusionError('CANCELLED', 'The tensor engine was closed.');
    const onRelease = (released: TfjsProgram) => this.live.delete(released);
    const program = new TfjsProgram(this.tf, graph, state, () => this.open, onRelease);
    this.live.add(program);
    return program;
  }

  async close(): Promise<void> {
    this.open = false;
    await Promise.all([...this.live].map((program) => program.release()));
  }
}

/** Loads the package; throws `ENGINE_UNAVAILABLE` where it is missing or does not run. */
export async function createTfjsExecutor(packageName: TfjsPackage): Promise<TfjsExecutor> {
  try {
    return new TfjsExecutor(await loadTfjs(packageName), packageName);
  } catch (cause) {
    const sentence = `${packageName} is not installed or does not run on this computer; "kernelfusion doctor" tells more.`;
    throw new KernelFusionError('ENGINE_UNAVAILABLE', sentence, { cause });
  }
}
