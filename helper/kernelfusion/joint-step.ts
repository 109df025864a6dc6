/**
 * One gradient step of KernelFusion's second phase (arXiv 2503.21907, Algorithm 1), as one graph:
 *   x0_u   = UNet(x0_prev)
 *   x_t    = a_t x0_u + s_t e
 *   x0_pd  = PD(x_t, t)                    the patch diffusion is frozen, the gradient passes through it
 *   x0_hat = UNet(x0_pd)                   the same U-Net again
 *   k      = implicit network
 *   loss   = mean((degrade(x0_hat, k) - y)^2)
 * and Adam on both networks. What an ablation leaves out is left out here, so that all else is the same.
 */
import type { Kernel, Scale } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import { type AdamOptions, adamStep } from '../tensor/adam.ts';
import { gradient } from '../tensor/gradient.ts';
import { type Graph, GraphBuilder, type Tensor } from '../tensor/graph.ts';
import { flatten, type ParameterLayout, unflatten } from '../tensor/parameters.ts';
import { canvasSize } from './degradation.ts';
import { implicitKernel, KERNEL_LAYOUT } from './implicit-kernel.ts';
import type { Prior } from './patch-diffusion.ts';
import { predictX0, readTimeRows, TIME_ROW } from './patch-diffusion-net.ts';
import { sideMultiple, uNet, uNetLayout } from './u-net.ts';

/**
 * full: as published; single-pass: x0_hat = x0_pd; without-prior: x0_hat = UNet(x0_prev); deep-image-prior: x0_hat =
 * net(x0_prev), where x0_prev is fixed noise and nothing is added to the net's result.
 */
export type Variant = 'full' | 'single-pass' | 'without-prior' | 'deep-image-prior';

/** Adam as PyTorch has it by default, which the paper's authors use. */
export const JOINT_ADAM: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

export interface JointSize {
  /** Of the layer y. */
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly scale: Scale;
  /** Side of the kernel. */
  readonly kernelSize: number;
  /** Widths of the U-Net. */
  readonly widths: readonly number[];
}

/** State of the step: input name -> output name. The first three are the U-Net's, the others the kernel network's. */
export const JOINT_STATE = {
  net: 'nextNet',
  netM: 'nextNetM',
  netV: 'nextNetV',
  siren: 'nextSiren',
  sirenM: 'nextSirenM',
  sirenV: 'nextSirenV',
} as const;

/**
 * Size of the picture x: the canvas of degradation.ts (its top and left margin is (kernelSize - scale) / 2), continued at the
 * bottom and on the right to what the U-Net can halve.
 */
export function jointCanvas({ width, height, scale, kernelSize, widths }: JointSize): Pick<Planes, 'width' | 'height'> {
  const multiple = sideMultiple({ widths });
  const canvas = canvasSize({ width, height }, { size: kernelSize, scale });
  const divisible = (length: number) => Math.ceil(length / multiple) * multiple;
  return { width: divisible(canvas.width), height: divisible(canvas.height) };
}

/**
 * y[i] = sum_u k[u] x[s i + u] (Eq. 1 of the paper, aligned as in degradation.ts), [C, 1, h, w], for x [1, C, H, W] and k [n, n].
 * The s x s pixels below an LR pixel become channels; then it is an ordinary convolution.
 */
export function degrade(
  g: GraphBuilder,
  x: Tensor,
  k: Tensor,
  scale: number,
  [height, width]: readonly [height: number, width: number],
): Tensor {
  const [, channels] = x.shape;
  const [n] = k.shape;
  const taps = Math.ceil(n / scale);
  const side = taps % 2 === 1 ? taps : taps + 1;
  const [rows, columns] = [height + side - 1, width + side - 1];
  const picture = fit(g, g.reshape(x, x.shape.slice(1)), [channels, scale * rows, scale * columns]);
  const phases = g.transpose(g.reshape(picture, [channels, rows, scale, columns, scale]), [0, 2, 4, 1, 3]);
  const weights = g.transpose(
    g.reshape(fit(g, k, [scale * side, scale * side]), [side, scale, side, scale]),
    [1, 3, 0, 2],
  );
  const sums = g.conv2d(
    g.reshape(phases, [channels, scale ** 2, rows, columns]),
    g.reshape(weights, [1, scale ** 2, side, side]),
  );
  const border = (side - 1) / 2;
  return g.slice(sums, [0, 0, border, border], [channels, 1, height, width]);
}

