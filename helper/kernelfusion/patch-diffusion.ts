/**
 * Patch diffusion: the prior learnt from the layer alone (KernelFusion, section 4.1), and the denoiser it becomes.
 *
 * Crops are drawn where there is texture half of the time and anywhere otherwise: flat sky is learnt in a few steps. Only
 * times up to 260 are trained, the rest is never used. The rate is constant after a short warm-up and falls along a cosine
 * at the end (warm-up, stable, decay); once the loss is flat the fall begins at once, so easy layers stop early.
 */
import { throwIfCancelled } from '../../shared/errors.ts';
import { makePlanes, type Planes } from '../image/planes.ts';
import { adamScalars } from '../tensor/adam.ts';
import type { Executor, Program } from '../tensor/executor.ts';
import {
  DEFAULT_WIDTH,
  denoisingGraph,
  initialParameters,
  parameterLayout,
  RECEPTIVE_FIELD,
  TIME_ROW,
  TRAINING_STATE,
  timeRow,
  trainingGraph,
} from './patch-diffusion-net.ts';
import type { Random } from './random.ts';
import { noiseLevel, signalLevel } from './schedule.ts';

/** Largest time that is trained; signal and noise are then about equal in strength. */
export const LAST_TIME = 260;

export interface TrainingPlan {
  /** Steps at most; the last `decay` of them lower the rate. */
  readonly steps: number;
  readonly decay: number;
  readonly batch: number;
  /** Side of the square crops in pixels (less where the layer is smaller). */
  readonly crop: number;
  readonly learningRate: number;
  readonly width: number;
}

export const FAST_TRAINING: TrainingPlan = {
  steps: 450,
  decay: 200,
  batch: 16,
  crop: 32,
  learningRate: 2e-3,
  width: DEFAULT_WIDTH,
};

const WARM_UP = 20;
/** The loss counts as flat when a window's mean is less than this share below the window before. */
const FLAT_WINDOW = 80;
const FLAT_GAIN = 0.01;

export interface Prior {
  readonly width: number;
  readonly channels: number;
  readonly parameters: Float32Array;
}

/** Multiply-adds of the net for one pixel: what a step costs, for predictions of work. */
export function macsPerPixel({ width, channels }: { readonly width: number; readonly channels: number }): number {
  return parameterLayout({ width, channels })
    .entries.filter(({ shape }) => shape.length === 4)
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
}

/**
 * Trains on `layer` (values in [-1, 1]) and returns the prior. `onStep` hears every step's loss (mean squared error of v)
 * and how many steps there will be at most.
 */
export async function trainPrior(
  layer: Planes,
  plan: TrainingPlan,
  executor: Executor,
  random: Random,
  onStep: (step: number, steps: number, loss: number) => void,
  signal?: AbortSignal,
): Promise<Prior> {
  const { channels } = layer;
  const { batch, width } = plan;
  const crop = Math.min(plan.crop, layer.width, layer.height);
  const layout = parameterLayout({ width, channels });
  const program = await executor.compile(trainingGraph({ width, channels, batch, crop }), { state: TRAINING_STATE });
  try {
    await program.writeState({
      parameters: initialParameters(layout, random.uniform),
      m: new Float32Array(layout.size),
      v: new Float32Array(layout.size),
    });
    const pickCrop = cropPicker(layer, crop, random);
    const losses: number[] = [];
    let { steps: last, decay } = plan;
    for (let step = 1; step <= last; step++) {
      throwIfCancelled(signal);
      if (last === plan.steps && step <= plan.steps - plan.decay && isFlat(losses)) {
        // What is learnt so soon is soon settled, too.
        decay = Math.round(plan.decay / 2);
        last = step - 1 + decay;
      }
      const rate = plan.learningRate * rateShare(step, last, decay);
      const { loss } = await program.run({
        ...batchOf(layer, crop, batch, pickCrop, random),
        adam: adamScalars(step, rate),
      });
      losses.push(loss[0]);
      onStep(step, last, loss[0]);
    }
    const { parameters } = await program.readState();
    return { width, channels, parameters };
  } finally {
    await program.release();
  }
}

/** Share of the full rate at a step: linear warm-up, plateau, then half a cosine over the last `decay` steps. */
export function rateShare(step: number, steps: number, decay: number): number {
  const warm = Math.min(1, step / WARM_UP);
  const into = Math.max(0, step - (steps - decay)) / decay;
  return warm * (0.01 + 0.99 * 0.5 * (1 + Math.cos(Math.PI * into)));
}

function isFlat(losses: readonly number[]): boolean {
  if (losses.length < 2 * FLAT_WINDOW) return false;
  const mean = (from: number, to?: number) => losses.slice(from, to).reduce((a, b) => a + b) / FLAT_WINDOW;
  return mean(-FLAT_WINDOW) > (1 - FLAT_GAIN) * mean(-2 * FLAT_WINDOW, -FLAT_WINDOW);
}

/** Top left corners: half of them anywhere, half in proportion to the crop's mean gradient. */
function cropPicker(layer: Planes, crop: number, random: Random): () => readonly [number, number] {
  const columns = layer.width - crop + 1;
  const rows = layer.height - crop + 1;
  const texture = gradientSums(layer, { width: crop, height: crop });
  const total = new Float64Array(rows * columns);
  let sum = 0;
  for (let i = 0; i < total.length; i++) {
    sum += texture[i];
    total[i] = sum;
  }
  return () => {
    const i =
      sum > 0 && random.uniform() < 0.5 ? firstAbove(total, random.uniform() * sum) : random.below(total.length);
    return [Math.floor(i / columns), i % columns];
  };
}

