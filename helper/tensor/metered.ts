/**
 * An executor that notes what its programs take: for benchmarks. Programs are told apart by the names of their outputs.
 */
import type { Executor } from './executor.ts';
import { macsOf } from './macs.ts';
import { wrapExecutor } from './wrap.ts';

export interface Usage {
  readonly runs: number;
  /** In `run`, the way to the device and back included. */
  readonly seconds: number;
  readonly macs: number;
}

export interface Meter {
  readonly executor: Executor;
  /** By the outputs' names, joined by commas. */
  usage(): ReadonlyMap<string, Usage>;
  /** Seconds in `run`, of all programs. */
  seconds(): number;
}

export function meterExecutor(bare: Executor): Meter {
  const uses = new Map<string, Usage>();
  const executor = wrapExecutor(bare, (program, graph) => {
    const name = Object.keys(graph.outputs).join();
    const macs = macsOf(graph);
    return async (inputs) => {
      const start = performance.now();
      const result = await program.run(inputs);
      const past = uses.get(name) ?? { runs: 0, seconds: 0, macs: 0 };
      const seconds = past.seconds + (performance.now() - start) / 1000;
      uses.set(name, { runs: past.runs + 1, seconds, macs: past.macs + macs });
      return result;
    };
  });
  return {
    executor,
    usage: () => uses,
    seconds: () => [...uses.values()].reduce((sum, { seconds }) => sum + seconds, 0),
  };
}
