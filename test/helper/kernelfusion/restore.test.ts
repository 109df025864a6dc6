import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { cutPlanes, makePlanes, mapPlanes, type Planes } from '../../../helper/image/planes.ts';
import { makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import type { Prior } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { parameterLayout } from '../../../helper/kernelfusion/patch-diffusion-net.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import {
  FAST_RESTORATION,
  lrTiles,
  type RestorationContext,
  restoreLayer,
} from '../../../helper/kernelfusion/restore.ts';
import { tasksHere } from '../../../helper/kernelfusion/tasks.ts';
import type { Executor } from '../../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { wrapExecutor } from '../../../helper/tensor/wrap.ts';
import { openTasks } from '../../../helper/threads/task-threads.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import type { Kernel } from '../../../shared/kernel.ts';
import { gaussian } from '../../support/scene.ts';

const onnx = await createOnnxExecutor({ threads: 1 });
after(() => onnx.close());

const ignore = () => {};

/** The restored layer, in the range of the layer. */
async function restore(
  y: Planes,
  kernel: Kernel,
  sigma: number,
  prior: Prior | null,
  onStep: RestorationContext['onStep'] = ignore,
  more: Partial<RestorationContext> = {},
): Promise<Planes> {
  const context = { executor: onnx, tasks: tasksHere(), onStep, ...more };
  return mapPlanes(await restoreLayer(y, kernel, sigma, prior, FAST_RESTORATION, context), (v) => 2 * v - 1);
}
const LEVEL = 2 / 255;
/** Overlap of tiles for kernels of up to 8 LR pixels, in LR pixels. */
const OVERLAP = 24;

test('a length that fits is one tile', () => {
  for (const length of [1, 319, 320]) {
    assert.deepEqual(lrTiles(length, 320, OVERLAP), [{ start: 0, length, first: true, last: true }]);
  }
});

test('tiles of one length cover every pixel, overlap by as much as is asked for and reach both edges exactly', () => {
  const overlaps = fc.constantFrom(OVERLAP, 93);
  fc.assert(
    fc.property(
      overlaps,
      fc.integer({ min: 25, max: 700 }),
      fc.integer({ min: 1, max: 5000 }),
      (overlap, own, more) => {
        const most = overlap + own;
        const length = most + more;
        const tiles = lrTiles(length, most, overlap);
        assert.ok(tiles.every((tile) => tile.length === most));
        assert.equal(tiles[0].start, 0);
        assert.equal(tiles[tiles.length - 1].start + most, length);
        assert.deepEqual(
          tiles.map(({ first, last }) => [first, last]),
          tiles.map((_, i) => [i === 0, i === tiles.length - 1]),
        );
        for (let i = 1; i < tiles.length; i++) {
          assert.ok(tiles[i].start > tiles[i - 1].start);
          assert.ok(tiles[i - 1].start + most - tiles[i].start >= overlap, `tile ${i} of ${length} by ${most}`);
        }
      },
    ),
  );
});

test('no more tiles than needed: one fewer could not overlap by 24', () => {
  assert.equal(lrTiles(616, 320, OVERLAP).length, 2);
  assert.equal(lrTiles(617, 320, OVERLAP).length, 3);
});

/** Edges, slopes and fine texture in [-1, 1]; nothing repeats with the tiles. */
function picture(width: number, height: number): Planes {
  const speckle = makeRandom(1).normals(width * height);
  return makePlanes(
    width,
    height,
    1,
    Float32Array.from({ length: width * height }, (_, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      const stripes = (column + 0.7 * row) % 37 < 15 ? 0.5 : -0.4;
      return stripes + 0.2 * Math.sin(0.013 * column * Math.sqrt(column)) + 0.05 * speckle[i];
    }),
  );
}

/** What the kernel leaves of a picture, width x height pixels. */
function layerOf(kernel: Kernel, width: number, height: number): Planes {
  const { canvasWidth, canvasHeight, apply } = makeDegradation(kernel, width, height);
  return makePlanes(width, height, 1, apply(picture(canvasWidth, canvasHeight).data));
}

