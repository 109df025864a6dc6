/**
 * `kernelfusion bench speed`: where the time of a whole job goes, and how near its engine comes to what the device can do.
 *
 * The measure is a plain matrix product on the same executor, in the same run, before and after the job: on a computer that is
 * busy with other things it is slowed as the job is. Time outside of the engine is that of the solvers, which are TypeScript.
 */
import { throwIfCancelled } from '../../shared/errors.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import { type Openers, runJob } from '../job.ts';
import type { Layer } from '../kernelfusion/method.ts';
import { PHASES, type Phase } from '../kernelfusion/method.ts';
import { makeRandom } from '../kernelfusion/random.ts';
import type { Executor } from '../tensor/executor.ts';
import { GraphBuilder } from '../tensor/graph.ts';
import { macsOf } from '../tensor/macs.ts';
import { type MeteredExecutor, meterExecutor } from '../tensor/metered.ts';

export interface BenchSpeedRequest {
  readonly layer: Layer;
  readonly options: UpscaleOptions;
  /** Opens the device. */
  readonly open: () => Promise<Executor>;
  /** Side of the matrices. */
  readonly matrix?: number;
  readonly signal?: AbortSignal;
}

export interface PhaseShare {
  readonly phase: Phase;
  readonly seconds: number;
  /** Of the seconds, those in the engine. */
  readonly engine: number;
  /** Of the whole job. */
  readonly share: number;
}

export interface EngineSpeed {
  readonly work: string;
  readonly runs: number;
  readonly seconds: number;
  readonly gflops: number;
  /** Of the matrix product's speed. */
  readonly ofMatrix: number;
}

export interface BenchSpeedResult {
  readonly executor: string;
  readonly threads: number;
  readonly phases: readonly PhaseShare[];
  readonly engine: readonly EngineSpeed[];
  /** GFLOP/s of the matrix product before the job and after it; what the engine is compared with is their mean. */
  readonly matrix: readonly [number, number];
}

/** What the programs of a job are, by their outputs. */
const WORK: Readonly<Record<string, string>> = {
  'loss,nextParameters,nextM,nextV': 'training the net',
  x0: 'denoising by the net',
  product: "the kernel's equations",
};

const MATRIX = 1024;
const PRODUCTS = 9;

/** Throws what a job throws. */
export async function benchSpeed(request: BenchSpeedRequest): Promise<BenchSpeedResult> {
  const { layer, options, open, matrix = MATRIX, signal } = request;
  const before = await matrixSpeed(open, matrix, signal);
  let metered: MeteredExecutor | null = null;
  const device: Openers[number] = {
    name: 'onnx-cpu',
    open: async () => {
      metered = meterExecutor(await open());
      return metered;
    },
  };
  const inEngine = Object.fromEntries(PHASES.map((phase) => [phase, 0])) as Record<Phase, number>;
  let told = 0;
  const onProgress = ({ phase }: { readonly phase: Phase }) => {
    const seconds = metered!.seconds();
    inEngine[phase] += seconds - told;
    told = seconds;
  };
  const { timings, executor, threads } = await runJob(layer, options, { onProgress, ...(signal && { signal }) }, [
    device,
  ]);
  const after = await matrixSpeed(open, matrix, signal);
  const speed = (before + after) / 2;
  return {
    executor,
    threads,
    phases: PHASES.map((phase) => ({
      phase,
      seconds: timings[phase],
      engine: inEngine[phase],
      share: timings[phase] / timings.total,
    })),
    engine: [...metered!.usage()].map(([outputs, { runs, seconds, macs }]) => {
      const gflops = (2 * macs) / seconds / 1e9;
      return { work: WORK[outputs] ?? outputs, runs, seconds, gflops, ofMatrix: gflops / speed };
    }),
    matrix: [before, after],
  };
}

/** GFLOP/s of the median product. */
async function matrixSpeed(open: () => Promise<Executor>, side: number, signal?: AbortSignal): Promise<number> {
  const executor = await open();
  try {
    const g = new GraphBuilder();
    // One of them stays where it is and only one number comes back: what is timed is the product.
    const values = makeRandom(1).normals(side * side);
    const product = g.matmul(g.input('a', [side, side]), g.constant(values, [side, side]));
    const graph = g.build({ sum: g.sum(product, [0, 1]) });
    const program = await executor.compile(graph);
    const seconds: number[] = [];
    for (let i = 0; i <= PRODUCTS; i++) {
      throwIfCancelled(signal);
      const start = performance.now();
      await program.run({ a: values });
      if (i > 0) seconds.push((performance.now() - start) / 1000);
    }
    const median = seconds.sort((a, b) => a - b)[PRODUCTS >> 1];
    return (2 * macsOf(graph)) / median / 1e9;
  } finally {
    await executor.close();
  }
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** Both tables as Markdown. */
export function speedTable(heading: string, { phases, engine, matrix }: BenchSpeedResult): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = (head: readonly string[], body: readonly (readonly string[])[]) =>
    [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
  const byPhase = phases.map(({ phase, seconds, engine, share }) => [
    ...[phase, seconds.toFixed(1), percent(share)],
    ...[engine.toFixed(1), Math.max(0, seconds - engine).toFixed(1)],
  ]);
  const byWork = engine.map(({ work, runs, seconds, gflops, ofMatrix }) => [
    ...[work, `${runs}`, seconds.toFixed(1)],
    ...[gflops.toFixed(1), percent(ofMatrix)],
  ]);
  return `${[
    '# Speed',
    '',
    heading,
    '',
    table(['phase', 'seconds', 'share', 'in the engine', 'solvers and the rest'], byPhase),
    '',
    table(['in the engine', 'runs', 'seconds', 'GFLOP/s', 'of a matrix product'], byWork),
    '',
    `A matrix product on the same executor: ${matrix.map((speed) => speed.toFixed(1)).join(' GFLOP/s before and ')} after.`,
  ].join('\n')}\n`;
}
