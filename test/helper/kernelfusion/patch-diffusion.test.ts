import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { makePlanes, type Planes } from '../../../helper/image/planes.ts';
import {
  FAST_TRAINING,
  gradientSums,
  LAST_TIME,
  macsPerPixel,
  makeDenoiser,
  type Prior,
  rateShare,
  type TrainingPlan,
  tiles,
  trainPrior,
} from '../../../helper/kernelfusion/patch-diffusion.ts';
import {
  denoisingGraph,
  parameterLayout,
  TIME_ROW,
  timeRow,
} from '../../../helper/kernelfusion/patch-diffusion-net.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { noiseLevel, signalLevel } from '../../../helper/kernelfusion/schedule.ts';
import type { Executor, Values } from '../../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { assertClose } from '../../support/close.ts';

const onnx = await createOnnxExecutor({ threads: 1 });
after(() => onnx.close());

const PLAN: TrainingPlan = { steps: 60, decay: 20, batch: 4, crop: 16, learningRate: 2e-3, width: 16 };
const ignore = () => {};

/** Stripes and slopes in [-1, 1], another phase in every colour. */
function picture(width: number, height: number, channels: number): Planes {
  const data = Float32Array.from({ length: width * height * channels }, (_, i) => {
    const [row, column] = [Math.floor((i % (width * height)) / width), i % width];
    return ((row + column) % 8 < 4 ? 0.6 : -0.5) + (0.2 * row) / height - 0.1 * Math.floor(i / (width * height));
  });
  return makePlanes(width, height, channels, data);
}

const flat = (side: number) => makePlanes(side, side, 1, new Float32Array(side * side).fill(0.3));

async function train(layer: Planes, plan: Partial<TrainingPlan> = {}, seed = 1, executor: Executor = onnx) {
  const losses: number[] = [];
  const lasts: number[] = [];
  const onStep = (step: number, steps: number, loss: number) => {
    assert.equal(step, losses.length + 1);
    losses.push(loss);
    lasts.push(steps);
  };
  const prior = await trainPrior(layer, { ...PLAN, ...plan }, executor, makeRandom(seed), onStep);
  assert.equal(executor.livePrograms, 0);
  return { prior, losses, lasts };
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

test('training lowers the loss from that of predicting nothing, about 1', async () => {
  const { losses, lasts, prior } = await train(picture(40, 36, 3), { steps: 120 });
  assert.equal(losses.length, 120);
  assert.ok(lasts.every((last) => last === 120));
  assert.ok(losses[0] > 0.6 && losses[0] < 1.4, `first loss ${losses[0]}`);
  assert.ok(mean(losses.slice(-10)) < 0.7 * losses[0], `last losses ${losses.slice(-10)}`);
  assert.deepEqual([prior.width, prior.channels], [16, 3]);
});

test('a trained prior takes noise away', async () => {
  const layer = picture(32, 32, 1);
  const { prior } = await train(layer, { steps: 150, batch: 8 });
  const denoiser = await makeDenoiser(prior, 32, 32, onnx);
  const t = 120;
  const z = await denoiser.denoise(layer, t, makeRandom(2).normals(1024));
  await denoiser.release();
  const error = z.data.reduce((sum, v, i) => sum + (v - layer.data[i]) ** 2, 0) / 1024;
  const given = (noiseLevel(t) / signalLevel(t)) ** 2;
  assert.ok(error < 0.3 * given, `error ${error}, that of x_t / a is ${given}`);
});

test('the same seed gives the same parameters and losses bit for bit, another seed others', async () => {
  const layer = picture(24, 24, 1);
  const [first, again, other] = [
    await train(layer, { steps: 12 }),
    await train(layer, { steps: 12 }),
    await train(layer, { steps: 12 }, 2),
  ];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other.prior.parameters, first.prior.parameters);
});

