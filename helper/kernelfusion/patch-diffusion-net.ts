/**
 * The patch-diffusion net (KernelFusion, arXiv 2503.21907, section 4.1 and appendix): a denoiser that sees 15x15 pixels only,
 * so that trained on one picture it learns that picture's patches and nothing larger.
 *
 * Block 1 is two 3x3 convolutions, blocks 2..6 a 3x3 and a 1x1 with a residual: radius 1 + 1 + 5 = 7, field 15. The embedded
 * time is added after each block's first convolution. It predicts v = a e - s x0 (Salimans & Ho 2022), so x0 = a x_t - s v.
 * Width 64 by default where the paper has 128: measured good enough at a quarter of the work.
 */
import { adamStep } from '../tensor/adam.ts';
import { gradient } from '../tensor/gradient.ts';
import { type Graph, GraphBuilder, type Tensor } from '../tensor/graph.ts';
import { flatten, layOut, type ParameterLayout, unflatten } from '../tensor/parameters.ts';
import { sizeOf } from '../tensor/shape.ts';
import { noiseLevel, signalLevel } from './schedule.ts';

export const RECEPTIVE_FIELD = 15;
export const DEFAULT_WIDTH = 64;
const BLOCKS = 6;
const EMBEDDING = 64;
/** Length of a time row: a_t, s_t and the embedding. */
export const TIME_ROW = EMBEDDING + 2;

export interface NetSize {
  /** Feature planes of the hidden layers. */
  readonly width: number;
  /** Colour planes of the picture: 1 or 3. */
  readonly channels: number;
}

/** Names, shapes and places of the parameters in the flat vector. */
export function parameterLayout({ width, channels }: NetSize): ParameterLayout {
  const blocks = Array.from({ length: BLOCKS }, (_, block): [string, number[]][] => {
    const side = block === 0 ? 3 : 1;
    return [
      [`block${block}.time.weight`, [width, EMBEDDING]],
      [`block${block}.time.bias`, [width]],
      [`block${block}.conv1.weight`, [width, block === 0 ? channels : width, 3, 3]],
      [`block${block}.conv1.bias`, [width]],
      [`block${block}.conv2.weight`, [width, width, side, side]],
      [`block${block}.conv2.bias`, [width]],
    ];
  });
  return layOut([
    ['time.weight', [EMBEDDING, EMBEDDING]],
    ['time.bias', [EMBEDDING]],
    ...blocks.flat(),
    ['out.weight', [channels, width, 1, 1]],
    ['out.bias', [channels]],
  ]);
}

/**
 * Start values: uniform with variance 2 / fan-in for convolutions (He et al. 2015), 1 / fan-in for the time layers, zero for
 * biases and for the output layer, so that the untrained net predicts v = 0. `random` gives numbers in [0, 1).
 */
export function initialParameters({ entries, size }: ParameterLayout, random: () => number): Float32Array {
  const values = new Float32Array(size);
  for (const { name, shape, offset } of entries) {
    if (shape.length === 1 || name.startsWith('out.')) continue;
    const variance = (shape.length === 4 ? 2 : 1) / sizeOf(shape.slice(1));
    const bound = Math.sqrt(3 * variance);
    for (let i = 0; i < sizeOf(shape); i++) values[offset + i] = (2 * random() - 1) * bound;
  }
  return values;
}

/**
 * [a_t, s_t, 32 sines, 32 cosines of t / 10000^(i/32)]: what the net is told about time t. Computed here in double precision:
 * graphics cards' sines of arguments in the hundreds are not exact.
 */
export function timeRow(t: number): Float32Array {
  const half = EMBEDDING / 2;
  const row = new Float32Array(TIME_ROW);
  row[0] = signalLevel(t);
  row[1] = noiseLevel(t);
  for (let i = 0; i < half; i++) {
    const angle = t * 10000 ** (-i / half);
    row[2 + i] = Math.sin(angle);
    row[2 + half + i] = Math.cos(angle);
  }
  return row;
}

/** a_t and s_t of each picture, as [B, 1, 1, 1], and its embedding [B, 64]. */
export interface TimeRows {
  readonly a: Tensor;
  readonly s: Tensor;
  readonly embedding: Tensor;
}

/** Takes rows of timeRow, [B, 66], apart. */
export function readTimeRows(g: GraphBuilder, rows: Tensor): TimeRows {
  const perPicture = [rows.shape[0], 1, 1, 1];
  return {
    a: g.reshape(g.sliceAxis(rows, 1, 0, 1), perPicture),
    s: g.reshape(g.sliceAxis(rows, 1, 1, 1), perPicture),
    embedding: g.sliceAxis(rows, 1, 2, EMBEDDING),
  };
}

