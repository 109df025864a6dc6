/**
 * The kernel that both witnesses support: the fit to the prior's proposal z, and the layer's power spectrum.
 *
 *   k = argmin 1/2 (k^T G k - 2 b^T k) / r^2 + tau/2 W(k, scene),
 * with W the spectral misfit a frequency (scene-spectrum.ts) and r^2 the mean squared residual of the first fit: both terms
 * count in log-likelihood an LR pixel. W is not convex, so this starts from the solution of the first term alone and walks
 * with Adam on the logits of a softmax, which keeps k >= 0 and sum k = 1; the scene's two numbers go along.
 */
import { ADAM, adamScalars } from '../tensor/adam.ts';
import { type NormalEquations, productWith } from './kernel-solver.ts';
import type { Scene, SceneSpectrum } from './scene-spectrum.ts';

/** tau: weight of the spectrum. More of it helps wide kernels and hurts where the scene is no 1/f one (facades). */
const SPECTRUM_WEIGHT = 0.15;
const SCENE_STEPS = 40;
const STEPS = 60;
const SCENE_RATE = 0.2;
const RATE = 0.05;
/** Taps start at this share of the largest or more: the softmax could not revive a tap at zero. */
const LEAST_TAP = 1e-3;

/** Least r^2 (values in [-1, 1]): below it the fit would drown the spectrum. */
const LEAST_VARIANCE = 1e-6;

/** Walks from `start` (a value for each place, sum 1, the solution of `equations` alone) to values of sum 1; `spectrum`: of such values. */
export function refineWithSpectrum(
  { G, b, meanSquare }: NormalEquations,
  start: Float64Array,
  spectrum: SceneSpectrum,
): Float64Array {
  const multiply = productWith(G);
  const fitted = multiply(start).reduce((sum, g, j) => sum + start[j] * (g - 2 * b[j]), meanSquare);
  const variance = Math.max(fitted, LEAST_VARIANCE);
  const floor = LEAST_TAP * start.reduce((a, v) => Math.max(a, v));
  const logits = start.map((v) => Math.log(v + floor));
  const scene = Float64Array.of(-6, 2);
  const sceneOf = (): Scene => ({ logPower: scene[0], slope: scene[1] });

  const walkScene = makeAdam(scene);
  for (let i = 0; i < SCENE_STEPS; i++) {
    const { logPower, slope } = spectrum.misfit(start, sceneOf());
    walkScene([logPower, slope], SCENE_RATE);
  }
  const walkKernel = makeAdam(logits);
  let k = softmax(logits);
  for (let i = 0; i < STEPS; i++) {
    const spectral = spectrum.misfit(k, sceneOf());
    const byTap = multiply(k).map((g, j) => (g - b[j]) / variance + (SPECTRUM_WEIGHT / 2) * spectral.kernel[j]);
    const mean = byTap.reduce((sum, g, j) => sum + g * k[j], 0);
    // Through the softmax: dk_i/dlogit_j = k_i (delta_ij - k_j).
    walkKernel(
      byTap.map((g, j) => k[j] * (g - mean)),
      RATE,
    );
    walkScene([spectral.logPower, spectral.slope], SCENE_RATE / 10);
    k = softmax(logits);
  }
  return k;
}

function softmax(logits: Float64Array): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b));
  const powers = logits.map((v) => Math.exp(v - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((v) => v / sum);
}

/** Adam (tensor/adam.ts has the formula) on a small vector, which it changes in place. */
function makeAdam(x: Float64Array): (gradient: ArrayLike<number>, learningRate: number) => void {
  const m = new Float64Array(x.length);
  const v = new Float64Array(x.length);
  let k = 0;
  return (gradient, learningRate) => {
    const [rate, correction] = adamScalars(++k, learningRate);
    for (let i = 0; i < x.length; i++) {
      m[i] = ADAM.beta1 * m[i] + (1 - ADAM.beta1) * gradient[i];
      v[i] = ADAM.beta2 * v[i] + (1 - ADAM.beta2) * gradient[i] ** 2;
      x[i] -= (rate * m[i]) / (Math.sqrt(v[i]) * correction + ADAM.epsilon);
    }
  };
}
