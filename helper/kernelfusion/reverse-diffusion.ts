/**
 * The second phase of KernelFusion (arXiv 2503.21907, Algorithm 1): picture and kernel found together in the reverse diffusion.
 *
 * From much noise to none, a U-Net and the kernel network take some gradient steps (joint-step.ts) at each time t. The noise
 * of the next time is recovered, e = (x_t - a_t x0_hat) / s_t (as in DDIM, Song et al. 2021): what the picture found lacks of
 * the one before stays in it, where new noise would destroy that for good.
 * Everything that the next time needs is one value, `JointState`, so that an interrupted run goes on from there.
 */
import { throwIfCancelled } from '../../shared/errors.ts';
import { type Kernel, makeKernel, type Scale } from '../../shared/kernel.ts';
import { enlargeBicubic } from '../image/enlarge.ts';
import { cutPlanes, makePlanes, type Planes } from '../image/planes.ts';
import { adamScalars } from '../tensor/adam.ts';
import type { Executor, Program, Values } from '../tensor/executor.ts';
import { canvasMargin } from './degradation.ts';
import { fitKernelNet, initialKernelNet } from './implicit-kernel.ts';
import { JOINT_ADAM, JOINT_STATE, type JointSize, jointCanvas, jointGraph, type Variant } from './joint-step.ts';
import { centreKernel } from './kernel-solver.ts';
import type { Prior } from './patch-diffusion.ts';
import { timeRow } from './patch-diffusion-net.ts';
import { makeRandom } from './random.ts';
import { noiseLevel, signalLevel } from './schedule.ts';
import { initialUNet, uNetLayout } from './u-net.ts';

export interface DiffusionPlan {
  /** T_nd, the time that is begun at. */
  readonly firstTime: number;
  /**
   * The time that is ended at: 1 as published. Each diffusion step passes the picture through the U-Net twice, and what the
   * kernel does not see of that adds up where patch diffusion no longer takes it away (docs/paper.md).
   */
  readonly lastTime: number;
  /** Diffusion steps, at times from the first to the last. */
  readonly steps: number;
  /** Gradient steps at the first time, and at each later one. */
  readonly firstIterations: number;
  readonly iterations: number;
  /**
   * Whether x_t gets its noise, at every time: so it is published. Patch diffusion takes fine detail for noise and removes both; what it
   * removes, the U-Net has to learn again from the layer, which takes it many steps (docs/paper.md).
   */
  readonly noise: boolean;
  /**
   * Width of the kernel that is begun with, a centred Gaussian of this standard deviation in LR pixels; null: as the kernel
   * network is initialised, nearly flat.
   */
  readonly kernelStart: number | null;
  /** Of Adam at first; falls along a cosine to half of it. */
  readonly learningRate: number;
  /** Widths of the U-Net (u-net.ts). */
  readonly widths: readonly number[];
  readonly variant: Variant;
}

/** What is sought. */
export interface JointProblem {
  /** The layer, values in [-1, 1]. */
  readonly y: Planes;
  readonly scale: Scale;
  readonly kernelSize: number;
  readonly prior: Prior;
  /** The kernel, where it is known: of side `kernelSize`. */
  readonly known: Kernel | null;
}

/** Where a run stands between two diffusion steps. */
export interface JointState {
  /** Diffusion steps finished. */
  readonly step: number;
  /** Networks and their optimisers, by the names of JOINT_STATE. */
  readonly learnt: Values;
  /** x0_hat on the canvas, and the noise of the next step. */
  readonly x0: Float32Array;
  readonly noise: Float32Array;
  /** The kernel after each step, not centred, and the loss after each. */
  readonly kernels: readonly Kernel[];
  readonly losses: readonly number[];
}

/** Times from the first to the last, in equal steps, rounded. */
export function diffusionTimes({
  firstTime,
  lastTime,
  steps,
}: Pick<DiffusionPlan, 'firstTime' | 'lastTime' | 'steps'>): number[] {
  if (steps === 1) return [firstTime];
  return Array.from({ length: steps }, (_, i) => Math.round(firstTime + ((lastTime - firstTime) * i) / (steps - 1)));
}

/** Gradient steps of the first `steps` diffusion steps. */
export function iterationsOf({ firstIterations, iterations }: DiffusionPlan, steps: number): number {
  return steps === 0 ? 0 : firstIterations + (steps - 1) * iterations;
}

/** Rate at gradient step i of n, i = 0 .. n - 1: along a cosine from the whole to half of it. */
export function jointRate(i: number, n: number, learningRate: number): number {
  return learningRate * (0.75 + 0.25 * Math.cos((Math.PI * i) / n));
}

/** Picture and kernel of a state, the kernel centred and the picture moved with it: s * width x s * height, in [-1, 1] or nearly. */
export function resultOf(
  problem: JointProblem,
  plan: DiffusionPlan,
  state: JointState,
): { picture: Planes; kernel: Kernel } {
  const { y, scale, kernelSize } = problem;
  const canvas = jointCanvas(sizeOf(problem, plan));
  const last = state.kernels[state.kernels.length - 1];
  const { kernel, moved } = problem.known ? { kernel: problem.known, moved: [0, 0] } : centreKernel(last);
  const margin = canvasMargin(kernelSize, scale);
  const x = makePlanes(canvas.width, canvas.height, y.channels, state.x0);
  return { picture: cutPlanes(x, margin - moved[0], margin - moved[1], scale * y.width, scale * y.height), kernel };
}

