/**
 * An executor whose programs run in another way: metered, cut short, failing on purpose. All else stays as it is.
 */
import type { CompileOptions, Executor, Program } from './executor.ts';
import type { Graph } from './graph.ts';

/** `wrapRun` gets each program that is compiled and returns what is run in its place. */
export function wrapExecutor(
  executor: Executor,
  wrapRun: (program: Program, graph: Graph, options: CompileOptions | undefined) => Program['run'],
): Executor {
  return {
    name: executor.name,
    threads: executor.threads,
    get livePrograms() {
      return executor.livePrograms;
    },
    async compile(graph, options) {
      const program = await executor.compile(graph, options);
      return {
        run: wrapRun(program, graph, options),
        writeState: (values) => program.writeState(values),
        readState: () => program.readState(),
        release: () => program.release(),
      };
    },
    close: () => executor.close(),
  };
}
