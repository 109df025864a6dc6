/**
 * The enlarged picture for a known kernel, piece by piece (restore-piece.ts).
 *
 * Large layers are cut into LR tiles that overlap and are cross-faded; the overlap grows with the kernel, for a tile's border is felt a few
 * kernels deep. As many are restored at once as there are threads for tasks.
 */

import type { Kernel } from '../../shared/kernel.ts';
import { cutPlanes, makePlanes, type Planes } from '../image/planes.ts';
import { isOutOfMemory } from '../out-of-memory.ts';
import type { Executor } from '../tensor/executor.ts';
import { canvasSize } from './degradation.ts';
import type { Piece } from './method.ts';
import { type Denoiser, makeDenoiser, type Prior } from './patch-diffusion.ts';
import { type Trust, USUAL_TRUST } from './prior-steps.ts';
import type { Hedge, Manner, RestorationPlan } from './restore-piece.ts';
import type { Tasks } from './tasks.ts';
import { inOrder } from './together.ts';

export const FAST_RESTORATION: RestorationPlan = {
  times: [60, 48, 40, 32, 26, 21, 17, 13, 11, 9, 7, 5, 4],
  iterations: 10,
  trust: USUAL_TRUST,
  rounds: 4,
  roundIterations: 25,
};

/**
 * For a kernel that was given, or found without dispute and used on the grid it was found on or averaged down from there (scales 2 and 1),
 * not carried to a finer one: the layer can be believed almost to the letter.
 * With one that is right in outline only, that would put its errors into the picture (docs/method.md).
 */
export const EXACT_KERNEL: Trust = { prior: 0.1, gradients: 0.05 };

/** Side of the tiles in HR pixels, where memory allows for it, and the least that makes sense: twice the least overlap at x4. */
export const TILE_SIDE = 640;
export const LEAST_TILE_SIDE = 192;
/**
 * Overlap of neighbouring tiles: at least so many LR pixels, and so many sides of the kernel; its inner half is cross-faded. With
 * it wide bells differ from one piece by 3 levels at most, discs by 12 (without it by 15 and 45).
 */
const LEAST_OVERLAP = 24;
const KERNELS_OVERLAP = 3;
/** The net works on smaller ones still, for it holds some hundred planes of each: side by side of the tile. */
const NET_SHARE = 0.3;

