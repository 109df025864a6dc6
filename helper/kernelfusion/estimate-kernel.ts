/**
 * The kernel of a layer: searched from several starts, each judged by LR pixels that it was not fitted to (docs/method.md).
 *
 * Starts are the shapes that blurs have (kernel-starts.ts) and, where there is a prior, what the reverse diffusion finds
 * (diffusion-search.ts). From each a few steps of cross-fitting are made (cross-fit.ts), and the best few go on. Of all the kernels
 * met the one is kept that foretells hidden pixels best (held-out.ts), if it leads clearly over the diffusion's. All this is at
 * twice the layer's resolution whatever the scale wanted: there a blur of a given width in LR pixels has few enough taps to be
 * found, and `toScale` carries it on.
 */
import { bicubicKernel, type Kernel, type Scale } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import type { Executor } from '../tensor/executor.ts';
import { type CrossFitPlan, crossFit, type Fit, unknownScene } from './cross-fit.ts';
import { DIFFUSION_SEARCH, type Searched, searchByDiffusion } from './diffusion-search.ts';
import { foretell, hidePixels, type Prediction } from './held-out.ts';
import { makeNormalEquations, trimKernel } from './kernel-solver.ts';
import { startKernel } from './kernel-starts.ts';
import { lumaOf } from './luma.ts';
import { LEAST_SIGMA, ROUNDING_VARIANCE } from './noise.ts';
import type { Prior } from './patch-diffusion.ts';
import { makeRandom, type Random } from './random.ts';
import type { View } from './scene-posterior.ts';

/** The scale at which kernels are searched. */
export const SEARCH_SCALE: Scale = 2;

export interface SearchPlan {
  /** Shapes to start from (kernel-starts.ts). */
  readonly shapes: readonly string[];
  /** Searches in the reverse diffusion, whose kernels are starts too. */
  readonly diffusions: number;
  /** Steps of cross-fitting from each start. */
  readonly first: number;
  /** How many go on, and by how many steps. */
  readonly kept: number;
  readonly further: number;
}

/** Noise at first, as a multiple: from the plainest start as well, with which grainy layers are searched better. */
const HEAT = 4;

/** Steps of a search, for progress and predictions. */
export const searchSteps = ({ shapes, diffusions, first, kept, further }: SearchPlan): number =>
  (1 + shapes.length + diffusions) * first + kept * further + diffusions * DIFFUSION_SEARCH.steps;

export interface Estimate {
  /** Its kernel is on the grid of SEARCH_SCALE. */
  readonly chosen: Candidate;
  /** What the plain bicubic kernel foretells. */
  readonly plain: Prediction;
  /** Every kernel that was judged, the best first. */
  readonly candidates: readonly Candidate[];
}

/** A kernel met on the way. */
export interface Candidate extends Fit, Prediction {
  /** Where the search for it began: a shape, or DIFFUSION; and whether it was fitted and went on. */
  readonly start: string;
}

/** `prior` may be missing where the plan has no diffusions. `onStep` hears every step of `searchSteps`. */
export async function estimateKernel(
  searched: Searched,
  prior: Prior | null,
  plan: SearchPlan,
  executor: Executor,
  random: Random,
  onStep: (step: number, kernel: Kernel) => void,
  signal?: AbortSignal,
): Promise<Estimate> {
  const { y, usable, size, scale, sigma } = searched;
  const view = lumaView(y, sigma);
  const seed = random.below(2 ** 31);
  let step = 0;
  const listen = (kernel: Kernel) => onStep(++step, kernel);
  // All are judged by the same pixels and draws, and fitted to the same ones: what differs is the start alone.
  const judge = (kernel: Kernel) => {
    const chance = makeRandom(seed, 1);
    return foretell({ ...view, shown: hidePixels(usable.length, chance) }, usable, kernel, chance, signal);
  };
  const equations = await makeNormalEquations(executor, size, scale);
  try {
    const goOn = async (name: string, start: Fit, steps: CrossFitPlan): Promise<void> => {
      const fit = await crossFit(view, usable, start, steps, equations, makeRandom(seed, 2), listen, signal);
      met.push({ ...fit, start: name, ...(await judge(fit.kernel)) });
    };
    const begin = (name: string, kernel: Kernel, heat = 1) =>
      goOn(name, { kernel, scene: unknownScene(view, kernel) }, { steps: plan.first, heat });
    const met: Candidate[] = [];
    const [plainest] = plan.shapes;
    await begin(`${plainest}, cooled`, startKernel(plainest, size, scale), HEAT);
    for (const shape of plan.shapes) await begin(shape, startKernel(shape, size, scale));
    for (let i = 0; prior && i < plan.diffusions; i++) {
      const found = await searchByDiffusion(
        searched,
        prior,
        DIFFUSION_SEARCH,
        equations,
        executor,
        random,
        listen,
        signal,
      );
      const kernel = trimKernel(found, DIFFUSION_HAZE);
      met.push({ kernel, scene: unknownScene(view, kernel), start: DIFFUSION, ...(await judge(kernel)) });
      await begin(`${DIFFUSION}, fitted`, kernel);
    }
    const best = met.slice().sort(byScore).slice(0, plan.kept);
    for (const fit of best) await goOn(`${fit.start}, on`, fit, { steps: plan.further, heat: 1 });
    met.sort(byScore);
    return { chosen: choose(met), plain: await judge(bicubicKernel(scale)), candidates: met };
  } finally {
    await equations.release();
  }
}

/** How what a diffusion found is called. */
export const DIFFUSION = 'diffusion';

/** Taps of a diffusion's kernel below this share of the largest are the haze of its errors. */
const DIFFUSION_HAZE = 0.1;

/**
 * What the prior found stands unless another kernel is better by so many nats: where scores are close its kernels restore
 * better pictures, for they have less haze (docs/experiments.md).
 */
const LEAD = 0.1;

/** `sorted`: by score. */
export function choose(sorted: readonly Candidate[]): Candidate {
  const diffused = sorted.find(({ start }) => start === DIFFUSION);
  return diffused && diffused.score < sorted[0].score + LEAD ? diffused : sorted[0];
}

const byScore = (a: Candidate, b: Candidate) => a.score - b.score;

/** One plane says what three would, in a third of the time. */
const lumaView = (y: Planes, sigma: number): Omit<View, 'shown'> => ({
  y: Float32Array.from(lumaOf(y)),
  width: y.width,
  height: y.height,
  variance: Math.max(sigma, LEAST_SIGMA) ** 2 + ROUNDING_VARIANCE,
});

/** LR pixels this near the border are left out: part of what their window sees is the canvas's unknown margin. */
const BORDER = 2;

/** `usable` with the pixels near the border set to 0. */
export function withoutBorder(usable: Uint8Array, width: number, height: number): Uint8Array {
  return usable.map((u, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    return x >= BORDER && y >= BORDER && x < width - BORDER && y < height - BORDER ? u : 0;
  });
}
