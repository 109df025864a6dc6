/**
 * Algorithm 1 of KernelFusion (arXiv 2503.21907) line by line, and its gradient beside PyTorch's.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makePlanes, planeOf } from '../../../helper/image/planes.ts';
import { bicubicCanvas, makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { initialKernelNet, KERNEL_LAYOUT } from '../../../helper/kernelfusion/implicit-kernel.ts';
import {
  degrade,
  type Forward,
  forward,
  JOINT_STATE,
  type JointSize,
  jointCanvas,
  jointGraph,
  type Variant,
} from '../../../helper/kernelfusion/joint-step.ts';
import {
  initialParameters,
  parameterLayout,
  predictX0,
  readTimeRows,
  TIME_ROW,
  timeRow,
} from '../../../helper/kernelfusion/patch-diffusion-net.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { noiseLevel, signalLevel } from '../../../helper/kernelfusion/schedule.ts';
import { initialUNet, uNet, uNetLayout } from '../../../helper/kernelfusion/u-net.ts';
import { adamScalars } from '../../../helper/tensor/adam.ts';
import type { Executor, Values } from '../../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { gradient } from '../../../helper/tensor/gradient.ts';
import { type Graph, GraphBuilder, type Tensor } from '../../../helper/tensor/graph.ts';
import { flatten, type ParameterLayout, unflatten } from '../../../helper/tensor/parameters.ts';
import { sizeOf } from '../../../helper/tensor/shape.ts';
import { type Kernel, makeKernel, type Scale } from '../../../shared/kernel.ts';
import { needsPython, PYTHON, runPython } from '../../support/python.ts';

const executors = {
  auto: await createOnnxExecutor({ threads: 1 }),
  portable: await createOnnxExecutor({ threads: 1, lowering: 'portable' }),
};
after(() => Promise.all(Object.values(executors).map((executor) => executor.close())));

const SIZE: JointSize = { width: 6, height: 5, channels: 3, scale: 2, kernelSize: 6, widths: [16, 16, 32] };
const NET = uNetLayout(SIZE);
const PRIOR_SIZE = { width: 16, channels: 3 };
const TIME = 120;

/** Numbers everywhere, also where training starts from zero: then gradients reach everything. */
const filled = (values: Float32Array, seed: number) => {
  const { normals } = makeRandom(seed);
  return values.map((v) => (v === 0 ? 0.1 * normals(1)[0] : v));
};

const prior = {
  ...PRIOR_SIZE,
  parameters: filled(initialParameters(parameterLayout(PRIOR_SIZE), makeRandom(1).uniform), 2),
};
const parameters = {
  net: filled(initialUNet(NET, makeRandom(3).uniform), 4),
  siren: initialKernelNet(makeRandom(5).uniform),
};
const canvas = jointCanvas(SIZE);
const pixels = canvas.width * canvas.height * SIZE.channels;
const inputs = {
  x0Prev: makeRandom(6)
    .normals(pixels)
    .map((v) => 0.4 * v),
  noise: makeRandom(7).normals(pixels),
  time: timeRow(TIME),
  y: makeRandom(8)
    .normals(SIZE.width * SIZE.height * SIZE.channels)
    .map((v) => 0.4 * v),
};

async function runOnce(executor: Executor, graph: Graph, values: Values): Promise<Values> {
  const program = await executor.compile(graph);
  const results = await program.run(values);
  await program.release();
  return results;
}

/** A graph with the step's inputs, and parameters by name. */
function build(make: (g: GraphBuilder, at: Parameters<typeof forward>[5]) => Record<string, Tensor>): Graph {
  const g = new GraphBuilder();
  const picture = [1, SIZE.channels, canvas.height, canvas.width];
  const at = {
    net: unflatten(g, g.input('net', [NET.size]), NET),
    siren: unflatten(g, g.input('siren', [KERNEL_LAYOUT.size]), KERNEL_LAYOUT),
    x0Prev: g.input('x0Prev', picture),
    noise: g.input('noise', picture),
    time: g.input('time', [1, TIME_ROW]),
    y: g.input('y', [1, SIZE.channels, SIZE.height, SIZE.width]),
  };
  return g.build(make(g, at));
}

const stepGraph = (variant: Variant, known: Kernel | null = null) =>
  build((g, at) => ({ ...(forward(g, SIZE, variant, prior, known, at) satisfies Forward) }));

