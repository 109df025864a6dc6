/**
 * A piece of a picture restored by a known kernel, for the most part by the solvers: plain data in, plain data out (tasks.ts).
 *
 * The hyper-Laplacian solution puts edges where the data want them; patch diffusion then moves its texture towards the
 * layer's own patches (prior-steps.ts).
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makePlanes, type Planes } from '../image/planes.ts';
import { canvasMargin, cutMargin } from './degradation.ts';
import { restoreByGradients } from './hyper-laplacian.ts';
import type { Denoiser } from './patch-diffusion.ts';
import { type PriorSteps, stepsOfPrior } from './prior-steps.ts';

export interface RestorationPlan extends PriorSteps {
  readonly rounds: number;
  readonly roundIterations: number;
}

/** Another kernel that the layer may have, and its picture's share, 0 .. 1, of the result. */
export interface Hedge {
  readonly kernel: Kernel;
  readonly share: number;
}

/** What all pieces of a picture are restored by. */
export interface Manner {
  readonly kernel: Kernel;
  /** Noise of the layer, in its units. */
  readonly sigma: number;
  readonly plan: RestorationPlan;
  /** Whether the prior's steps are made. */
  readonly withPrior: boolean;
  /** Its picture is restored without the prior. */
  readonly hedge: Hedge | null;
}

export interface PieceServices {
  /** On canvases of the piece. */
  readonly denoise: Denoiser['denoise'];
  /** Hears each step: the piece as it is then. */
  readonly onStep: (piece: Planes) => void | Promise<void>;
}

/** `y`: values in [-1, 1]; what is returned has values a little outside of that, too. */
export async function restorePiece(
  { y, manner: { kernel, sigma, plan, withPrior, hedge } }: { readonly y: Planes; readonly manner: Manner },
  { denoise, onStep }: PieceServices,
  signal?: AbortSignal,
): Promise<Planes> {
  const byGradients = (k: Kernel) =>
    restoreByGradients(y, k, sigma, { rounds: plan.rounds, iterations: plan.roundIterations }, signal);
  const withoutMargin = (x: Planes, k: Kernel) => cutMargin(x, canvasMargin(k.size, k.scale));
  const other = hedge && withoutMargin(await byGradients(hedge.kernel), hedge.kernel);
  const shown = (x: Planes) => {
    const piece = withoutMargin(x, kernel);
    return hedge && other ? mean(piece, other, hedge.share) : piece;
  };
  const x = await byGradients(kernel);
  await onStep(shown(x));
  if (!withPrior) return shown(x);
  return shown(await stepsOfPrior(x, y, { kernel }, sigma, { denoise }, plan, (next) => onStep(shown(next)), signal));
}

/** `share`: of `b`. */
function mean(a: Planes, b: Planes, share: number): Planes {
  return makePlanes(
    a.width,
    a.height,
    a.channels,
    a.data.map((v, i) => (1 - share) * v + share * b.data[i]),
  );
}