test('a layer smaller than the crops is trained on as a whole: 16 x 16, 16 x 40', async () => {
  for (const [width, height] of [
    [16, 16],
    [16, 40],
  ]) {
    const { losses, prior } = await train(picture(width, height, 1), { steps: 4, decay: 2, crop: 32 });
    assert.equal(losses.length, 4);
    assert.ok(losses.every(Number.isFinite));
    assert.equal(prior.parameters.length, parameterLayout({ width: 16, channels: 1 }).size);
    assert.ok(prior.parameters.every(Number.isFinite));
  }
});

/** An executor that computes nothing: it keeps what it is fed, and tells the losses it is told to. */
function recorder(lossOf: (step: number) => number, failAt = Number.POSITIVE_INFINITY) {
  const fed: Values[] = [];
  let live = 0;
  const executor: Executor = {
    name: 'recorder',
    threads: 1,
    get livePrograms() {
      return live;
    },
    async compile() {
      live++;
      let parameters = new Float32Array();
      return {
        async run(inputs) {
          fed.push(inputs);
          if (fed.length === failAt) throw new Error('the device is gone');
          return { loss: Float32Array.of(lossOf(fed.length)) };
        },
        async writeState(values) {
          parameters = values.parameters.slice();
        },
        readState: async () => ({ parameters }),
        release: async () => {
          live--;
        },
      };
    },
    close: async () => {},
  };
  return { executor, fed };
}

const LONG = { steps: 450, decay: 50 };

test('once the loss is flat the rate falls at once: 160 steps to see it, then half the decay', async () => {
  const { executor, fed } = recorder(() => 0.1);
  const { losses, lasts } = await train(flat(20), LONG, 1, executor);
  assert.equal(losses.length, 185);
  assert.deepEqual([lasts[159], lasts[160], lasts[184]], [450, 185, 185]);
  const rates = fed.map(({ adam }) => adam[0]);
  assert.ok(rates[184] < 0.02 * rates[159], `rates ${rates[159]} and ${rates[184]}`);
});

test('a loss that still falls by more than one in a hundred over 80 steps is trained to the end', async () => {
  const falling = await train(flat(20), LONG, 1, recorder((step) => 0.98 ** (step / 80)).executor);
  assert.equal(falling.losses.length, 450);
  const slower = await train(flat(20), LONG, 1, recorder((step) => 0.995 ** (step / 80)).executor);
  assert.equal(slower.losses.length, 185);
});

test('a flat picture is learnt soon and training stops early', async () => {
  const { losses } = await train(flat(16), { steps: 600, decay: 10, width: 8, batch: 2, learningRate: 1e-2 });
  assert.ok(losses.length < 600, `${losses.length} steps`);
  assert.ok(mean(losses.slice(-10)) < 0.2);
});

test('crops are windows of the layer with the same place in every colour, times are 1 to 260, noise is normal', async () => {
  const layer = makePlanes(24, 20, 3, makeRandom(8).normals(24 * 20 * 3));
  const { executor, fed } = recorder(() => 1);
  await train(layer, { steps: 40 }, 1, executor);
  const side = PLAN.crop;
  const places = new Set<number>();
  const times = new Set<number>();
  for (const { x0, time } of fed) {
    for (let n = 0; n < PLAN.batch; n++) {
      const crop = x0.subarray(n * 3 * side * side, (n + 1) * 3 * side * side);
      const at = layer.data.indexOf(crop[0]);
      const expected = Float32Array.from({ length: crop.length }, (_, i) => {
        const [c, row, column] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
        return layer.data[c * 480 + at + row * 24 + column];
      });
      assert.deepEqual(crop.slice(), expected);
      places.add(at);
      const row = time.slice(n * TIME_ROW, (n + 1) * TIME_ROW);
      const t = Array.from({ length: LAST_TIME }, (_, i) => i + 1).find(
        (candidate) => timeRow(candidate)[0] === row[0],
      );
      assert.deepEqual(row, timeRow(t ?? 0));
      times.add(t!);
    }
  }
  // 9 x 5 places and 260 times, 160 draws.
  assert.ok(places.size > 35, `${places.size} places`);
  assert.ok(times.size > 90 && Math.max(...times) > 240 && Math.min(...times) < 20, `${times.size} times`);
  const noise = fed.flatMap((values) => Array.from(values.noise));
  assertClose([mean(noise), mean(noise.map((v) => v * v))], [0, 1], 0.02);
});

