/**
 * `kernelfusion bench speed`: where the time of a whole job goes, and how near its engine comes to what the device can do.
 *
 * The measure is a plain matrix product on the same executor, made now and then between the job's own runs: whatever else the
 * computer is busy with slows both alike. Time outside of the engine is that of the solvers, which always run on the processor, as far as the engine waits for them.
 */
import type { UpscaleOptions } from '../../shared/options.ts';
import { type Openers, runJob } from '../job.ts';
import { type Layer, PHASES, type Phase } from '../kernelfusion/method.ts';
import { makeRandom } from '../kernelfusion/random.ts';
import type { Executor } from '../tensor/executor.ts';
import { GraphBuilder } from '../tensor/graph.ts';
import { macsOf } from '../tensor/macs.ts';
import { type Meter, meterExecutor } from '../tensor/metered.ts';
import { wrapExecutor } from '../tensor/wrap.ts';
import { makeTurns } from '../turns.ts';

export interface BenchSpeedRequest {
  readonly layer: Layer;
  readonly options: UpscaleOptions;
  /** Opens the device. */
  readonly open: () => Promise<Executor>;
  /** Side of the matrices that are multiplied. */
  readonly matrixSide?: number;
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
  /** GFLOP/s of the matrix product. */
  readonly matrix: number;
}

/** What the programs of a job are, by their outputs. */
const WORK: Readonly<Record<string, string>> = {
  'loss,nextParameters,nextM,nextV': 'training the net',
  product: "the kernel's equations",
  x0: 'denoising by the net',
};
/** Which of them is used first is chance, for searches begin at once: they are told in this order, and others after them. */
const ORDER = Object.keys(WORK);
const placeOf = (outputs: string) => (ORDER.includes(outputs) ? ORDER.indexOf(outputs) : ORDER.length);

const MATRIX = 1024;
/** Seconds of the job's own runs between two products. */
const BETWEEN = 0.5;

/** Throws what a job throws. */
export async function benchSpeed(request: BenchSpeedRequest): Promise<BenchSpeedResult> {
  const { layer, options, open, matrixSide = MATRIX, signal } = request;
  let compared: Compared | null = null;
  const device: Openers[number] = {
    name: 'onnx-cpu',
    open: async () => {
      compared = await compareWithMatrix(await open(), matrixSide);
      return compared.executor;
    },
  };
  const inEngine = Object.fromEntries(PHASES.map((phase) => [phase, 0])) as Record<Phase, number>;
  let told = 0;
  const onProgress = ({ phase }: { readonly phase: Phase }) => {
    const seconds = compared!.job.seconds();
    inEngine[phase] += seconds - told;
    told = seconds;
  };
  const context = { onProgress, ...(signal && { signal }) };
  const { timings, executor, threads } = await runJob(layer, options, context, [device]);
  const { job, matrixSpeed } = compared!;
  const matrix = matrixSpeed();
  return {
    executor,
    threads,
    phases: PHASES.map((phase) => ({
      phase,
      seconds: timings[phase],
      engine: inEngine[phase],
      share: timings[phase] / timings.total,
    })),
    engine: [...job.usage()]
      .sort(([a], [b]) => placeOf(a) - placeOf(b))
      .map(([outputs, { runs, seconds, macs }]) => {
        const gflops = (2 * macs) / seconds / 1e9;
        return { work: WORK[outputs] ?? outputs, runs, seconds, gflops, ofMatrix: gflops / matrix };
      }),
    matrix,
  };
}

/** An executor for a job, its meter, and the GFLOP/s of the products made between the job's runs. */
interface Compared {
  readonly executor: Executor;
  readonly job: Meter;
  matrixSpeed(): number;
}

async function compareWithMatrix(bare: Executor, side: number): Promise<Compared> {
  const job = meterExecutor(bare);
  const g = new GraphBuilder();
  // One factor stays where it is and one number comes back: what is timed is the product.
  const values = makeRandom(1).normals(side * side);
  const c = g.matmul(g.input('a', [side, side]), g.constant(values, [side, side]));
  const graph = g.build({ sum: g.sum(c, [0, 1]) });
  const program = await bare.compile(graph);
  const product = async () => {
    const start = performance.now();
    await program.run({ a: values });
    return (performance.now() - start) / 1000;
  };
  await product(); // The first takes longer.
  let [count, spent] = [1, await product()];
  let last = 0;
  // Runs wait for each other here, where that does not count as their own time.
  const turns = makeTurns();
  const executor = wrapExecutor(
    job.executor,
    (own) => (inputs) =>
      turns.take(async () => {
        const result = await own.run(inputs);
        if (job.seconds() - last > BETWEEN) {
          last = job.seconds();
          spent += await product();
          count++;
        }
        return result;
      }),
  );
  return { executor, job, matrixSpeed: () => (2 * count * macsOf(graph)) / spent / 1e9 };
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
    `A matrix product on the same executor, between the job's own runs: ${matrix.toFixed(1)} GFLOP/s.`,
  ].join('\n')}\n`;
}