const step = (variant: Variant = 'full', changes: Values = {}) =>
  runOnce(executors.auto, stepGraph(variant), { ...parameters, ...inputs, ...changes });

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) {
    assert.ok(Math.abs(found[i] - expected[i]) <= tolerance, `${i}: ${found[i]} is not ${expected[i]}`);
  }
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.sqrt(Array.from(a, (v, i) => (v - b[i]) ** 2).reduce((sum, v) => sum + v) / a.length);

/** One op of the algorithm by itself, on a picture. */
async function apply(x: Float32Array, make: (g: GraphBuilder, x: Tensor, net: Record<string, Tensor>) => Tensor) {
  const g = new GraphBuilder();
  const picture = g.input('x', [1, SIZE.channels, canvas.height, canvas.width]);
  const net = unflatten(g, g.input('net', [NET.size]), NET);
  return (await runOnce(executors.auto, g.build({ y: make(g, picture, net) }), { x, net: parameters.net })).y;
}
const refined = (x: Float32Array) => apply(x, (g, t, net) => g.add(t, uNet(g, net, SIZE.widths, t)));

for (const scale of [1, 2, 3, 4] as const) {
  for (const size of [scale + 2, 3 * scale, 7 * scale - 2]) {
    test(`Eq. 1, y = (x * k) reduced, is the degradation of degradation.ts: x${scale}, side ${size}`, async () => {
      await checkDegradation(scale, size);
    });
  }
}

async function checkDegradation(scale: Scale, kernelSize: number): Promise<void> {
  const random = makeRandom(9);
  const y = makePlanes(5, 4, 2, random.normals(40));
  const kernel = makeKernel(
    kernelSize,
    scale,
    random.normals(kernelSize ** 2).map((v) => Math.abs(v)),
  );
  const x = bicubicCanvas(y, kernel);
  const g = new GraphBuilder();
  const picture = g.input('x', [1, 2, x.height, x.width]);
  const k = g.input('k', [kernelSize, kernelSize]);
  const graph = g.build({ y: degrade(g, picture, k, scale, [4, 5]) });
  const found = await runOnce(executors.auto, graph, { x: x.data, k: Float32Array.from(kernel.data) });
  const { apply: expected } = makeDegradation(kernel, 5, 4);
  for (const c of [0, 1]) assertClose(found.y.subarray(20 * c, 20 * c + 20), expected(planeOf(x, c)));
}

test('the picture reaches as far as its kernel, and divides by what the U-Net halves', () => {
  // 2 * 6 + 6 - 2 = 16 and 2 * 5 + 4 = 14, which becomes 16: three levels halve twice.
  assert.deepEqual(jointCanvas(SIZE), { width: 16, height: 16 });
});

test('Algorithm 1, x0_u: the U-Net of the picture before', async () => {
  assertClose((await step()).x0u, await refined(inputs.x0Prev));
});

test('Algorithm 1, x_t = a_t x0_u + s_t e', async () => {
  const { x0u, xt } = await step();
  assertClose(
    xt,
    x0u.map((v, i) => signalLevel(TIME) * v + noiseLevel(TIME) * inputs.noise[i]),
  );
});

test('Algorithm 1, x0_pd: patch diffusion of x_t; x0_hat: the same U-Net of it', async () => {
  const { xt, x0 } = await step();
  const denoised = await apply(xt, (g, x) =>
    predictX0(g, prior, x, readTimeRows(g, g.constant(timeRow(TIME), [1, TIME_ROW]))),
  );
  assertClose(x0, await refined(denoised));
  assertClose((await step('single-pass')).x0, denoised);
});

test('Algorithm 1, the loss: mean squared difference of the degraded picture and the layer', async () => {
  const { x0, kernel, loss } = await step();
  const { apply: A } = makeDegradation(makeKernel(SIZE.kernelSize, SIZE.scale, kernel), SIZE.width, SIZE.height);
  const { width, height } = { width: 16, height: 14 };
  const y = makePlanes(SIZE.width, SIZE.height, SIZE.channels, inputs.y);
  let sum = 0;
  for (let c = 0; c < SIZE.channels; c++) {
    const plane = planeOf(makePlanes(canvas.width, canvas.height, SIZE.channels, x0), c).subarray(0, width * height);
    sum += A(plane).reduce((total, v, i) => total + (v - planeOf(y, c)[i]) ** 2, 0);
  }
  assert.ok(Math.abs(loss[0] / (sum / inputs.y.length) - 1) < 1e-5);
});