/** v predicted for x_t [B, C, H, W] and its embedded times [B, 64]. */
function predictV(g: GraphBuilder, p: Record<string, Tensor>, xt: Tensor, embedding: Tensor): Tensor {
  const batch = xt.shape[0];
  const time = g.silu(g.linear(embedding, p['time.weight'], p['time.bias']));
  let h = xt;
  for (let block = 0; block < BLOCKS; block++) {
    const at = (name: string) => p[`block${block}.${name}`];
    const shift = g.linear(time, at('time.weight'), at('time.bias'));
    const width = shift.shape[1];
    // For a single picture the shift is the same everywhere: just another bias, which costs nothing.
    const u =
      batch === 1
        ? g.conv2d(h, at('conv1.weight'), g.add(at('conv1.bias'), g.reshape(shift, [width])))
        : g.add(g.conv2d(h, at('conv1.weight'), at('conv1.bias')), g.reshape(shift, [batch, width, 1, 1]));
    const v = g.conv2d(g.relu(u), at('conv2.weight'), at('conv2.bias'));
    h = g.relu(block === 0 ? v : g.add(h, v));
  }
  return g.conv2d(h, p['out.weight'], p['out.bias']);
}

/** State of training: input name -> output name (CompileOptions.state of `trainingGraph`). */
export const TRAINING_STATE = { parameters: 'nextParameters', m: 'nextM', v: 'nextV' } as const;

export interface TrainingSize extends NetSize {
  readonly batch: number;
  /** Side of the square crops, in pixels. */
  readonly crop: number;
}

/**
 * One training step. Inputs: x0 and noise [B, C, crop, crop], time [B, 66] (rows of timeRow), adam [2] (adamScalars); state:
 * parameters, m, v, flat. Outputs: loss [] (mean squared error of v, before the step) and the next state.
 */
export function trainingGraph({ width, channels, batch, crop }: TrainingSize): Graph {
  const g = new GraphBuilder();
  const layout = parameterLayout({ width, channels });
  const x0 = g.input('x0', [batch, channels, crop, crop]);
  const noise = g.input('noise', x0.shape);
  const time = g.input('time', [batch, TIME_ROW]);
  const scalars = g.input('adam', [2]);
  const state = {
    parameters: g.input('parameters', [layout.size]),
    m: g.input('m', [layout.size]),
    v: g.input('v', [layout.size]),
  };

  const { loss, gradients } = lossAndGradients(g, layout, state.parameters, { x0, noise, time });
  const next = adamStep(g, state, gradients, scalars);
  return g.build({ loss, nextParameters: next.parameters, nextM: next.m, nextV: next.v });
}

/** Emits the loss, and its gradient as one flat vector. */
export function lossAndGradients(
  g: GraphBuilder,
  layout: ParameterLayout,
  parameters: Tensor,
  { x0, noise, time }: { readonly x0: Tensor; readonly noise: Tensor; readonly time: Tensor },
): { loss: Tensor; gradients: Tensor } {
  const { a, s, embedding } = readTimeRows(g, time);
  const xt = g.add(g.mul(a, x0), g.mul(s, noise));
  const v = g.sub(g.mul(a, noise), g.mul(s, x0));
  const p = unflatten(g, parameters, layout);
  const loss = g.mse(predictV(g, p, xt, embedding), v);
  return {
    loss,
    gradients: flatten(
      g,
      gradient(
        g,
        loss,
        layout.entries.map(({ name }) => p[name]),
      ),
    ),
  };
}

export interface DenoisingSize extends NetSize {
  readonly height: number;
  readonly imageWidth: number;
  /** The trained parameters; they become constants of the graph. */
  readonly parameters: Float32Array;
}

/** Denoises one picture. Inputs: xt [1, C, H, W], time [1, 66]. Output: x0 [1, C, H, W] = a x_t - s v. */
export function denoisingGraph({ height, imageWidth, ...net }: DenoisingSize): Graph {
  const g = new GraphBuilder();
  const xt = g.input('xt', [1, net.channels, height, imageWidth]);
  const time = readTimeRows(g, g.input('time', [1, TIME_ROW]));
  return g.build({ x0: predictX0(g, net, xt, time) });
}

/** x0 = a x_t - s v of x_t [B, C, H, W] by a trained net, which stays as it is: its parameters become constants. */
export function predictX0(
  g: GraphBuilder,
  { width, channels, parameters }: NetSize & { readonly parameters: Float32Array },
  xt: Tensor,
  { a, s, embedding }: TimeRows,
): Tensor {
  const { entries } = parameterLayout({ width, channels });
  const p = Object.fromEntries(
    entries.map(({ name, shape, offset }) => [
      name,
      g.constant(parameters.subarray(offset, offset + sizeOf(shape)), shape),
    ]),
  );
  return g.sub(g.mul(a, xt), g.mul(s, predictV(g, p, xt, embedding)));
}