test('half of the crops are drawn where there is texture', async () => {
  const layer = makePlanes(100, 16, 1);
  for (let row = 0; row < 16; row++) layer.data[row * 100 + 90] = 1;
  const { executor, fed } = recorder(() => 1);
  await train(layer, { steps: 100 }, 1, executor);
  const side = PLAN.crop;
  const textured = fed.flatMap(({ x0 }) =>
    Array.from({ length: PLAN.batch }, (_, n) =>
      x0.subarray(n * side * side, (n + 1) * side * side).some((v) => v !== 0) ? 1 : 0,
    ),
  );
  // Left columns 0 .. 84 are possible and 75 .. 84 see the line: half of the crops and 10/85 of the other half.
  assertClose([mean(textured)], [0.5 + 0.5 * (10 / 85)], 0.1);
});

test('the rate warms up over 20 steps, stays, and ends at a hundredth after half a cosine', () => {
  assertClose(
    [1, 10, 20, 100].map((step) => rateShare(step, 200, 100)),
    [0.05, 0.5, 1, 1],
    1e-12,
  );
  assertClose([rateShare(150, 200, 100), rateShare(200, 200, 100)], [0.01 + 0.99 / 2, 0.01], 1e-12);
});

test('multiply-adds a pixel, worked out by hand for 64 features and three colours', () => {
  const blocks = 3 * 64 * 9 + 64 * 64 * 9 + 5 * (64 * 64 * 9 + 64 * 64);
  assert.equal(macsPerPixel({ width: 64, channels: 3 }), blocks + 64 * 3);
});

test('sums of gradients over windows, worked out by hand', () => {
  // Differences to the right and below: (3, 4) at the first pixel, and a step of 3 below it in the second row.
  const planes = makePlanes(3, 2, 1, Float32Array.of(0, 3, 3, 4, 4, 4));
  const pixels = [5, 1, 1, 0, 0, 0];
  assertClose(gradientSums(planes, { width: 1, height: 1 }), pixels, 1e-12);
  assertClose(gradientSums(planes, { width: 2, height: 2 }), [6, 2], 1e-12);
  assertClose(gradientSums(planes, { width: 3, height: 2 }), [7], 1e-12);
  assertClose(gradientSums(planes, { width: 2, height: 2 }, Uint8Array.of(0, 1, 1, 1, 1, 1)), [1, 2], 1e-12);
});

test('a gradient is measured over all colours together', () => {
  const planes = makePlanes(2, 1, 2, Float32Array.of(0, 3, 0, 4));
  assertClose(gradientSums(planes, { width: 2, height: 1 }), [5], 1e-12);
});

const aborts = [1, 3];
for (const at of aborts) {
  test(`training stops within a step of a cancel and leaves no program, cancelled in step ${at}`, async () => {
    const abort = new AbortController();
    const steps: number[] = [];
    const onStep = (step: number) => {
      steps.push(step);
      if (step === at) abort.abort();
    };
    await assert.rejects(trainPrior(picture(20, 20, 1), PLAN, onnx, makeRandom(1), onStep, abort.signal), {
      code: 'CANCELLED',
    });
    assert.equal(steps.length, at);
    assert.equal(onnx.livePrograms, 0);
  });
}

test('a step that fails leaves no program, and its error is the one that is told', async () => {
  const { executor } = recorder(() => 1, 5);
  await assert.rejects(trainPrior(flat(20), PLAN, executor, makeRandom(1), ignore), /the device is gone/);
  assert.equal(executor.livePrograms, 0);
  const listener = () => {
    throw new Error('nobody listens');
  };
  await assert.rejects(trainPrior(flat(20), PLAN, onnx, makeRandom(1), listener), /nobody listens/);
  assert.equal(onnx.livePrograms, 0);
});