/** Cuts off or adds zeros at the end of each axis. */
function fit(g: GraphBuilder, x: Tensor, shape: readonly number[]): Tensor {
  const zeros = shape.map(() => 0);
  const cut = g.slice(
    x,
    zeros,
    shape.map((length, axis) => Math.min(length, x.shape[axis])),
  );
  return g.pad(cut, zeros, shape);
}

/** What a step is computed from, and what it brings forth before anything is learnt from it. */
export interface Forward {
  readonly x0u: Tensor;
  readonly xt: Tensor;
  readonly x0: Tensor;
  readonly kernel: Tensor;
  readonly loss: Tensor;
}

/** Emits the algorithm from the first pass of the U-Net to the loss. `net`, `siren`: parameters by name; `known`: the kernel, where it is known. */
export function forward(
  g: GraphBuilder,
  size: JointSize,
  variant: Variant,
  prior: Prior,
  known: Kernel | null,
  at: Readonly<Record<'net' | 'siren', Readonly<Record<string, Tensor>>>> &
    Readonly<Record<'x0Prev' | 'noise' | 'time' | 'y', Tensor>>,
): Forward {
  const pass = (x: Tensor) => uNet(g, at.net, size.widths, x);
  const refine = (x: Tensor) => g.add(x, pass(x));
  const x0u = variant === 'deep-image-prior' ? pass(at.x0Prev) : refine(at.x0Prev);
  const time = readTimeRows(g, at.time);
  const xt = g.add(g.mul(time.a, x0u), g.mul(time.s, at.noise));
  const denoised = () => predictX0(g, prior, xt, time);
  const x0 = variant === 'full' ? refine(denoised()) : variant === 'single-pass' ? denoised() : x0u;
  const kernel = known
    ? g.constant(known.data, [known.size, known.size])
    : implicitKernel(g, at.siren, size.kernelSize);
  const again = degrade(g, x0, kernel, size.scale, [size.height, size.width]);
  const loss = g.mse(again, g.reshape(at.y, again.shape));
  return { x0u, xt, x0, kernel, loss };
}

/**
 * The step. Inputs: x0Prev and noise [1, C, H, W] (jointCanvas), time [1, 66] (timeRow), y [1, C, h, w], netAdam and sirenAdam
 * [2] (adamScalars with JOINT_ADAM); state: JOINT_STATE, flat. Outputs: loss [], x0, xt [1, C, H, W] and kernel [n, n], all as
 * before the step, and the next state. Where the kernel is known there is no siren.
 */
export function jointGraph(size: JointSize, variant: Variant, prior: Prior, known: Kernel | null = null): Graph {
  const g = new GraphBuilder();
  const canvas = jointCanvas(size);
  const picture = [1, size.channels, canvas.height, canvas.width];
  const inputs = {
    x0Prev: g.input('x0Prev', picture),
    noise: g.input('noise', picture),
    time: g.input('time', [1, TIME_ROW]),
    y: g.input('y', [1, size.channels, size.height, size.width]),
  };
  const part = (name: 'net' | 'siren', layout: ParameterLayout) => ({
    layout,
    parameters: g.input(name, [layout.size]),
    m: g.input(`${name}M`, [layout.size]),
    v: g.input(`${name}V`, [layout.size]),
    adam: g.input(`${name}Adam`, [2]),
  });
  const net = part('net', uNetLayout(size));
  const siren = known ? null : part('siren', KERNEL_LAYOUT);
  const learnt = siren ? [net, siren] : [net];

  const named = learnt.map(({ parameters, layout }) => unflatten(g, parameters, layout));
  const result = forward(g, size, variant, prior, known, { ...inputs, net: named[0], siren: named[1] ?? {} });
  const slopes = gradient(
    g,
    result.loss,
    named.flatMap((p) => Object.values(p)),
  );
  const next = learnt.map((state, i) => {
    const own = i === 0 ? slopes.slice(0, net.layout.entries.length) : slopes.slice(net.layout.entries.length);
    return adamStep(g, state, flatten(g, own), state.adam, JOINT_ADAM);
  });
  return g.build({
    loss: result.loss,
    x0: result.x0,
    xt: result.xt,
    kernel: result.kernel,
    nextNet: next[0].parameters,
    nextNetM: next[0].m,
    nextNetV: next[0].v,
    ...(siren && { nextSiren: next[1].parameters, nextSirenM: next[1].m, nextSirenV: next[1].v }),
  });
}
