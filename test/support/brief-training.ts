/** A training that takes a second, where a test needs a prior and not a good one. */
import type { Executor, Values } from '../../helper/tensor/executor.ts';
import { wrapExecutor } from '../../helper/tensor/wrap.ts';

/** Trains only for the first steps, then repeats their last loss: what follows meets a real if poor prior in a second. */
export const trainingBriefly = (executor: Executor, steps = 15): Executor =>
  wrapExecutor(executor, (program, _, options) => {
    if (!options?.state) return (inputs) => program.run(inputs);
    let ran = 0;
    let last: Values = {};
    return async (inputs) => {
      if (ran++ < steps) last = await program.run(inputs);
      return last;
    };
  });