const transposed = ({ width, height, data }: Planes): Planes =>
  makePlanes(
    height,
    width,
    1,
    Float32Array.from({ length: data.length }, (_, i) => data[(i % height) * width + Math.floor(i / height)]),
  );

const inOnePiece = async (y: Planes, kernel: Kernel, sigma: number, prior: Prior | null = null) => {
  const steps: [number, number][] = [];
  const onStep = (...[step, of]: [number, number, ...unknown[]]) => steps.push([step, of]);
  const out = await restore(y, kernel, sigma, prior, onStep);
  const last = 1 + (prior ? FAST_RESTORATION.times.length : 0);
  assert.deepEqual(steps.at(-1), [last, last], 'one tile only');
  return out;
};

/** The largest and the root mean squared difference within columns fromColumn .. toColumn-1. */
function compare(a: Planes, b: Planes, fromColumn: number, toColumn: number) {
  let most = 0;
  let squares = 0;
  for (let y = 0; y < a.height; y++) {
    for (let x = fromColumn; x < toColumn; x++) {
      const d = a.data[y * a.width + x] - b.data[y * b.width + x];
      most = Math.max(most, Math.abs(d));
      squares += d * d;
    }
  }
  return { most, rms: Math.sqrt(squares / (a.height * (toColumn - fromColumn))) };
}

for (const [scale, most, size] of [
  [1, 640, 7],
  [2, 320, 14],
  [4, 160, 20],
] as const) {
  test(`a layer in tiles is restored as in one piece, scale ${scale}`, async () => {
    const kernel = gaussian(size, scale, 0.9 * scale, 0.5 * scale, 0.5);
    // Two tiles that overlap by no more than they must.
    const width = 2 * most - OVERLAP;
    const y = layerOf(kernel, width, 24);
    const heard: number[][] = [];
    const whole = await restore(y, kernel, 0.01, null, (step, steps, { colour, top, left }) =>
      heard.push([step, steps, top, left, colour.width, colour.height]),
    );
    assert.deepEqual(heard, [
      [1, 2, 0, 0, scale * most, scale * 24],
      [2, 2, 0, scale * (width - most), scale * most, scale * 24],
    ]);
    assert.deepEqual([whole.width, whole.height], [scale * width, scale * 24]);
    // One tile with the seams in its middle, where its own border has no influence.
    const left = Math.round((width - most) / 2);
    const piece = await inOnePiece(cutPlanes(y, 0, left, most, 24), kernel, 0.01);
    const seen = cutPlanes(whole, 0, scale * left, scale * most, scale * 24);
    const { most: worst, rms } = compare(seen, piece, scale * 40, scale * (most - 40));
    assert.ok(worst < LEVEL, `differs by ${worst / LEVEL} levels`);
    assert.ok(rms < 0.1 * LEVEL, `differs by ${rms / LEVEL} levels on the mean`);
  });
}

test('tiles overlap by three sides of a wide kernel, however small they are asked for, and leave no seam', async () => {
  const kernel = gaussian(47, 1, 8, 8, 0);
  const y = layerOf(kernel, 300, 24);
  const whole = await inOnePiece(y, kernel, 0.01);
  const widths: number[] = [];
  const onStep: RestorationContext['onStep'] = (_step, _steps, { colour }) => widths.push(colour.width);
  const tiled = await restore(y, kernel, 0.01, null, onStep, { side: 192 });
  // Twice the overlap.
  assert.deepEqual(widths, [282, 282]);
  const { most } = compare(tiled, whole, 0, 300);
  assert.ok(most < 2 * LEVEL, `differs by ${most / LEVEL} levels`);
});

