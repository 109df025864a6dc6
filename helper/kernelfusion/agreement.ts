/**
 * Agreement with the layer: the nearest picture to the prior's proposal that the kernel explains (half-quadratic splitting,
 * Geman & Yang 1995; as in DPIR, Zhang et al. 2021, arXiv 2008.13751).
 */
import { type Planes, planeOf } from '../image/planes.ts';
import { sparseRoughness } from './hyper-laplacian.ts';
import { LEAST_SIGMA } from './noise.ts';
import { eachPlane, makePlaneSolver, type Sight } from './plane-solve.ts';
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
export function agreeWithLayer(
  z: Planes,
  y: Planes,
  sight: Sight,
  { rho, sparse = 0, iterations }: Agreement,
  signal?: AbortSignal,
): Promise<Planes> {
  const roughness = sparse > 0 ? sparseRoughness(z, sparse) : null;
  const solve = makePlaneSolver({ sight, width: y.width, height: y.height, trust: rho, roughness });
  return eachPlane(z, (start, c) => solve(planeOf(y, c), start, { iterations, tolerance: 1e-5 }, signal));
}
