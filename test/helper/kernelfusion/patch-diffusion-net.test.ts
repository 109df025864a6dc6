import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { findTorch, TorchNet } from '../../../helper/commands/bench-engine-torch.ts';
import {
  denoisingGraph,
  initialParameters,
  lossAndGradients,
  parameterLayout,
  RECEPTIVE_FIELD,
  TIME_ROW,
  TRAINING_STATE,
  timeRow,
  trainingGraph,
} from '../../../helper/kernelfusion/patch-diffusion-net.ts';
import { noiseLevel, signalLevel } from '../../../helper/kernelfusion/schedule.ts';
import { adamScalars } from '../../../helper/tensor/adam.ts';
import type { Executor, Values } from '../../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { evaluate } from '../../../helper/tensor/executors/reference.ts';
import { type Graph, GraphBuilder } from '../../../helper/tensor/graph.ts';
import { sizeOf } from '../../../helper/tensor/shape.ts';

const SMALL = { width: 16, channels: 3, batch: 2, crop: 12 };
const torch = await findTorch();
const needsTorch = { skip: torch ? false : 'no Python with torch and numpy' };

const executors = {
  auto: await createOnnxExecutor({ threads: 1 }),
  portable: await createOnnxExecutor({ threads: 1, lowering: 'portable' }),
};
after(() => Promise.all(Object.values(executors).map((executor) => executor.close())));

/** Uniform numbers in [0, 1) from a linear congruential generator: enough for tests. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const randomArray = (length: number, seed: number) =>
  Float32Array.from({ length }, randomNumbers(seed)).map((x) => 2 * x - 1);

/** Parameters with a non-zero output layer, so that gradients reach everything. */
function someParameters(size: { width: number; channels: number }): Float32Array {
  const layout = parameterLayout(size);
  const parameters = initialParameters(layout, randomNumbers(1));
  return parameters.map((x, i) => (x === 0 ? 0.2 * randomArray(1, i)[0] : x));
}

function someBatch({ channels, batch, crop }: typeof SMALL) {
  const time = new Float32Array(batch * TIME_ROW);
  for (let i = 0; i < batch; i++) time.set(timeRow(20 + 90 * i), i * TIME_ROW);
  const length = batch * channels * crop * crop;
  return { x0: randomArray(length, 3), noise: randomArray(length, 4).map((x) => 1.7 * x), time };
}

function gradientGraph({ batch, crop, ...size }: typeof SMALL): Graph {
  const g = new GraphBuilder();
  const layout = parameterLayout(size);
  const x0 = g.input('x0', [batch, size.channels, crop, crop]);
  const inputs = { x0, noise: g.input('noise', x0.shape), time: g.input('time', [batch, TIME_ROW]) };
  const { loss, gradients } = lossAndGradients(g, layout, g.input('parameters', [layout.size]), inputs);
  return g.build({ loss, gradients });
}

async function runOnce(executor: Executor, graph: Graph, values: Values): Promise<Values> {
  const program = await executor.compile(graph);
  const results = await program.run(values);
  await program.release();
  return results;
}

/** |found - expected| / |expected|, the worst over the parameters of the layout. */
function worstRelativeError(found: Float32Array, expected: ArrayLike<number>, size: typeof SMALL): number {
  const errors = parameterLayout(size).entries.map(({ shape, offset }) => {
    let [difference, norm] = [0, 0];
    for (let i = offset; i < offset + sizeOf(shape); i++) {
      difference += (found[i] - expected[i]) ** 2;
      norm += expected[i] ** 2;
    }
    return Math.sqrt(difference / norm);
  });
  return Math.max(...errors);
}

