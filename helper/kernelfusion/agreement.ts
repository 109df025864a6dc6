/**
 * Agreement with the layer: the nearest picture to the prior's proposal that the kernel explains (half-quadratic splitting,
 * Geman & Yang 1995; as in DPIR, Zhang et al. 2021, arXiv 2008.13751).
 */
import { makePlanes, type Planes, planeOf } from '../image/planes.ts';
import { conjugateGradients } from './conjugate-gradient.ts';
import type { Degradation } from './degradation.ts';
import { sparseRoughness } from './hyper-laplacian.ts';
import { LEAST_SIGMA } from './noise.ts';
import { noiseLevel, signalLevel } from './schedule.ts';

/** rho_t: how much the proposal z is trusted, sigma_n^2 a_t^2 / s_t^2 for data noise sigma_n (pictures in [-1, 1]). */
export function priorTrust(t: number, sigma: number): number {
  return (Math.max(sigma, LEAST_SIGMA) * signalLevel(t)) ** 2 / noiseLevel(t) ** 2;
}

export interface Agreement {
  /** How much the proposal is trusted. */
  readonly rho: number;
  /** w: how strongly gradients are kept sparse; 0 by default. */
  readonly sparse?: number;
  /** Of conjugate gradients. */
  readonly iterations: number;
}

/**
 * x = argmin |A x - y|^2 + rho |x - z|^2 + w sum_d c_d |D_d x|^0.8, from z, the last term as it looks from z (hyper-laplacian.ts).
 */
export async function agreeWithLayer(
  z: Planes,
  y: Planes,
  degradation: Degradation,
  { rho, sparse = 0, iterations }: Agreement,
  signal?: AbortSignal,
): Promise<Planes> {
  const out = makePlanes(z.width, z.height, z.channels);
  const addRoughness = sparse > 0 ? sparseRoughness(z, sparse) : () => {};
  const plusTimesRho = (sum: Float32Array, v: Float32Array) => {
    for (let i = 0; i < sum.length; i++) sum[i] += rho * v[i];
    return sum;
  };
  const multiply = (v: Float32Array) => {
    const product = plusTimesRho(degradation.adjoint(degradation.apply(v)), v);
    addRoughness(product, v);
    return product;
  };
  for (let c = 0; c < z.channels; c++) {
    const proposal = planeOf(z, c);
    const b = plusTimesRho(degradation.adjoint(planeOf(y, c)), proposal);
    const solved = await conjugateGradients(multiply, b, proposal, { iterations, tolerance: 1e-5 }, signal);
    planeOf(out, c).set(solved);
  }
  return out;
}