test('a flat layer stays flat where tiles meet along both axes', async () => {
  const y = makePlanes(170, 170, 3, new Float32Array(3 * 170 * 170).fill(0.3));
  let steps = 0;
  const out = await restore(y, gaussian(8, 4, 1.5, 1.5, 0), 0, null, () => steps++);
  assert.equal(steps, 4);
  const worst = out.data.reduce((most, v) => Math.max(most, Math.abs(v - 0.3)), 0);
  assert.ok(worst < 0.01 * LEVEL, `off by ${worst / LEVEL} levels`);
});

test('it stops on a cancel, in the first or a later step, and releases its program', async () => {
  const kernel = gaussian(8, 2, 1.6, 0.8, 0.5);
  for (const last of [1, 3]) {
    const stop = new AbortController();
    const heard: number[] = [];
    const onStep: RestorationContext['onStep'] = (step) => {
      heard.push(step);
      assert.equal(onnx.livePrograms, 1);
      if (step === last) stop.abort();
    };
    const cancelled = restore(layerOf(kernel, 20, 20), kernel, 0.01, untrained(), onStep, { signal: stop.signal });
    await assert.rejects(cancelled, { code: 'CANCELLED' });
    assert.equal(heard.at(-1), last);
    assert.equal(onnx.livePrograms, 0);
  }
});

test('with a prior and tiles one above the other: as in one piece, and the program is released', async () => {
  const kernel = gaussian(8, 2, 1.6, 0.8, 0.5);
  const prior = untrained();
  const y = transposed(layerOf(kernel, 616, 18));
  const whole = await restore(y, kernel, 0.01, prior);
  assert.equal(onnx.livePrograms, 0);
  const piece = await inOnePiece(cutPlanes(y, 148, 0, 18, 320), kernel, 0.01, prior);
  const seen = transposed(cutPlanes(whole, 296, 0, 36, 640));
  const { most } = compare(seen, transposed(piece), 80, 560);
  assert.ok(most < LEVEL, `differs by ${most / LEVEL} levels`);
});

/** Denoises `runs` times and then says that memory ran out, but for nets of canvases narrower than `most`. */
function shortOfMemory(runs: number, most: number): { executor: Executor; sides: number[] } {
  const sides: number[] = [];
  const executor = wrapExecutor(onnx, (program, graph) => {
    const side = graph.nodes[graph.outputs.x0].shape[3];
    sides.push(side);
    let left = side < most ? Number.POSITIVE_INFINITY : runs;
    return async (inputs) => {
      if (left-- <= 0) throw new KernelFusionError('OUT_OF_MEMORY', 'There is not enough memory.');
      return program.run(inputs);
    };
  });
  return { executor, sides };
}

/** An untrained net: any function of the picture shows what tiles see. */
function untrained(): Prior {
  const { size } = parameterLayout({ width: 16, channels: 1 });
  return {
    width: 16,
    channels: 1,
    parameters: makeRandom(2)
      .normals(size)
      .map((v) => 0.03 * v),
  };
}

test('where memory runs out the tiles are halved once, and the picture is the same without a seam', async () => {
  const kernel = gaussian(8, 2, 1.6, 0.8, 0.5);
  const y = layerOf(kernel, 340, 30);
  const prior = untrained();
  const whole = await restore(y, kernel, 0.01, prior);
  const { executor, sides } = shortOfMemory(9, 192);
  const notes: string[] = [];
  const heard: number[] = [];
  const onStep: RestorationContext['onStep'] = (step) => heard.push(step);
  const halved = await restore(y, kernel, 0.01, prior, onStep, { executor, onNote: (note) => notes.push(note) });
  assert.deepEqual(sides, [192, 96]);
  assert.deepEqual(notes, ['Memory ran out while the picture was restored, so it went on in tiles of half the size.']);
  assert.equal(heard.at(-1), 2 * (1 + FAST_RESTORATION.times.length));
  assert.ok(heard.every((step, i) => i === 0 || step >= heard[i - 1]));
  const { most, rms } = compare(halved, whole, 0, 680);
  // A net that has learnt nothing makes more of a difference than one that has.
  assert.ok(most < 1.5 * LEVEL, `differs by ${most / LEVEL} levels`);
  assert.ok(rms < 0.1 * LEVEL, `differs by ${rms / LEVEL} levels on the mean`);
  assert.equal(onnx.livePrograms, 0);
});