for (const [lowering, executor] of Object.entries(executors)) {
  test(`the gradient of the whole net is PyTorch's, lowering ${lowering}`, needsTorch, async () => {
    const [parameters, batch] = [someParameters(SMALL), someBatch(SMALL)];
    const child = new TorchNet(torch!);
    await child.load({ ...SMALL, threads: 1, parameters });
    const expected = await child.gradient(SMALL, batch, parameters.length);
    await child.close();
    const found = await runOnce(executor, gradientGraph(SMALL), { parameters, ...batch });
    assert.ok(Math.abs(found.loss[0] / expected.loss - 1) < 1e-5, `loss ${found.loss[0]}, PyTorch ${expected.loss}`);
    const error = worstRelativeError(found.gradients, expected.gradient, SMALL);
    assert.ok(error < 1e-4, `relative error ${error}`);
  });

  test(`five steps of training end where PyTorch ends, lowering ${lowering}`, needsTorch, async () => {
    const [parameters, batch] = [someParameters(SMALL), someBatch(SMALL)];
    const child = new TorchNet(torch!);
    await child.load({ ...SMALL, threads: 1, parameters });
    const expected = await child.train({ ...SMALL, steps: 5, rate: 1e-3 }, batch);
    await child.close();
    const { losses } = await train(executor, parameters, batch, 5);
    assert.ok(Math.abs(losses[4] / expected.loss - 1) < 1e-4, `loss ${losses[4]}, PyTorch ${expected.loss}`);
  });
}

async function train(executor: Executor, parameters: Float32Array, batch: Values, steps: number) {
  const program = await executor.compile(trainingGraph(SMALL), { state: TRAINING_STATE });
  const zeros = new Float32Array(parameters.length);
  await program.writeState({ parameters, m: zeros, v: zeros });
  const losses: number[] = [];
  for (let k = 1; k <= steps; k++) losses.push((await program.run({ ...batch, adam: adamScalars(k, 1e-3) })).loss[0]);
  const state = await program.readState();
  await program.release();
  return { losses, parameters: state.parameters };
}

test('the gradient of the whole net is that of the reference executor', async () => {
  const size = { width: 8, channels: 1, batch: 1, crop: 4 };
  const values = { parameters: someParameters(size), ...someBatch(size) };
  const expected = evaluate(gradientGraph(size), values);
  const found = await runOnce(executors.auto, gradientGraph(size), values);
  assert.ok(Math.abs(found.loss[0] / expected.loss[0] - 1) < 1e-5);
  const error = worstRelativeError(found.gradients, expected.gradients, size);
  assert.ok(error < 1e-4, `relative error ${error}`);
});

for (const threads of [1, 2]) {
  test(`training twice from the same start gives the same bits, ${threads} thread(s)`, async () => {
    const runs = [];
    for (let run = 0; run < 2; run++) {
      const executor = await createOnnxExecutor({ threads });
      runs.push(await train(executor, someParameters(SMALL), someBatch(SMALL), 4));
      await executor.close();
    }
    assert.deepEqual(runs[0], runs[1]);
    assert.ok(runs[0].losses[3] < runs[0].losses[0]);
  });
}

test('the loss is the mean squared error of v: the untrained net predicts 0, so it is the mean of v squared', async () => {
  const { x0, noise, time } = someBatch(SMALL);
  const parameters = initialParameters(parameterLayout(SMALL), randomNumbers(1));
  const { losses } = await train(executors.auto, parameters, { x0, noise, time }, 1);
  const half = x0.length / 2;
  const squares = x0.map((x, i) => {
    const t = i < half ? 20 : 110;
    return (signalLevel(t) * noise[i] - noiseLevel(t) * x) ** 2;
  });
  const expected = squares.reduce((sum, x) => sum + x, 0) / x0.length;
  assert.ok(Math.abs(losses[0] / expected - 1) < 1e-5, `${losses[0]} is not ${expected}`);
});

test('the untrained net denoises to a x_t, since v = 0', async () => {
  const size = { width: 16, channels: 3, height: 5, imageWidth: 4 };
  const parameters = initialParameters(parameterLayout(size), randomNumbers(1));
  const xt = randomArray(60, 5);
  const { x0 } = await runOnce(executors.auto, denoisingGraph({ ...size, parameters }), { xt, time: timeRow(150) });
  for (const [i, x] of x0.entries()) assert.ok(Math.abs(x - signalLevel(150) * xt[i]) < 1e-6);
});

