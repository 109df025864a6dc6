/**
 * `kernelfusion kernel apply`: a picture blurred by a kernel, and reduced by its scale if asked: what the kernel says has happened
 * to the picture it was found in.
 */

import { throwIfCancelled } from '../../shared/errors.ts';
import { type Kernel, resizeSide, type Scale } from '../../shared/kernel.ts';
import type { Sense } from '../../shared/kernel-formats/format.ts';
import { centre } from '../../shared/kernel-formats/placing.ts';
import { cutPlanes, makePlanes, type Planes, planeOf } from '../image/planes.ts';
import { readPicture } from '../image/read.ts';
import { checkOutput, writePicture } from '../image/write.ts';
import { canvasMargin, extend, makeDegradation } from '../kernelfusion/degradation.ts';
import type { CommandResult } from './command-result.ts';
import { readKernelFile } from './kernel-file.ts';
import { checkOutputs, writerFor } from './outputs.ts';

export interface ApplyRequest {
  readonly kernel: string;
  readonly input: string;
  readonly output: string;
  readonly scale?: Scale;
  readonly sense?: Sense;
  /** Keep one pixel of each s x s, instead of the size. */
  readonly reduce: boolean;
  readonly force: boolean;
}

/** Throws what reading and writing pictures and kernels throws; `CANCELLED`. */
export async function applyKernel(request: ApplyRequest, signal: AbortSignal): Promise<CommandResult> {
  const { input, output, scale, sense, reduce, force } = request;
  await checkOutputs([request.kernel, input], [output], force);
  const { kernel, notes } = await readKernelFile(request.kernel, { ...(scale && { scale }), ...(sense && { sense }) });
  const picture = await readPicture(input, {}, signal);
  const plan = await checkOutput(output, picture, 1);
  const blur = (planes: Planes) => (reduce ? reduced(planes, kernel, signal) : blurred(planes, kernel, signal));
  const { colour, alpha } = picture.layer;
  const layer = { colour: blur(colour), alpha: alpha && blur(alpha) };
  await writePicture(output, layer, picture, signal, writerFor(force));
  const { width, height } = layer.colour;
  const all = [...notes, ...picture.notes, ...plan.notes];
  return {
    data: { file: output, width, height, notes: all },
    text: `${[...all.map((note) => `Note: ${note}`), `Wrote ${output} (${width} x ${height})`].join('\n')}\n`,
    exitCode: 0,
  };
}

/** Of the same size. A kernel of an even side is brought to an odd one, or the picture would move by half a pixel. */
export const blurred = (planes: Planes, kernel: Kernel, signal?: AbortSignal): Planes =>
  reduced(planes, { ...centre(kernel, 'middle'), scale: 1 }, signal);

/**
 * Of 1/s the size, pixels over on the right and below left out: y = A x (degradation.ts), borders replicated. A kernel whose side
 * has not the scale's parity is taken half a pixel off its centre, as `upscale` takes it.
 */
export function reduced(planes: Planes, given: Kernel, signal?: AbortSignal): Planes {
  const { scale } = given;
  const kernel = (given.size - scale) % 2 === 0 ? given : resizeSide(given, given.size + 1);
  const { size } = kernel;
  const [width, height] = [Math.floor(planes.width / scale), Math.floor(planes.height / scale)];
  const canvas = extend(cutPlanes(planes, 0, 0, scale * width, scale * height), canvasMargin(size, scale));
  const { apply } = makeDegradation(kernel, width, height);
  const out = makePlanes(width, height, planes.channels);
  for (let c = 0; c < planes.channels; c++) {
    throwIfCancelled(signal);
    planeOf(out, c).set(apply(planeOf(canvas, c)));
  }
  return out;
}