test('where memory runs out again, or the tiles are the smallest there are, that is the end', async () => {
  const kernel = gaussian(8, 2, 1.6, 0.8, 0.5);
  const y = layerOf(kernel, 100, 20);
  for (const [side, sides] of [
    [400, [120, 60]],
    [192, [58]],
  ] as const) {
    const short = shortOfMemory(0, 0);
    const restoring = restore(y, kernel, 0.01, untrained(), ignore, { executor: short.executor, side });
    await assert.rejects(restoring, { code: 'OUT_OF_MEMORY' });
    assert.deepEqual(short.sides, sides);
    assert.equal(onnx.livePrograms, 0);
  }
});

test('tiles of any side give the same picture', async () => {
  const kernel = gaussian(8, 2, 1.6, 0.8, 0.5);
  const y = layerOf(kernel, 240, 24);
  const whole = await restore(y, kernel, 0.01, null);
  const small = await restore(y, kernel, 0.01, null, ignore, { side: 192 });
  const { most } = compare(small, whole, 0, 480);
  assert.ok(most < LEVEL, `differs by ${most / LEVEL} levels`);
});

test('a hedge: the mean of the picture by either kernel, the other one without the prior, in every step and in tiles', async () => {
  const kernel = gaussian(8, 2, 1.6, 0.8, 0.5);
  const other = gaussian(4, 2, 0.6, 0.6, 0);
  const y = layerOf(kernel, 130, 24);
  const side = 192;
  const mean = (a: Planes, b: Planes) => a.data.map((v, i) => 0.7 * v + 0.3 * b.data[i]);
  const [found, plain] = [await restore(y, kernel, 0.01, untrained()), await restore(y, other, 0.01, null)];
  const pieces: Planes[] = [];
  const onStep: RestorationContext['onStep'] = (_step, _steps, { colour }) => pieces.push(colour);
  const hedged = await restore(y, kernel, 0.01, untrained(), onStep, { side, hedge: { kernel: other, share: 0.3 } });
  const expected = { ...hedged, data: mean(found, plain) };
  assert.ok(compare(found, plain, 0, 260).rms > 2 * LEVEL, 'the two differ');
  const { most } = compare(hedged, expected, 0, 260);
  assert.ok(most < LEVEL, `differs by ${most / LEVEL} levels`);
  const [first] = pieces;
  const begun = await restore(y, kernel, 0.01, null);
  const inside = compare(first, { ...hedged, data: mean(begun, plain) }, 0, 60);
  assert.ok(inside.most < LEVEL, `the first step differs by ${inside.most / LEVEL} levels`);
});

test('tiles restored at once, in threads, give the same to the bit, and as many steps', async () => {
  const kernel = gaussian(8, 2, 1.6, 0.8, 0.5);
  const y = layerOf(kernel, 340, 30);
  const threads = openTasks(3);
  after(() => threads.close());
  const run = async (more: Partial<RestorationContext>) => {
    const steps: number[] = [];
    const onStep: RestorationContext['onStep'] = (step) => steps.push(step);
    const picture = await restore(y, kernel, 0.01, untrained(), onStep, { side: 192, ...more });
    return { picture, steps };
  };
  assert.deepEqual(await run({ tasks: threads }), await run({}));
  const { executor, sides } = shortOfMemory(9, 192);
  const notes: string[] = [];
  const short = { executor, side: 640, onNote: (note: string) => notes.push(note) };
  const halved = await run({ ...short, tasks: threads });
  assert.deepEqual([sides, notes.length], [[192, 96], 1]);
  assert.equal(halved.steps.at(-1), 2 * (1 + FAST_RESTORATION.times.length));
  assert.equal(onnx.livePrograms, 0);
});
