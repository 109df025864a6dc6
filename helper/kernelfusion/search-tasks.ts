/**
 * The pieces of a search for a kernel (kernel-search.ts): plain data in, plain data out, so that they can be worked on in threads of their
 * own (tasks.ts). What they need of the executor they ask for.
 */
import { type Kernel, resizeSide, toScale } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import { crossFit } from './cross-fit.ts';
import { bicubicCanvas } from './degradation.ts';
import { ofDifferences } from './difference-equations.ts';
import { type DiffusionPlan, type Searched, searchByDiffusion } from './diffusion-search.ts';
import { kernelByEdges } from './edge-kernel.ts';
import { fitByExpectation } from './expectation-fit.ts';
import { type DetailedPrediction, foretellInTurns } from './held-out.ts';
import { type Hiding, hidePixels } from './hidden-pixels.ts';
import { restoreByGradients } from './hyper-laplacian.ts';
import {
  centreKernel,
  HAZE,
  makeNormalEquations,
  type NormalEquationsBuilder,
  trimKernel,
  type WindowProduct,
  windowsAtOnce,
} from './kernel-solver.ts';
import { lumaOf } from './luma.ts';
import { LEAST_SIGMA, ROUNDING_VARIANCE } from './noise.ts';
import type { Denoiser } from './patch-diffusion.ts';
import { foretellUnderPrior, HIDDEN_FROM_PRIOR } from './prior-judge.ts';
import { makeRandom } from './random.ts';
import type { View } from './scene-posterior.ts';
import { supportAround } from './support.ts';

/** What pieces of a search ask for. */
export interface SearchServices {
  /** For kernels of the side that is searched. */
  readonly product: WindowProduct;
  /** On the canvas of such kernels. */
  readonly denoise: Denoiser['denoise'];
  /** Hears every step of a fit or diffusion. */
  readonly onStep: (kernel: Kernel) => void | Promise<void>;
}

/** All kernels of a search are judged by the same pixels and draws, and fitted to the same folds: by those of `seed`. */
export interface Piece {
  readonly searched: Searched;
  readonly seed: number;
}

export interface Fit extends Piece {
  readonly start: Kernel;
  readonly steps: number;
}

export interface Diffusion extends Piece {
  readonly plan: DiffusionPlan;
  /** Kernels have taps around its only. */
  readonly start: Kernel;
  /** Whether it begins with the picture that this kernel makes, or with the enlarged layer. */
  readonly fromPicture: boolean;
  /** Diffusions of one search differ by it: 0, 1, ... */
  readonly number: number;
}

export interface Edges {
  readonly searched: Searched;
  /** How strong edges must be (edge-kernel.ts). */
  readonly lambda: number;
}

export interface Judgement extends Piece {
  readonly kernel: Kernel;
}

export interface JudgementByGradients extends Judgement {
  readonly hiding: Hiding;
}

/** How thoroughly the picture is restored from which a diffusion goes on. */
const PICTURE = { rounds: 2, iterations: 15 };

/** Which random numbers of a search's seed are for what; those of diffusions are the last. */
const CHANCE = { judge: 1, folds: 2, hiddenFromPrior: 3, underPrior: 4, expectation: 5, diffusions: 6 };

export const SEARCH_TASKS = {
  /** A kernel to begin at, from strong edges; on the grid of the search. */
  async findByEdges({ searched, lambda }: Edges, _: object, signal?: AbortSignal): Promise<Kernel> {
    const { edges, size, scale } = searched;
    const found = await kernelByEdges(edges, edgeKernelSide(searched), lambda, signal);
    return centreKernel(resizeSide(toScale(found, scale), size)).kernel;
  },

  /** Cross-fitting under sparse gradients. */
  async fit(
    { searched, start, steps, seed }: Fit,
    { product, onStep }: Pick<SearchServices, 'product' | 'onStep'>,
    signal?: AbortSignal,
  ): Promise<Kernel> {
    const equations = differencesOf(searched, product);
    const chance = makeRandom(seed, CHANCE.folds);
    return crossFit(lumaView(searched), searched.usable, start, steps, equations, chance, onStep, signal);
  },

  /** Expectation maximisation under sparse gradients. */
  async fitByExpectation(
    { searched, start, steps, seed }: Fit,
    { product, onStep }: Pick<SearchServices, 'product' | 'onStep'>,
    signal?: AbortSignal,
  ): Promise<Kernel> {
    const equations = differencesOf(searched, product);
    const chance = makeRandom(seed, CHANCE.expectation);
    return fitByExpectation(lumaView(searched), searched.usable, start, steps, equations, chance, onStep, signal);
  },

  /** The reverse diffusion; its kernel without haze. */
  async diffuse(
    { searched, plan, start, fromPicture, seed, number }: Diffusion,
    { product, denoise, onStep }: SearchServices,
    signal?: AbortSignal,
  ): Promise<Kernel> {
    const { y, sigma } = searched;
    const picture: Planes = fromPicture
      ? await restoreByGradients(y, start, sigma, PICTURE, signal)
      : bicubicCanvas(y, searched);
    const equations = equationsOf(searched, product);
    const chance = makeRandom(seed, CHANCE.diffusions + number);
    const around = supportAround(start);
    const found = await searchByDiffusion(searched, plan, picture, around, denoise, equations, chance, onStep, signal);
    return trimKernel(found, HAZE);
  },

  /** What a kernel foretells of hidden pixels, under sparse gradients. */
  judge(
    { searched, kernel, hiding, seed }: JudgementByGradients,
    _: object,
    signal?: AbortSignal,
  ): Promise<DetailedPrediction> {
    const chance = makeRandom(seed, CHANCE.judge);
    return foretellInTurns(lumaView(searched), searched.usable, kernel, hiding, chance, signal);
  },

  /** What a kernel foretells of hidden pixels, under the prior. */
  judgeUnderPrior(
    { searched, kernel, seed }: Judgement,
    { denoise }: Pick<SearchServices, 'denoise'>,
    signal?: AbortSignal,
  ): Promise<DetailedPrediction> {
    const { y, usable, sigma } = searched;
    const shown = hidePixels(usable.length, makeRandom(seed, CHANCE.hiddenFromPrior), HIDDEN_FROM_PRIOR);
    const view = { y, sigma, denoiser: { denoise }, ...(signal && { signal }) };
    const luma = { ...lumaView(searched), shown };
    return foretellUnderPrior(view, luma, usable, kernel, makeRandom(seed, CHANCE.underPrior));
  },
};

/** Side of the kernels that edges tell of: the largest odd one whose kernels fit into those of the search. */
const edgeKernelSide = ({ size, scale }: Pick<Searched, 'size' | 'scale'>): number =>
  2 * Math.ceil(size / scale / 2) - 1;

/** Equations for kernels of the search, of values. */
const equationsOf = ({ y, size, scale }: Searched, product: WindowProduct): NormalEquationsBuilder =>
  makeNormalEquations(product, size, scale, windowsAtOnce(y));

/** Of differences. */
const differencesOf = (searched: Searched, product: WindowProduct): NormalEquationsBuilder =>
  ofDifferences(equationsOf(searched, product), searched.scale);

/** One plane says what three would, in a third of the time. */
const lumaView = ({ y, lumaSigma }: Searched): Omit<View, 'shown'> => ({
  y: Float32Array.from(lumaOf(y)),
  width: y.width,
  height: y.height,
  variance: Math.max(lumaSigma, LEAST_SIGMA) ** 2 + ROUNDING_VARIANCE,
});