test('ablations leave out what they are named for, and nothing else', async () => {
  const full = await step();
  const withoutPrior = await step('without-prior');
  assertClose(withoutPrior.x0, full.x0u);
  const plain = await step('deep-image-prior');
  assertClose(
    plain.x0.map((v, i) => v + inputs.x0Prev[i]),
    full.x0u,
  );
  assertClose((await step('single-pass')).xt, full.xt);
});

test('the noise matters: with another one the result is another', async () => {
  const [one, other] = [await step(), await step('full', { noise: makeRandom(20).normals(pixels) })];
  assertClose(one.x0u, other.x0u);
  assert.ok(distance(one.x0, other.x0) > 0.05, `${distance(one.x0, other.x0)}`);
});

test('either pass of the U-Net matters: without one the result and the gradient are others', async () => {
  const { x0, x0u } = await step();
  // Without the first pass x_t would be made of the picture itself, without the second PD's result would be the picture.
  const untrained = new Float32Array(NET.size);
  const single = await step('single-pass');
  assert.ok(distance(x0, single.x0) > 0.05);
  assert.ok(distance(x0u, inputs.x0Prev) > 0.05);
  assertClose((await step('full', { net: untrained })).x0, (await step('single-pass', { net: untrained })).x0);
});

/** Loss and gradient, flat: the U-Net's parameters, then the kernel network's. */
const gradientGraph = build((g, at) => {
  const { loss } = forward(g, SIZE, 'full', prior, null, at);
  const wrt = [...Object.values(at.net), ...Object.values(at.siren)];
  return { loss, gradients: flatten(g, gradient(g, loss, wrt)) };
});

const TRANSCRIPTION = `
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

size = json.loads(sys.stdin.buffer.readline())
rest = np.frombuffer(sys.stdin.buffer.read(), "<f4")


def take(*shape):
    global rest
    count = int(np.prod(shape))
    part, rest = rest[:count], rest[count:]
    return torch.from_numpy(part.copy()).view(*shape)


def take_all(entries, learn):
    return {name: take(*shape).requires_grad_(learn) for name, shape in entries}


net, siren = take_all(size["net"], True), take_all(size["siren"], True)
pd = take_all(size["prior"], False)
x0_prev, noise = take(*size["picture"]), take(*size["picture"])
time, y = take(1, 66), take(*size["y"])
a, s, embedding = time[0, 0], time[0, 1], time[:, 2:]


def conv(p, name, x):
    w = p[name + ".weight"]
    return F.conv2d(x, w, p[name + ".bias"], padding=w.shape[-1] // 2)


def twice(name, x):
    return F.relu(conv(net, name + ".conv2", F.relu(conv(net, name + ".conv1", x))))


def unet(x):
    levels, skips, h = size["levels"], [], x
    for level in range(levels):
        h = twice(f"down{level}", h if level == 0 else F.avg_pool2d(h, 2))
        skips.append(h)
    for level in reversed(range(levels - 1)):
        below = F.interpolate(F.relu(conv(net, f"up{level}.below", h)), scale_factor=2, mode="nearest")
        h = twice(f"up{level}", torch.cat([below, skips[level]], 1))
    return x + conv(net, "out", h)


def denoise(xt):
    e = F.silu(F.linear(embedding, pd["time.weight"], pd["time.bias"]))
    h = xt
    for k in range(6):
        at = lambda name: pd[f"block{k}.{name}"]
        shift = F.linear(e, at("time.weight"), at("time.bias"))[:, :, None, None]
        u = F.relu(F.conv2d(h, at("conv1.weight"), at("conv1.bias"), padding=1) + shift)
        v = F.conv2d(u, at("conv2.weight"), at("conv2.bias"), padding=1 if k == 0 else 0)
        h = F.relu(v if k == 0 else h + v)
    return a * xt - s * F.conv2d(h, pd["out.weight"], pd["out.bias"])


def kernel(n):
    axis = torch.linspace(-1, 1, n)
    h = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).view(-1, 2)
    for k in range(5):
        h = torch.sin(5 * F.linear(h, siren[f"sine{k}.weight"], siren[f"sine{k}.bias"]))
    z = F.linear(h, siren["sine5.weight"], siren["sine5.bias"])
    taps = (1 + 1e-4) * torch.sigmoid(z) - 1e-4
    return (taps / taps.sum()).view(1, 1, n, n)


x0 = unet(denoise(a * unet(x0_prev) + s * noise))
_, channels, height, width = size["y"]
again = F.conv2d(x0.transpose(0, 1), kernel(size["kernel"]), stride=size["scale"])[:, :, :height, :width]
loss = F.mse_loss(again.transpose(0, 1), y)
gradients = torch.autograd.grad(loss, [*net.values(), *siren.values()])
print(json.dumps({"loss": loss.item(), "gradients": torch.cat([g.flatten() for g in gradients]).tolist()}))
`;