test('tiles cover every pixel exactly once, inside the canvas, with 7 pixels of context or the true border', () => {
  const lengths = fc
    .integer({ min: 15, max: 64 })
    .chain((tile) => fc.record({ tile: fc.constant(tile), length: fc.integer({ min: tile, max: 700 }) }));
  fc.assert(
    fc.property(lengths, ({ tile, length }) => {
      let next = 0;
      for (const { start, from, to } of tiles(length, tile)) {
        assert.equal(from, next);
        assert.ok(to > from);
        assert.ok(start >= 0 && start + tile <= length);
        assert.ok(start === 0 || from - start >= 7, `${from - start} pixels before`);
        assert.ok(start + tile === length || start + tile - to >= 7, `${start + tile - to} pixels after`);
        next = to;
      }
      assert.equal(next, length);
    }),
    { numRuns: 300 },
  );
});

test('a canvas that fits is one tile', () => {
  assert.deepEqual(tiles(192, 192), [{ start: 0, from: 0, to: 192 }]);
  assert.deepEqual(tiles(5, 5), [{ start: 0, from: 0, to: 5 }]);
});

/** Random everywhere, in the output layer and the biases too, so that every tap and the zero border show. */
function randomPrior(width: number, channels: number): Prior {
  const layout = parameterLayout({ width, channels });
  const parameters = makeRandom(5)
    .normals(layout.size)
    .map((v) => 0.25 * v);
  return { width, channels, parameters };
}

for (const [width, height] of [
  [201, 198],
  [193, 20],
  [18, 400],
]) {
  test(`denoising in tiles is denoising in one piece, ${width} x ${height}`, async () => {
    const prior = randomPrior(8, 3);
    const x = makePlanes(
      width,
      height,
      3,
      makeRandom(6)
        .normals(width * height * 3)
        .map((v) => 0.5 * v),
    );
    const noise = makeRandom(7).normals(x.data.length);
    const t = 140;
    const [a, s] = [signalLevel(t), noiseLevel(t)];

    const denoiser = await makeDenoiser(prior, width, height, onnx);
    const found = await denoiser.denoise(x, t, noise);
    await denoiser.release();

    const whole = await onnx.compile(denoisingGraph({ ...prior, height, imageWidth: width }));
    const xt = x.data.map((v, i) => a * v + s * noise[i]);
    const { x0 } = await whole.run({ xt, time: timeRow(t) });
    await whole.release();
    assertClose(found.data, x0, 1e-5);
    const change = mean(Array.from(x0, (v, i) => (v - a * xt[i]) ** 2));
    assert.ok(change > 0.01, `the net does something: ${change}`);
    assert.equal(onnx.livePrograms, 0);
  });
}

test('without noise the net sees a x', async () => {
  const prior = randomPrior(8, 1);
  const x = picture(9, 8, 1);
  const denoiser = await makeDenoiser(prior, 9, 8, onnx);
  const silent = await denoiser.denoise(x, 60);
  assert.deepEqual(silent, await denoiser.denoise(x, 60, new Float32Array(72)));
  assert.notDeepEqual(silent, await denoiser.denoise(x, 60, new Float32Array(72).fill(1)));
  await denoiser.release();
  assert.deepEqual(x, picture(9, 8, 1), 'the picture handed in is left as it was');
});

test('denoising stops between tiles on a cancel, and releasing leaves no program', async () => {
  const abort = new AbortController();
  const denoiser = await makeDenoiser(randomPrior(8, 1), 400, 30, onnx, abort.signal);
  const running = denoiser.denoise(makePlanes(400, 30, 1), 60);
  abort.abort();
  await assert.rejects(running, { code: 'CANCELLED' });
  await denoiser.release();
  assert.equal(onnx.livePrograms, 0);
});

test('the plan in use leaves room for the decay and trains the crops the net was measured with', () => {
  assert.ok(FAST_TRAINING.steps > FAST_TRAINING.decay);
  assert.ok(FAST_TRAINING.crop > 15, 'wider than the receptive field');
});
