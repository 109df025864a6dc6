/**
 * A job as far as memory goes, in a process of its own: all that a job holds is held, and every long loop is cut short.
 * Arguments: side of the layer, scale, side of the tiles, threads for tasks, rounds of the solvers. Prints the peak in bytes.
 */

import { mapPlanes } from '../../../helper/image/planes.ts';
import { layerOfRgba, rgbaOf } from '../../../helper/image/rgba.ts';
import { encodePicture } from '../../../helper/image/write.ts';
import { consistency } from '../../../helper/kernelfusion/consistency.ts';
import { estimateNoise } from '../../../helper/kernelfusion/noise.ts';
import { FAST_TRAINING, trainPrior } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { FAST_RESTORATION, restoreLayer } from '../../../helper/kernelfusion/restore.ts';
import { peakMemory } from '../../../helper/peak-memory.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { openTasks } from '../../../helper/threads/task-threads.ts';
import { bicubicKernel, type Scale } from '../../../shared/kernel.ts';

const [size, scale, side, threads, rounds] = process.argv.slice(2).map(Number);
const random = makeRandom(1);
const rgba = new Uint8Array(4 * size * size).map((_, i) => (i % 4 === 3 ? (i >> 5) & 255 : random.below(256)));
const layer = layerOfRgba(rgba, size, size);
const toNetwork = (v: number) => 2 * v - 1;
const y = mapPlanes(layer.colour, toNetwork);
const executor = await createOnnxExecutor();
estimateNoise(
  y,
  Uint8Array.from(layer.alpha!.data, (v) => (v > 0.998 ? 1 : 0)),
);
const prior = await trainPrior(y, { ...FAST_TRAINING, steps: 2, decay: 1 }, executor, random, () => {});
const kernel = bicubicKernel(scale as Scale);
const tasks = openTasks(threads);
const context = { executor, tasks, side, onStep: () => {} };
// The net is the same for a tile as for a thousand, and would take most of the time.
const [once, never] = [[40], []].map((times) => ({
  ...FAST_RESTORATION,
  times,
  iterations: 1,
  rounds,
  roundIterations: 1 + rounds,
}));
const colour = await restoreLayer(y, kernel, 0.01, prior, size * scale <= side ? once : never, context);
const alpha = await restoreLayer(mapPlanes(layer.alpha!, toNetwork), kernel, 0, null, never, context);
consistency(y, colour, kernel);
const result = { colour, alpha };
const sent = rgbaOf(result).length;
const written = (await encodePicture(result, { bits: 8, icc: null, density: 72 }, 'png')).length;
await tasks.close();
await executor.close();
console.log(peakMemory(), sent, written);
