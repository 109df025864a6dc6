/**
 * `kernelfusion bench engine`: the time of a training step of the patch-diffusion net, ours beside PyTorch's.
 *
 * Both take turns, a few steps each, so that whatever else the computer is doing slows both alike; medians are compared. (Two
 * threads of PyTorch suffer far more than ours where another program holds a core: they wait for each other awake.) The
 * losses are compared too: a fast step that computes something else would be no achievement.
 */
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import {
  DEFAULT_WIDTH,
  initialParameters,
  parameterLayout,
  TIME_ROW,
  TRAINING_STATE,
  type TrainingSize,
  timeRow,
  trainingGraph,
} from '../kernelfusion/patch-diffusion-net.ts';
import { makeRandom } from '../kernelfusion/random.ts';
import { adamScalars } from '../tensor/adam.ts';
import { createOnnxExecutor } from '../tensor/executors/onnx/executor.ts';
import { type Batch, findTorch, TorchNet } from './bench-engine-torch.ts';

/** What the default preset trains. */
const SIZE: TrainingSize = { width: DEFAULT_WIDTH, channels: 3, batch: 16, crop: 32 };
const RATE = 1e-3;
const WARM_UP = 2;
/** Largest relative difference of the two losses after equally many steps; rounding alone makes them drift by about 1e-3. */
const LOSS_TOLERANCE = 0.02;

export interface BenchEngineOptions {
  /** Threads of either library. */
  readonly threads: number;
  readonly signal?: AbortSignal;
  /** Receives a line for every round, and the conclusion. */
  readonly print: (line: string) => void;
  readonly rounds?: number;
  /** Steps of each library in a round. */
  readonly steps?: number;
  readonly size?: TrainingSize;
}

export interface BenchEngineResult {
  readonly engine: string;
  readonly threads: number;
  /** Channels in a block of the convolutions (1: standard operators). */
  readonly block: number;
  /** PyTorch's version; null where there is none, and then there is no ratio. */
  readonly torch: string | null;
  /** Median time of a step in milliseconds. */
  readonly milliseconds: number;
  readonly torchMilliseconds: number | null;
  /** Our median divided by PyTorch's: below 1 we are faster. */
  readonly ratio: number | null;
  /** The same of the fastest step of each: the fairer figure on a computer that is busy with other things. */
  readonly fastestRatio: number | null;
}

/** Some steps of training, and what the last loss was. */
interface Contender {
  train(steps: number): Promise<{ readonly milliseconds: readonly number[]; readonly loss: number }>;
  close(): Promise<void>;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function randomBatch({ batch, channels, crop }: TrainingSize): Batch {
  const random = makeRandom(1);
  const length = batch * channels * crop * crop;
  const time = new Float32Array(batch * TIME_ROW);
  for (let i = 0; i < batch; i++) time.set(timeRow(1 + random.below(260)), i * TIME_ROW);
  return { x0: random.normals(length).map((x) => 0.3 * x), noise: random.normals(length), time };
}

async function startOurs(size: TrainingSize, threads: number, parameters: Float32Array, batch: Batch) {
  const executor = await createOnnxExecutor({ threads });
  const program = await executor.compile(trainingGraph(size), { state: TRAINING_STATE });
  const zeros = new Float32Array(parameters.length);
  await program.writeState({ parameters, m: zeros, v: zeros });
  let k = 0;
  const contender: Contender = {
    async train(steps) {
      const milliseconds: number[] = [];
      let loss = Number.NaN;
      for (let i = 0; i < steps; i++) {
        const start = performance.now();
        ({
          loss: [loss],
        } = await program.run({ ...batch, adam: adamScalars(++k, RATE) }));
        milliseconds.push(performance.now() - start);
      }
      return { milliseconds, loss };
    },
    close: () => executor.close(),
  };
  return { contender, engine: executor.name, block: executor.blockSize };
}

async function startTorch(size: TrainingSize, threads: number, parameters: Float32Array, batch: Batch) {
  const python = await findTorch();
  if (!python) return null;
  const net = new TorchNet(python);
  const version = await net.load({ ...size, threads, parameters });
  const contender: Contender = {
    train: (steps) => net.train({ ...size, steps, rate: RATE }, batch),
    close: () => net.close(),
  };
  return { contender, version };
}

/** Times training steps; throws `ENGINE_FAILED` where the two libraries' losses part, `CANCELLED` between two turns. */
export async function benchEngine({
  threads,
  signal,
  print,
  rounds = 5,
  steps = 20,
  size = SIZE,
}: BenchEngineOptions): Promise<BenchEngineResult> {
  const layout = parameterLayout(size);
  const parameters = initialParameters(layout, makeRandom(2).uniform);
  const batch = randomBatch(size);
  const ours = await startOurs(size, threads, parameters, batch);
  const torch = await startTorch(size, threads, parameters, batch);
  try {
    print(
      `Training step, width ${size.width}, ${size.batch} crops of ${size.crop} x ${size.crop}, ${threads} thread(s).`,
    );
    if (!torch) print('There is no Python with PyTorch on this computer: nothing to compare with.');
    const [times, torchTimes]: [number[], number[]] = [[], []];
    for (let round = 0; round <= rounds; round++) {
      const turn = round === 0 ? WARM_UP : steps;
      throwIfCancelled(signal);
      const own = await ours.contender.train(turn);
      throwIfCancelled(signal);
      const theirs = await torch?.contender.train(turn);
      // Only before rounding errors have grown through many steps: from then on two right trainings part.
      if (round === 0 && theirs && Math.abs(own.loss / theirs.loss - 1) > LOSS_TOLERANCE) {
        throw new KernelFusionError('ENGINE_FAILED', `The losses part: ${own.loss} here, ${theirs.loss} in PyTorch.`);
      }
      if (round === 0) continue;
      times.push(...own.milliseconds);
      torchTimes.push(...(theirs?.milliseconds ?? []));
      const beside = theirs ? `, PyTorch ${median(theirs.milliseconds).toFixed(1)} ms` : '';
      print(
        `round ${round}: ${ours.engine} ${median(own.milliseconds).toFixed(1)} ms${beside}, loss ${own.loss.toFixed(4)}`,
      );
    }
    const milliseconds = median(times);
    const torchMilliseconds = torch ? median(torchTimes) : null;
    const ratio = torchMilliseconds ? milliseconds / torchMilliseconds : null;
    const fastestRatio = torch ? Math.min(...times) / Math.min(...torchTimes) : null;
    print(
      torch && ratio && fastestRatio
        ? `A step takes ${ratio.toFixed(2)} times as long as in PyTorch ${torch.version} (fastest steps: ${fastestRatio.toFixed(2)}).`
        : `A step takes ${milliseconds.toFixed(1)} ms (median).`,
    );
    const { engine, block } = ours;
    return {
      engine,
      threads,
      block,
      torch: torch?.version ?? null,
      milliseconds,
      torchMilliseconds,
      ratio,
      fastestRatio,
    };
  } finally {
    await Promise.all([ours.contender.close(), torch?.contender.close()]);
  }
}