test('denoising a picture predicts the v that training measures', async () => {
  const size = { width: 16, channels: 3, batch: 1, crop: 9 };
  const parameters = someParameters(size);
  const { x0, noise, time } = someBatch(size);
  const [a, s] = time;
  const xt = x0.map((x, i) => a * x + s * noise[i]);
  const graph = denoisingGraph({ ...size, height: 9, imageWidth: 9, parameters });
  const denoised = (await runOnce(executors.auto, graph, { xt, time })).x0;
  const { loss } = await runOnce(executors.auto, gradientGraph(size), { parameters, x0, noise, time });
  // x0 = a x_t - s v with the true v, so the squared error of x0 is s^2 times that of v.
  const error = denoised.reduce((sum, x, i) => sum + (x - x0[i]) ** 2, 0) / x0.length;
  assert.ok(Math.abs(error / (s * s * loss[0]) - 1) < 1e-3, `${error} is not ${s * s * loss[0]}`);
});

for (const [lowering, executor] of Object.entries(executors)) {
  test(`a pixel is seen from 7 pixels away and no further, lowering ${lowering}`, async () => {
    const side = 19;
    const size = { width: 16, channels: 1, height: side, imageWidth: side };
    const program = await executor.compile(denoisingGraph({ ...size, parameters: someParameters(size) }));
    const xt = randomArray(side * side, 6);
    const before = (await program.run({ xt, time: timeRow(80) })).x0;
    const middle = (side - 1) / 2;
    xt[middle * side + middle] += 1000;
    const moved = (await program.run({ xt, time: timeRow(80) })).x0;
    await program.release();
    const reach = (RECEPTIVE_FIELD - 1) / 2;
    before.forEach((x, i) => {
      const distance = Math.max(Math.abs(Math.floor(i / side) - middle), Math.abs((i % side) - middle));
      assert.equal(x !== moved[i], distance <= reach, `at distance ${distance}`);
    });
  });
}

test('the layout is gapless, and the width in the paper has the size of its description', () => {
  const { entries, size } = parameterLayout({ width: 128, channels: 3 });
  let offset = 0;
  for (const entry of entries) {
    assert.equal(entry.offset, offset);
    offset += sizeOf(entry.shape);
  }
  assert.equal(size, offset);
  const names = entries.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.equal(names.filter((name) => /conv.\.weight/.test(name)).length, 12);
});

test('start values have the variance asked for, and the output layer is zero', () => {
  const layout = parameterLayout({ width: 64, channels: 3 });
  const values = initialParameters(layout, randomNumbers(2));
  for (const { name, shape, offset } of layout.entries) {
    const part = values.subarray(offset, offset + sizeOf(shape));
    const variance = part.reduce((sum, x) => sum + x * x, 0) / part.length;
    const fanIn = sizeOf(shape.slice(1));
    if (name.startsWith('out.') || shape.length === 1) assert.equal(variance, 0, name);
    else assert.ok(Math.abs((variance * fanIn) / (shape.length === 4 ? 2 : 1) - 1) < 0.08, `${name}: ${variance}`);
  }
});

test('a time row is a_t, s_t, then sines and cosines from the fastest to the slowest', () => {
  const row = timeRow(200);
  assert.equal(row.length, TIME_ROW);
  assert.equal(row[0], Math.fround(signalLevel(200)));
  assert.equal(row[1], Math.fround(noiseLevel(200)));
  assert.equal(row[2], Math.fround(Math.sin(200)));
  assert.equal(row[34], Math.fround(Math.cos(200)));
  assert.equal(row[33], Math.fround(Math.sin(200 * 10000 ** (-31 / 32))));
});
