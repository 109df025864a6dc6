/**
 * How much arithmetic each phase of a job takes, predicted before it starts: what progress and time left are counted in.
 */
import type { Scale } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import { CROSS_FIT_ITERATIONS, FOLDS } from './cross-fit.ts';
import { DIFFUSION_SEARCH } from './diffusion-search.ts';
import { SEARCH_SCALE, type SearchPlan, searchParts } from './estimate-kernel.ts';
import type { Phase } from './method.ts';
import { macsPerPixel, type TrainingPlan } from './patch-diffusion.ts';
import { JUDGE_TIMES } from './prior-judge.ts';
import { PRIOR_SCENE_ITERATIONS } from './prior-scene.ts';
import type { RestorationPlan } from './restore-piece.ts';
import { mostTaps } from './support.ts';

/** Multiply-adds by phase, of the executor's kind: those of the solvers' loops count SLOWNESS times. */
export type Work = Readonly<Record<Phase, number>>;

/** How many multiply-adds the executor does while a solver does one of A or its adjoint, with all that belongs to it, roughly. */
const SLOWNESS = 5;
/** What is solved in a turn of a judgement, in steps of cross-fitting. */
const TURN_OF_JUDGING = 6;
/** What it takes to find a kernel by edges, in steps of cross-fitting. */
const BY_EDGES = 6;

/** Size of a layer in pixels, and its colour planes. */
export type Size = Pick<Planes, 'width' | 'height' | 'channels'>;

/** What the plan of a preset says of its work. */
export interface WorkPlan {
  readonly training: TrainingPlan | null;
  /** null: the kernel is found in some other way, whose work is not told here. */
  readonly search: SearchPlan | null;
  readonly restoration: RestorationPlan;
}

/** `searched`: the crop the kernel is searched on, null where it is known; `side`: its kernel's side at SEARCH_SCALE. */
export function plannedWork(
  y: Size,
  hasAlpha: boolean,
  searched: Pick<Size, 'width' | 'height'> | null,
  scale: Scale,
  side: number,
  { training, search, restoration }: WorkPlan,
): Work {
  const net = training ? macsPerPixel({ width: training.width, channels: y.channels }) : 0;
  const pixels = y.width * y.height;
  const taps = mostTaps(side);
  // A kernel that is found has no more.
  const tapsAtScale = (searched ? taps : side ** 2) * (scale / SEARCH_SCALE) ** 2;
  // A and its adjoint, per LR pixel and plane.
  const pair = (taps: number) => 2 * taps * SLOWNESS;
  const rounds = (restoration.rounds + 1) * restoration.roundIterations;
  const polish = training ? restoration.times.length * restoration.iterations : 0;
  const solve = (planes: number, iterations: number) => pixels * planes * iterations * pair(tapsAtScale);

  const crossFit = taps ** 2 + 2 * CROSS_FIT_ITERATIONS * pair(taps);
  const expectation = crossFit + taps ** 2;
  const diffusion =
    SEARCH_SCALE ** 2 * net + y.channels * (taps ** 2 + DIFFUSION_SEARCH.pictureIterations * pair(taps));
  // From two scenes.
  const judgement =
    2 * JUDGE_TIMES.length * (SEARCH_SCALE ** 2 * net + y.channels * PRIOR_SCENE_ITERATIONS * pair(taps));
  const searching = (plan: SearchPlan) => {
    const { byEdges, fits, expectationSteps, diffusionSteps, turnsOfJudging, judgedUnderPrior } = searchParts(plan);
    return (
      (fits * (plan.fitting + FOLDS) + turnsOfJudging * TURN_OF_JUDGING + byEdges * BY_EDGES) * crossFit +
      expectationSteps * expectation +
      diffusionSteps * diffusion +
      judgedUnderPrior * judgement
    );
  };
  return {
    prior: training ? 3 * training.steps * training.batch * training.crop ** 2 * net : 0,
    kernel: searched && search ? searched.width * searched.height * searching(search) : 0,
    image: (training ? restoration.times.length * scale ** 2 * pixels * net : 0) + solve(y.channels, rounds + polish),
    alpha: hasAlpha ? solve(1, rounds) : 0,
  };
}
