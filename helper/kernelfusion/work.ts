/**
 * How much arithmetic each phase of a job takes, predicted before it starts: what progress and time left are counted in.
 */
import type { Scale } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import { FAST_ESTIMATION, LEAST_STEPS, SEARCH_SCALE } from './estimate-kernel.ts';
import type { Phase } from './method.ts';
import { FAST_TRAINING, macsPerPixel } from './patch-diffusion.ts';
import { FAST_RESTORATION } from './restore.ts';

/** Multiply-adds by phase, of the executor's kind: solver loops in plain TypeScript count SLOWNESS times. */
export type Work = Readonly<Record<Phase, number>>;

/** How many multiply-adds the executor does while a plain loop does one, roughly. */
const SLOWNESS = 40;

/** Size of a layer in pixels, and its colour planes. */
export type Size = Pick<Planes, 'width' | 'height' | 'channels'>;

/** `searched`: the crop the kernel is searched on, null where it is known; `side`: its kernel's side at SEARCH_SCALE. */
export function plannedWork(
  y: Size,
  hasAlpha: boolean,
  searched: Pick<Size, 'width' | 'height'> | null,
  scale: Scale,
  side: number,
): Work {
  const net = macsPerPixel({ width: FAST_TRAINING.width, channels: y.channels });
  const { steps, batch, crop } = FAST_TRAINING;
  const pixels = y.width * y.height;
  const tapsAtScale = ((side * scale) / SEARCH_SCALE) ** 2;
  // A and its adjoint, per LR pixel and plane.
  const pair = (taps: number) => 2 * taps * SLOWNESS;
  const rounds = (FAST_RESTORATION.rounds + 1) * FAST_RESTORATION.roundIterations;
  const polish = FAST_RESTORATION.times.length * FAST_RESTORATION.iterations;
  const solve = (planes: number, iterations: number) => pixels * planes * iterations * pair(tapsAtScale);
  return {
    prior: 3 * steps * batch * crop ** 2 * net,
    kernel: searched
      ? LEAST_STEPS *
        searched.width *
        searched.height *
        (SEARCH_SCALE ** 2 * net + y.channels * (side ** 4 + FAST_ESTIMATION.pictureIterations * pair(side ** 2)))
      : 0,
    image: FAST_RESTORATION.times.length * scale ** 2 * pixels * net + solve(y.channels, rounds + polish),
    alpha: hasAlpha ? solve(1, rounds) : 0,
  };
}
