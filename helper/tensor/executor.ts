/**
 * What runs a graph. One interface for every device and library, so that the method never knows which one it is on.
 */
import type { Graph } from './graph.ts';

/** Values by name, float32, in the shapes the graph declares. */
export type Values = Record<string, Float32Array>;

export interface CompileOptions {
  /**
   * State kept by the executor between runs: `{ inputName: outputName }`. Such an input is never fed; after each run it
   * takes the value of the output, without leaving the device.
   */
  readonly state?: Readonly<Record<string, string>>;
}

/** A graph made ready for one device. Owned by whoever compiled it: `release` frees its memory, and is awaited. */
export interface Program {
  /** Runs once. Feeds every input that is not state (the arrays stay the caller's); returns every output that is not state. */
  run(inputs: Values): Promise<Values>;
  /** Sets state inputs (all of them before the first run). */
  writeState(values: Values): Promise<void>;
  /** A copy of the present state, by input name. */
  readState(): Promise<Values>;
  release(): Promise<void>;
}

export interface Executor {
  /** Stable name, e.g. `onnx-cpu`, `reference`. */
  readonly name: string;
  /** Threads of the processor it computes on: they decide the last bits of results. 0 where its library or a card decides. */
  readonly threads: number;
  compile(graph: Graph, options?: CompileOptions): Promise<Program>;
  /** Programs compiled and not yet released; 0 after a job, or something leaks. */
  readonly livePrograms: number;
  /**
   * Frees the device, the thread and every program left. A run under way is let finish; runs that wait, and later ones,
   * reject with `CANCELLED`.
   */
  close(): Promise<void>;
}