/** Index of the first entry of an ascending list that is above `value`. */
function firstAbove(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Sum of |gradient| over each crop x crop window, one entry a top left corner, row-major. Pixels whose `usable` is 0 do not
 * count.
 */
export function gradientSums(
  { width, height, channels, data }: Planes,
  crop: { readonly width: number; readonly height: number },
  usable?: Uint8Array,
): Float64Array {
  // Summed-area table (Crow 1984), one row and column of zeros before.
  const table = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      let energy = 0;
      for (let c = 0; c < channels; c++) {
        const at = (c * height + y) * width + x;
        const dx = x + 1 < width ? data[at + 1] - data[at] : 0;
        const dy = y + 1 < height ? data[at + width] - data[at] : 0;
        energy += dx * dx + dy * dy;
      }
      if (usable?.[y * width + x] !== 0) row += Math.sqrt(energy);
      table[(y + 1) * (width + 1) + x + 1] = table[y * (width + 1) + x + 1] + row;
    }
  }
  const columns = width - crop.width + 1;
  const out = new Float64Array(columns * (height - crop.height + 1));
  for (let i = 0; i < out.length; i++) {
    const top = Math.floor(i / columns) * (width + 1) + (i % columns);
    const bottom = top + crop.height * (width + 1);
    out[i] = table[bottom + crop.width] - table[bottom] - table[top + crop.width] + table[top];
  }
  return out;
}

function batchOf(
  layer: Planes,
  crop: number,
  batch: number,
  pickCrop: () => readonly [number, number],
  random: Random,
): { x0: Float32Array; noise: Float32Array; time: Float32Array } {
  const { width, height, channels, data } = layer;
  const x0 = new Float32Array(batch * channels * crop * crop);
  const time = new Float32Array(batch * TIME_ROW);
  let to = 0;
  for (let n = 0; n < batch; n++) {
    const [top, left] = pickCrop();
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < crop; y++, to += crop) {
        const from = (c * height + top + y) * width + left;
        x0.set(data.subarray(from, from + crop), to);
      }
    }
    time.set(timeRow(1 + random.below(LAST_TIME)), n * TIME_ROW);
  }
  return { x0, noise: random.normals(x0.length), time };
}

/** Denoises canvases of one size. */
export interface Denoiser {
  /**
   * E[x0 | x_t] for x_t = a_t x + s_t * noise. Without `noise` the picture itself is taken for x_t / a_t: the step towards
   * the prior that restoration uses.
   */
  denoise(x: Planes, t: number, noise?: Float32Array): Promise<Planes>;
  release(): Promise<void>;
}

/** Largest side denoised in one piece, by default: bounds the memory, and the time a cancel waits for. */
const TILE = 192;

/**
 * A denoiser for canvases of `width` x `height`. Those larger than `most` are cut into tiles that overlap by the receptive field's radius
 * and lie wholly inside the canvas, so every pixel sees exactly what it would see in one piece: no seams.
 */
export async function makeDenoiser(
  prior: Prior,
  width: number,
  height: number,
  executor: Executor,
  signal?: AbortSignal,
  most = TILE,
): Promise<Denoiser> {
  const tileWidth = Math.min(width, most);
  const tileHeight = Math.min(height, most);
  const { channels } = prior;
  const program = await executor.compile(denoisingGraph({ ...prior, height: tileHeight, imageWidth: tileWidth }));
  return {
    async denoise(x, t, noise) {
      const a = signalLevel(t);
      const s = noiseLevel(t);
      const xt = x.data.map(noise ? (v, i) => a * v + s * noise[i] : (v) => a * v);
      const out = makePlanes(width, height, channels);
      for (const row of tiles(height, tileHeight)) {
        for (const column of tiles(width, tileWidth)) {
          throwIfCancelled(signal);
          await denoiseTile(program, xt, out, row, column, tileWidth, tileHeight, timeRow(t));
        }
      }
      return out;
    },
    release: () => program.release(),
  };
}

/** One axis of a tile: where it begins, and which part [from, to) of the canvas it fills. */
export interface TileSpan {
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** Cuts `length` into spans of `tile` that overlap by twice the field's radius; the last is moved back inside. */
export function tiles(length: number, tile: number): TileSpan[] {
  const radius = (RECEPTIVE_FIELD - 1) / 2;
  const spans: TileSpan[] = [];
  for (let from = 0; from < length; ) {
    const start = Math.min(Math.max(0, from - radius), length - tile);
    const to = start + tile === length ? length : start + tile - radius;
    spans.push({ start, from, to });
    from = to;
  }
  return spans;
}

async function denoiseTile(
  program: Program,
  xt: Float32Array,
  out: Planes,
  row: TileSpan,
  column: TileSpan,
  tileWidth: number,
  tileHeight: number,
  time: Float32Array,
): Promise<void> {
  const { width, height, channels } = out;
  const tile = new Float32Array(channels * tileHeight * tileWidth);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < tileHeight; y++) {
      const from = (c * height + row.start + y) * width + column.start;
      tile.set(xt.subarray(from, from + tileWidth), (c * tileHeight + y) * tileWidth);
    }
  }
  const { x0 } = await program.run({ xt: tile, time });
  for (let c = 0; c < channels; c++) {
    for (let y = row.from; y < row.to; y++) {
      const from = (c * tileHeight + y - row.start) * tileWidth + column.from - column.start;
      out.data.set(x0.subarray(from, from + column.to - column.from), (c * height + y) * width + column.from);
    }
  }
}
