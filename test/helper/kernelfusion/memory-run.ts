/**
 * A job as far as memory goes, in a process of its own: everything that is ever held is held, and every long loop is cut short.
 * Arguments: side, scale, tile side. Prints the peak in bytes.
 */

import { mapPlanes } from '../../../helper/image/planes.ts';
import { layerOfRgba, rgbaOf } from '../../../helper/image/rgba.ts';
import { consistency } from '../../../helper/kernelfusion/consistency.ts';
import type { Layer } from '../../../helper/kernelfusion/method.ts';
import { estimateNoise } from '../../../helper/kernelfusion/noise.ts';
import { FAST_TRAINING, trainPrior } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { restoreLayer } from '../../../helper/kernelfusion/restore.ts';
import { peakMemory } from '../../../helper/peak-memory.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { bicubicKernel, type Scale } from '../../../shared/kernel.ts';

const [side, scale, tileSide] = process.argv.slice(2).map(Number);
const random = makeRandom(1);
const rgba = new Uint8Array(4 * side * side).map((_, i) => (i % 4 === 3 ? (i >> 5) & 255 : random.below(256)));
const layer: Layer = layerOfRgba(rgba, side, side);
const toNetwork = (v: number) => 2 * v - 1;
const y = mapPlanes(layer.colour, toNetwork);
const executor = await createOnnxExecutor();
const mb = () => console.error(Math.round(peakMemory() / 1e6));
mb();
const usable = Uint8Array.from(layer.alpha!.data, (v) => (v > 0.998 ? 1 : 0));
estimateNoise(y, usable);
mb();
const prior = await trainPrior(y, { ...FAST_TRAINING, steps: 3, decay: 1 }, executor, random, () => {});
mb();
const plan = { times: [40], iterations: 1, rounds: 0, roundIterations: 1 };
const context = { executor, side: tileSide, onStep: () => {} };
const kernel = bicubicKernel(scale as Scale);
const colour = await restoreLayer(y, kernel, 0.01, prior, plan, context);
mb();
const alpha = await restoreLayer(mapPlanes(layer.alpha!, toNetwork), kernel, 0, null, plan, context);
consistency(y, colour, kernel);
mb();
const pixels = rgbaOf({ colour, alpha });
console.log(peakMemory(), pixels.length);
await executor.close();