export interface RestorationContext {
  readonly executor: Executor;
  readonly tasks: Tasks;
  /** Side of the tiles in HR pixels; default TILE_SIDE. */
  readonly side?: number;
  readonly hedge?: Hedge;
  /** Hears each step, and the piece it was done to (values in [-1, 1], or a little outside). */
  readonly onStep: (step: number, steps: number, piece: Piece) => void;
  /** Hears a sentence where it had to go on with smaller tiles. */
  readonly onNote?: (sentence: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Restores `y` (values in [-1, 1]) by `kernel`. `prior` null leaves out the prior's steps (alpha planes, which it has not
 * learnt). `sigma`: noise of y. Returns s * width x s * height planes in [0, 1]: the only thing of that size it makes.
 *
 * Where memory runs out in a tile, that one and all later ones are cut into tiles of half the side, once.
 */
export async function restoreLayer(
  y: Planes,
  kernel: Kernel,
  sigma: number,
  prior: Prior | null,
  plan: RestorationPlan,
  { executor, tasks, side = TILE_SIDE, hedge, onStep, onNote, signal }: RestorationContext,
): Promise<Planes> {
  const least = leastTileSide(kernel);
  const tileSide = Math.max(least, side);
  const manner = { kernel, sigma, plan, withPrior: prior !== null, hedge: hedge ?? null };
  const solverFor = (picture: Planes, most: number) =>
    makeSolver(picture, manner, prior, most, executor, tasks, signal);
  const solver = await solverFor(y, tileSide);
  const underWay = new Set<Promise<unknown>>();
  let halved: Promise<Solver> | null = null;
  /** In the place of `solver`, when what is under way with that has ended and its memory is free. `tile`: any of them. */
  const halve = async (tile: Planes) => {
    onNote?.('Memory ran out while the picture was restored, so it went on in tiles of half the size.');
    await Promise.allSettled(underWay);
    await solver.release();
    return solverFor(tile, Math.max(least, tileSide / 2));
  };
  const steps = solver.rows.length * solver.columns.length * solver.steps;
  let step = 0;
  const solve = async (tile: Planes, corner: Corner, stop: AbortSignal) => {
    let heard = 0;
    const hear = (count: number, colour: Planes) => {
      heard += count;
      step += count;
      onStep(step, steps, { colour, ...corner });
    };
    if (!halved) {
      const solving = solver.solve(tile, (colour) => hear(1, colour), stop);
      underWay.add(solving);
      try {
        return await solving;
      } catch (error) {
        if (tileSide <= least || !isOutOfMemory(error)) throw error;
        halved ??= halve(tile);
      } finally {
        // It would hold its tile.
        underWay.delete(solving);
      }
    }
    const smaller = await halved;
    const solveQuarter = (quarter: Planes) => smaller.solve(quarter, () => {}, stop);
    const colour = await inTiles(tile, kernel.scale, smaller, 1, solveQuarter, stop);
    hear(solver.steps - heard, colour);
    return colour;
  };
  try {
    const out = await inTiles(y, kernel.scale, solver, tasks.width, solve, signal);
    for (let i = 0; i < out.data.length; i++) out.data[i] = Math.min(1, Math.max(0, (out.data[i] + 1) / 2));
    return out;
  } finally {
    await solver.release();
    await (halved as Promise<Solver> | null)?.then(
      (smaller) => smaller.release(),
      () => {},
    );
  }
}

/** How a picture is cut into tiles of one size, and what restores one of them in `steps` steps. */
interface Solver {
  readonly rows: readonly LrTile[];
  readonly columns: readonly LrTile[];
  /** The least overlap of its tiles in LR pixels. */
  readonly overlap: number;
  readonly steps: number;
  solve(tile: Planes, onStep: (x: Planes) => void, signal: AbortSignal): Promise<Planes>;
  release(): Promise<void>;
}

async function makeSolver(
  y: Planes,
  manner: Manner,
  prior: Prior | null,
  side: number,
  executor: Executor,
  tasks: Tasks,
  signal: AbortSignal | undefined,
): Promise<Solver> {
  const { kernel, plan } = manner;
  const s = kernel.scale;
  const overlap = overlapFor(kernel);
  const rows = lrTiles(y.height, Math.floor(side / s), overlap);
  const columns = lrTiles(y.width, Math.floor(side / s), overlap);
  const { width, height } = canvasSize({ width: columns[0].length, height: rows[0].length }, kernel);
  const denoiser = prior && (await makeDenoiser(prior, width, height, executor, signal, Math.round(NET_SHARE * side)));
  const denoise: Denoiser['denoise'] = (...picture) => denoiser!.denoise(...picture);
  return {
    rows,
    columns,
    overlap,
    steps: 1 + (denoiser ? plan.times.length : 0),
    solve: (tile, onStep, stop) => tasks.run('restorePiece', { y: tile, manner }, { denoise, onStep }, stop),
    release: async () => denoiser?.release(),
  };
}

/** Where a tile lies in the result. */
type Corner = Pick<Piece, 'top' | 'left'>;

/** Restores each tile by `solve`, at most so many at once, and puts them together, cross-faded. */
async function inTiles(
  y: Planes,
  scale: number,
  { rows, columns, overlap }: Pick<Solver, 'rows' | 'columns' | 'overlap'>,
  most: number,
  solve: (tile: Planes, corner: Corner, signal: AbortSignal) => Promise<Planes>,
  signal?: AbortSignal,
): Promise<Planes> {
  const out = makePlanes(scale * y.width, scale * y.height, y.channels);
  const ramp = (scale * overlap) / 2;
  const vertical = fades(rows, scale, ramp, out.height);
  const horizontal = fades(columns, scale, ramp, out.width);
  const tiles = rows.flatMap((row, r) => columns.map((column, c) => ({ row, column, r, c })));
  const works = function* () {
    for (const { row, column, r, c } of tiles) {
      const corner = { top: scale * row.start, left: scale * column.start };
      yield async (stop: AbortSignal) => {
        const tile = cutPlanes(y, row.start, column.start, column.length, row.length);
        return { colour: await solve(tile, corner, stop), corner, r, c };
      };
    }
  };
  // In their order, for sums of floats depend on it.
  await inOrder(
    works(),
    most,
    ({ colour, corner, r, c }) => addWeighted(out, colour, corner, vertical[r], horizontal[c]),
    signal,
  );
  return out;
}

/** One axis of an LR tile: its first pixel, its length, and whether it ends at the layer's edge on either side. */
interface LrTile {
  readonly start: number;
  readonly length: number;
  readonly first: boolean;
  readonly last: boolean;
}

/** Overlap in LR pixels that tiles restored by such a kernel need, at least. */
const overlapFor = ({ size, scale }: Pick<Kernel, 'size' | 'scale'>): number =>
  Math.max(LEAST_OVERLAP, Math.ceil((KERNELS_OVERLAP * size) / scale));

/** The least side of tiles in HR pixels that makes sense with such a kernel: twice their overlap. */
export const leastTileSide = (kernel: Pick<Kernel, 'size' | 'scale'>): number =>
  Math.max(LEAST_TILE_SIDE, 2 * kernel.scale * overlapFor(kernel));

/** Cuts `length` LR pixels into tiles of one length, at most `most`, that overlap by `overlap` or more. */
export function lrTiles(length: number, most: number, overlap: number): LrTile[] {
  if (length <= most) return [{ start: 0, length, first: true, last: true }];
  const count = Math.ceil((length - overlap) / (most - overlap));
  return Array.from({ length: count }, (_, i) => ({
    start: Math.round((i * (length - most)) / (count - 1)),
    length: most,
    first: i === 0,
    last: i === count - 1,
  }));
}

/** Weight along one axis, in HR pixels: 1 inside, falling to nearly 0 over half the overlap towards edges shared with a neighbour. */
function fade({ length, first, last }: LrTile, scale: number, ramp: number): Float32Array {
  const hr = scale * length;
  return Float32Array.from({ length: hr }, (_, i) => {
    // The outermost quarter of the overlap is not used at all: there the tile's own border still shows.
    const up = first ? 1 : (i + 0.5 - ramp / 2) / ramp;
    const down = last ? 1 : (hr - i - 0.5 - ramp / 2) / ramp;
    return Math.min(1, Math.max(0, Math.min(up, down)));
  });
}

/** The weights of all tiles of an axis: together they are 1 at every place. `ramp`: half the overlap, in HR pixels. */
function fades(tiles: readonly LrTile[], scale: number, ramp: number, length: number): Float32Array[] {
  const weights = tiles.map((tile) => fade(tile, scale, ramp));
  const sums = new Float32Array(length);
  const each = (visit: (weight: Float32Array, i: number, at: number) => void) =>
    weights.forEach((weight, t) => {
      for (let i = 0; i < weight.length; i++) visit(weight, i, scale * tiles[t].start + i);
    });
  each((weight, i, at) => {
    sums[at] += weight[i];
  });
  each((weight, i, at) => {
    weight[i] /= sums[at];
  });
  return weights;
}

function addWeighted(
  out: Planes,
  part: Planes,
  { top, left }: Corner,
  vertical: Float32Array,
  horizontal: Float32Array,
): void {
  for (let c = 0; c < out.channels; c++) {
    for (let y = 0; y < part.height; y++) {
      const from = (c * part.height + y) * part.width;
      const to = (c * out.height + top + y) * out.width + left;
      for (let x = 0; x < part.width; x++) out.data[to + x] += vertical[y] * horizontal[x] * part.data[from + x];
    }
  }
}
