/** A training that takes a second, where a test needs a prior and not a good one. */
import type { Executor, Values } from '../../helper/tensor/executor.ts';

/** Trains only for the first steps, then repeats their last loss: what follows meets a real if poor prior in a second. */
export function trainingBriefly(executor: Executor, steps = 15): Executor {
  return {
    name: executor.name,
    threads: executor.threads,
    get livePrograms() {
      return executor.livePrograms;
    },
    async compile(graph, options) {
      const program = await executor.compile(graph, options);
      if (!options?.state) return program;
      let ran = 0;
      let last: Values = {};
      return {
        async run(inputs) {
          if (ran++ < steps) last = await program.run(inputs);
          return last;
        },
        writeState: (values) => program.writeState(values),
        readState: () => program.readState(),
        release: () => program.release(),
      };
    },
    close: () => executor.close(),
  };
}
