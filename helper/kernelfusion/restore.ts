/**
 * The enlarged picture for a known kernel: closed form first, then a few steps of the prior.
 *
 * The hyper-Laplacian solution puts edges where the data want them; patch diffusion then moves its texture towards the
 * layer's own patches, at falling noise levels, each step followed by a return to agreement with the layer. No noise is
 * injected: it helps to find kernels and costs sharpness here (measured; docs/method.md). Large layers are cut into LR
 * tiles that overlap and are cross-faded; the solvers' influence dies out well within the overlap.
 */

import { throwIfCancelled } from '../../shared/errors.ts';
import type { Kernel } from '../../shared/kernel.ts';
import { cutPlanes, makePlanes, type Planes, planeOf } from '../image/planes.ts';
import type { Executor } from '../tensor/executor.ts';
import { agreeWithLayer, priorTrust } from './agreement.ts';
import { bicubicCanvas, canvasMargin, cutMargin, makeDegradation } from './degradation.ts';
import { naturalWeights, restoreHyperLaplacian } from './hyper-laplacian.ts';
import type { Piece } from './method.ts';
import { type Denoiser, makeDenoiser, type Prior } from './patch-diffusion.ts';

export interface RestorationPlan {
  /** Noise levels of the prior's steps. */
  readonly times: readonly number[];
  /** Conjugate gradient iterations after each. */
  readonly iterations: number;
  readonly rounds: number;
  readonly roundIterations: number;
}

export const FAST_RESTORATION: RestorationPlan = {
  times: [40, 26, 17, 11, 8, 5],
  iterations: 10,
  rounds: 4,
  roundIterations: 25,
};

/** Largest HR side solved in one piece. */
const PIECE = 640;
/** Overlap of neighbouring tiles in LR pixels; the inner half is cross-faded. */
const OVERLAP = 24;

/**
 * Restores `y` (values in [-1, 1]) by `kernel`. `prior` null leaves out the prior's steps (alpha planes, which it has not
 * learnt). `sigma`: noise of y. `onStep` hears the piece in the same range. Returns s * width x s * height planes; values may
 * leave [-1, 1] a little.
 */
export async function restore(
  y: Planes,
  kernel: Kernel,
  sigma: number,
  prior: Prior | null,
  plan: RestorationPlan,
  executor: Executor,
  onStep: (step: number, steps: number, piece: Piece) => void,
  signal?: AbortSignal,
): Promise<Planes> {
  const s = kernel.scale;
  const rows = lrTiles(y.height, Math.floor(PIECE / s));
  const columns = lrTiles(y.width, Math.floor(PIECE / s));
  const margin = canvasMargin(kernel.size, s);
  const tile = { width: columns[0].length, height: rows[0].length };
  const denoiser =
    prior && (await makeDenoiser(prior, s * tile.width + 2 * margin, s * tile.height + 2 * margin, executor, signal));
  try {
    const out = makePlanes(s * y.width, s * y.height, y.channels);
    const weightSum = new Float32Array(out.width * out.height);
    const steps = rows.length * columns.length * (1 + (denoiser ? plan.times.length : 0));
    let step = 0;
    for (const row of rows) {
      for (const column of columns) {
        throwIfCancelled(signal);
        const part = cutPlanes(y, row.start, column.start, tile.width, tile.height);
        const onPiece = (colour: Planes) =>
          onStep(++step, steps, { colour, top: s * row.start, left: s * column.start });
        const restored = await restorePiece(part, kernel, sigma, denoiser, plan, onPiece, signal);
        addFaded(out, weightSum, restored, row, column, s);
      }
    }
    for (let c = 0; c < out.channels; c++) {
      const plane = planeOf(out, c);
      for (let i = 0; i < plane.length; i++) plane[i] /= weightSum[i];
    }
    return out;
  } finally {
    await denoiser?.release();
  }
}

async function restorePiece(
  y: Planes,
  kernel: Kernel,
  sigma: number,
  denoiser: Denoiser | null,
  plan: RestorationPlan,
  onStep: (x: Planes) => void,
  signal?: AbortSignal,
): Promise<Planes> {
  const margin = canvasMargin(kernel.size, kernel.scale);
  const degradation = makeDegradation(kernel, y.width, y.height);
  let x = await restoreHyperLaplacian(
    y,
    degradation,
    bicubicCanvas(y, kernel.scale, margin),
    { ...naturalWeights(sigma), rounds: plan.rounds, iterations: plan.roundIterations },
    signal,
  );
  onStep(cutMargin(x, margin));
  if (denoiser) {
    for (const t of plan.times) {
      const z = await denoiser.denoise(x, t);
      x = await agreeWithLayer(z, y, degradation, priorTrust(t, sigma), plan.iterations, signal);
      onStep(cutMargin(x, margin));
    }
  }
  return cutMargin(x, margin);
}

/** One axis of an LR tile: its first pixel, its length, and whether it ends at the layer's edge on either side. */
interface LrTile {
  readonly start: number;
  readonly length: number;
  readonly first: boolean;
  readonly last: boolean;
}

/** Cuts `length` LR pixels into tiles of one length, at most `most`, that overlap by OVERLAP or more. */
export function lrTiles(length: number, most: number): LrTile[] {
  if (length <= most) return [{ start: 0, length, first: true, last: true }];
  const count = Math.ceil((length - OVERLAP) / (most - OVERLAP));
  return Array.from({ length: count }, (_, i) => ({
    start: Math.round((i * (length - most)) / (count - 1)),
    length: most,
    first: i === 0,
    last: i === count - 1,
  }));
}

/** Weight along one axis, in HR pixels: 1 inside, falling to nearly 0 over OVERLAP/2 towards edges shared with a neighbour. */
function fade({ length, first, last }: LrTile, scale: number): Float32Array {
  const ramp = (scale * OVERLAP) / 2;
  const hr = scale * length;
  return Float32Array.from({ length: hr }, (_, i) => {
    // The outermost quarter of the overlap is not used at all: there the tile's own border still shows.
    const up = first ? 1 : (i + 0.5 - ramp / 2) / ramp;
    const down = last ? 1 : (hr - i - 0.5 - ramp / 2) / ramp;
    return Math.min(1, Math.max(0, Math.min(up, down)));
  });
}

function addFaded(
  out: Planes,
  weightSum: Float32Array,
  part: Planes,
  row: LrTile,
  column: LrTile,
  scale: number,
): void {
  const vertical = fade(row, scale);
  const horizontal = fade(column, scale);
  for (let y = 0; y < part.height; y++) {
    for (let x = 0; x < part.width; x++) {
      const weight = vertical[y] * horizontal[x];
      const to = (scale * row.start + y) * out.width + scale * column.start + x;
      weightSum[to] += weight;
      for (let c = 0; c < out.channels; c++) {
        out.data[c * out.width * out.height + to] += weight * part.data[(c * part.height + y) * part.width + x];
      }
    }
  }
}
