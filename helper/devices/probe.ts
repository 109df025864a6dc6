/**
 * How fast a device does the real work: training steps of the default net, for about two seconds.
 */
import { throwIfCancelled } from '../../shared/errors.ts';
import { FAST_TRAINING, macsPerPixel } from '../kernelfusion/patch-diffusion.ts';
import {
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
import type { Executor, Program } from '../tensor/executor.ts';

const { width, batch, crop } = FAST_TRAINING;
const SIZE: TrainingSize = { width, channels: 3, batch, crop };
const SECONDS = 2;
const RATE = 1e-3;

/** Multiply-adds of a training step: forward, and the gradients by picture and by weights. */
export const stepMacs = (size: TrainingSize) => 3 * size.batch * size.crop ** 2 * macsPerPixel(size);

/** A training step with made-up crops, ready to be repeated; resolves with the loss. */
export async function makeStep(
  executor: Executor,
  size: TrainingSize,
): Promise<{ step(): Promise<number>; release: Program['release'] }> {
  const layout = parameterLayout(size);
  const random = makeRandom(1);
  const program = await executor.compile(trainingGraph(size), { state: TRAINING_STATE });
  const zeros = new Float32Array(layout.size);
  await program.writeState({ parameters: initialParameters(layout, random.uniform), m: zeros, v: zeros });
  const pixels = size.batch * size.channels * size.crop ** 2;
  const time = new Float32Array(size.batch * TIME_ROW);
  for (let i = 0; i < size.batch; i++) time.set(timeRow(1 + random.below(260)), i * TIME_ROW);
  const crops = { x0: random.normals(pixels).map((v) => 0.3 * v), noise: random.normals(pixels), time };
  let k = 0;
  return {
    async step() {
      const { loss } = await program.run({ ...crops, adam: adamScalars(++k, RATE) });
      return loss[0];
    },
    release: () => program.release(),
  };
}

/**
 * Multiply-adds a second, by the fastest of the steps: other work of the computer only ever slows one down. The first step,
 * in which drivers translate their programs, does not count. Throws `ENGINE_FAILED` where a loss is no number.
 */
export async function probeSpeed(
  executor: Executor,
  signal?: AbortSignal,
  { size = SIZE, seconds = SECONDS } = {},
): Promise<number> {
  const { step, release } = await makeStep(executor, size);
  try {
    await step();
    const start = performance.now();
    let fastest = Number.POSITIVE_INFINITY;
    let before = start;
    do {
      throwIfCancelled(signal);
      if (!Number.isFinite(await step())) throw new Error('The loss of a training step is no number.');
      const now = performance.now();
      fastest = Math.min(fastest, now - before);
      before = now;
    } while (before - start < 1000 * seconds);
    return stepMacs(size) / (fastest / 1000);
  } finally {
    await release();
  }
}