const shapesOf = ({ entries }: ParameterLayout) => entries.map(({ name, shape }) => [name, shape]);

for (const [lowering, executor] of Object.entries(executors)) {
  test(`the gradient of the whole step is PyTorch's, lowering ${lowering}`, needsPython('numpy', 'torch'), async () => {
    const head = {
      net: shapesOf(NET),
      siren: shapesOf(KERNEL_LAYOUT),
      prior: shapesOf(parameterLayout(PRIOR_SIZE)),
      levels: SIZE.widths.length,
      picture: [1, SIZE.channels, canvas.height, canvas.width],
      y: [1, SIZE.channels, SIZE.height, SIZE.width],
      kernel: SIZE.kernelSize,
      scale: SIZE.scale,
    };
    const arrays = [
      parameters.net,
      parameters.siren,
      prior.parameters,
      inputs.x0Prev,
      inputs.noise,
      inputs.time,
      inputs.y,
    ];
    const bytes = arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength));
    const answer = runPython(TRANSCRIPTION, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...bytes]));
    const expected: { loss: number; gradients: number[] } = JSON.parse(answer);

    const found = await runOnce(executor, gradientGraph, { ...parameters, ...inputs });
    assert.ok(Math.abs(found.loss[0] / expected.loss - 1) < 1e-5, `loss ${found.loss[0]}, PyTorch ${expected.loss}`);
    assert.equal(found.gradients.length, expected.gradients.length);
    let start = 0;
    for (const { name, shape } of [...NET.entries, ...KERNEL_LAYOUT.entries]) {
      const [own, theirs] = [found.gradients, expected.gradients].map((all) => all.slice(start, start + sizeOf(shape)));
      const error = distance(own, theirs) / distance(theirs, new Float32Array(theirs.length));
      assert.ok(error < 1e-4, `${name}: relative error ${error}, ${PYTHON}`);
      start += sizeOf(shape);
    }
  });
}

test('a step of Adam moves both networks against the gradient, and lowers the loss of the same inputs', async () => {
  const program = await executors.auto.compile(jointGraph(SIZE, 'full', prior), { state: JOINT_STATE });
  const zeros = (values: Float32Array) => new Float32Array(values.length);
  const { net, siren } = parameters;
  await program.writeState({
    net,
    netM: zeros(net),
    netV: zeros(net),
    siren,
    sirenM: zeros(siren),
    sirenV: zeros(siren),
  });
  const losses: number[] = [];
  for (let k = 1; k <= 5; k++) {
    const adam = adamScalars(k, 1e-3);
    losses.push((await program.run({ ...inputs, netAdam: adam, sirenAdam: adam })).loss[0]);
  }
  const state = await program.readState();
  await program.release();
  assert.ok(
    losses.every((loss, i) => i === 0 || loss < losses[i - 1]),
    `${losses}`,
  );
  assert.ok(distance(state.net, net) > 1e-4 && distance(state.siren, siren) > 1e-4);
});

test('a kernel that is known stays as it is, and there is no network for it', async () => {
  const known = makeKernel(6, 2, makeRandom(30).normals(36).map(Math.abs));
  const { net } = parameters;
  const state = { net: 'nextNet', netM: 'nextNetM', netV: 'nextNetV' };
  const program = await executors.auto.compile(jointGraph(SIZE, 'full', prior, known), { state });
  await program.writeState({ net, netM: new Float32Array(net.length), netV: new Float32Array(net.length) });
  const { kernel } = await program.run({ ...inputs, netAdam: adamScalars(1, 1e-3) });
  await program.release();
  assertClose(kernel, known.data, 1e-7);
});
