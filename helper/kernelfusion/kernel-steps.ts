/**
 * Kernels solved for step after step, from equations whose noise is averaged away over the steps.
 *
 *   k = argmin |U k - y|^2 + gamma |grad k|^2,   with taps in a support, or where that moves to, only.
 * Each kernel is centred. So are those that follow, and what belongs to them has to go along: the caller hears by how much they were moved.
 */
import { type Kernel, makeKernel, type Scale } from '../../shared/kernel.ts';
import { cutPlanes, type Planes } from '../image/planes.ts';
import { averageEquations, centreKernel, type NormalEquations, smoothEquations, solveKernel } from './kernel-solver.ts';
import { moveSupport, type Support, spread } from './support.ts';

/** gamma, for pictures in [-1, 1], of equations of one guess of the scene. */
const SMOOTHNESS = 1e-3;
const ITERATIONS = 400;
/** Share of the past in the running mean of the equations. */
const MOMENTUM = 0.7;

/** What is made of a kernel's values, the solution of `equations`, before it is centred. */
export type Refinement = (equations: NormalEquations, values: Float64Array, support: Support) => Float64Array;

export interface KernelSteps {
  /** The places that the next equations have to be for. */
  support(): Support;
  /** The next kernel; `change` moves a canvas as it was moved, and is null where it was not. */
  next(
    present: NormalEquations,
    refine?: Refinement,
  ): { readonly kernel: Kernel; readonly change: ((canvas: Planes) => Planes) | null };
}

/** `smoothness`: gamma. */
export function makeKernelSteps(around: Support, scale: Scale, smoothness = SMOOTHNESS): KernelSteps {
  let support = around;
  let average: NormalEquations | null = null;
  return {
    support: () => support,
    next(present, refine = (_, values) => values) {
      average = average ? averageEquations(average, present, MOMENTUM) : present;
      const smooth = smoothEquations(average, support, smoothness);
      const values = refine(smooth, solveKernel(smooth, ITERATIONS), support);
      const { kernel, moved } = centreKernel(makeKernel(support.size, scale, spread(support, values)));
      const [dy, dx] = moved;
      if (dy === 0 && dx === 0) return { kernel, change: null };
      support = moveSupport(support, dy, dx);
      // The past equations speak of another frame.
      average = null;
      return { kernel, change: (canvas) => cutPlanes(canvas, -dy, -dx, canvas.width, canvas.height) };
    },
  };
}
