import type { NormalEquationsBuilder } from '../../helper/kernelfusion/kernel-solver.ts';
import { makeRandom } from '../../helper/kernelfusion/random.ts';
import type { View } from '../../helper/kernelfusion/scene-posterior.ts';
import type { Kernel } from '../../shared/kernel.ts';
import { blurred, rectangles } from './scene.ts';

/** Noise of one level. */
const SIGMA = 1 / 127.5;

/** What the kernel makes of rectangles, with noise. */
export function noisyView(kernel: Kernel): Omit<View, 'shown'> {
  const { data, width, height } = blurred(rectangles(90, 4), kernel);
  const noise = makeRandom(1).normals(data.length);
  return { y: data.map((v, i) => v + SIGMA * noise[i]), width, height, variance: SIGMA ** 2 };
}

/** How a kernel is fitted to one. */
export interface FitRun {
  readonly start?: Kernel;
  readonly steps?: number;
  readonly seed?: number;
  readonly usable?: (i: number) => boolean;
  readonly builder?: NormalEquationsBuilder;
  readonly onStep?: (kernel: Kernel) => void;
  readonly signal?: AbortSignal;
}