const sizeOf = ({ y, scale, kernelSize }: JointProblem, { widths }: DiffusionPlan): JointSize => ({
  ...{ width: y.width, height: y.height, channels: y.channels },
  ...{ scale, kernelSize, widths },
});

/** Streams of chance: of the start, and of Deep Image Prior's picture. Those below belong to the phases of methods. */
const FIRST_STREAM = 16;

/**
 * Runs the diffusion from `state` (from the start without one) to its end. `onStep` hears the state after each diffusion step
 * and is waited for; `onIteration` how many gradient steps are done.
 */
export async function reverseDiffusion(
  problem: JointProblem,
  plan: DiffusionPlan,
  seed: number,
  state: JointState | null,
  executor: Executor,
  onStep: (state: JointState) => Promise<void>,
  onIteration: (done: number) => void,
  signal?: AbortSignal,
): Promise<JointState> {
  const times = diffusionTimes(plan);
  let now = state ?? (await start(problem, plan, seed, executor, signal));
  if (now.step === times.length) return now;
  const graph = jointGraph(sizeOf(problem, plan), plan.variant, problem.prior, problem.known);
  const learnt = Object.entries(JOINT_STATE).filter(([name]) => name in now.learnt);
  const program = await executor.compile(graph, { state: Object.fromEntries(learnt) });
  try {
    await program.writeState(now.learnt);
    while (now.step < times.length) {
      now = await diffusionStep(program, problem, plan, seed, now, times, onIteration, signal);
      await onStep(now);
    }
    return now;
  } finally {
    await program.release();
  }
}

async function start(
  problem: JointProblem,
  plan: DiffusionPlan,
  seed: number,
  executor: Executor,
  signal?: AbortSignal,
): Promise<JointState> {
  const { y, scale, kernelSize, known } = problem;
  const random = makeRandom(seed, FIRST_STREAM);
  const x0 = firstPicture(problem, plan, seed);
  const net = initialUNet(uNetLayout({ widths: plan.widths, channels: y.channels }), random.uniform);
  const flat = initialKernelNet(random.uniform);
  const fitted = !known && plan.kernelStart !== null;
  const siren = fitted
    ? await fitKernelNet(flat, gaussian(kernelSize, plan.kernelStart * scale), executor, signal)
    : flat;
  const zeros = (values: Float32Array) => new Float32Array(values.length);
  return {
    step: 0,
    learnt: {
      ...{ net, netM: zeros(net), netV: zeros(net) },
      ...(!known && { siren, sirenM: zeros(siren), sirenV: zeros(siren) }),
    },
    x0,
    noise: random.normals(x0.length),
    kernels: [],
    losses: [],
  };
}

/** What the U-Net gets first: the enlarged layer; for Deep Image Prior small noise, and the same at every time. */
function firstPicture(problem: JointProblem, plan: DiffusionPlan, seed: number): Float32Array {
  const { y, scale, kernelSize } = problem;
  const { width, height } = jointCanvas(sizeOf(problem, plan));
  if (plan.variant === 'deep-image-prior') {
    return makeRandom(seed, FIRST_STREAM + 1)
      .normals(width * height * y.channels)
      .map((v) => 0.1 * v);
  }
  const margin = canvasMargin(kernelSize, scale);
  return cutPlanes(enlargeBicubic(y, scale), -margin, -margin, width, height).data;
}

/** Centred, of standard deviation `width` taps, sum 1. */
function gaussian(size: number, width: number): Float32Array {
  const profile = Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((i - (size - 1) / 2) / width) ** 2));
  const sum = profile.reduce((a, b) => a + b);
  return Float32Array.from(profile.flatMap((p) => profile.map((q) => (p * q) / sum ** 2)));
}

async function diffusionStep(
  program: Program,
  problem: JointProblem,
  plan: DiffusionPlan,
  seed: number,
  state: JointState,
  times: readonly number[],
  onIteration: (done: number) => void,
  signal?: AbortSignal,
): Promise<JointState> {
  const t = times[state.step];
  const [before, after] = [iterationsOf(plan, state.step), iterationsOf(plan, state.step + 1)];
  const x0Prev = plan.variant === 'deep-image-prior' ? firstPicture(problem, plan, seed) : state.x0;
  const noise = plan.noise ? state.noise : new Float32Array(state.noise.length);
  const inputs = { x0Prev, noise, time: timeRow(t), y: problem.y.data };
  let found: Values = {};
  for (let i = before; i < after; i++) {
    throwIfCancelled(signal);
    const adam = adamScalars(i + 1, jointRate(i, iterationsOf(plan, times.length), plan.learningRate), JOINT_ADAM);
    found = await program.run({ ...inputs, netAdam: adam, ...('siren' in state.learnt && { sirenAdam: adam }) });
    onIteration(i + 1);
  }
  return {
    step: state.step + 1,
    learnt: await program.readState(),
    x0: found.x0,
    noise: recoveredNoise(found.xt, found.x0, t),
    kernels: [...state.kernels, makeKernel(problem.kernelSize, problem.scale, found.kernel)],
    losses: [...state.losses, found.loss[0]],
  };
}

/** The noise in x_t, given what it hides: e = (x_t - a_t x0) / s_t. */
export function recoveredNoise(xt: Float32Array, x0: Float32Array, t: number): Float32Array {
  const [a, s] = [signalLevel(t), noiseLevel(t)];
  return xt.map((v, i) => (v - a * x0[i]) / s);
}
