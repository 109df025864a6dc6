/**
 * The noise schedule of diffusion (Ho et al. 2020, arXiv 2006.11239): x_t = a_t x_0 + s_t e with e ~ N(0, 1),
 * a_t = sqrt(alphaBar(t)), s_t = sqrt(1 - alphaBar(t)), alphaBar(t) = product of 1 - beta_i for i = 1..t, beta linear.
 */

export const TIMESTEPS = 1000;
const BETA_FIRST = 1e-4;
const BETA_LAST = 0.02;

/** log alphaBar(0..T); logarithms so that fractions of a step interpolate geometrically. */
const LOG_ALPHA_BAR = (() => {
  const table = new Float64Array(TIMESTEPS + 1);
  for (let t = 1; t <= TIMESTEPS; t++) {
    const beta = BETA_FIRST + ((BETA_LAST - BETA_FIRST) * (t - 1)) / (TIMESTEPS - 1);
    table[t] = table[t - 1] + Math.log1p(-beta);
  }
  return table;
})();

/** Share of the signal's power left at time t, 0 <= t <= 1000 (1 at t = 0); t may be a fraction. */
export function alphaBar(t: number): number {
  if (!(t >= 0 && t <= TIMESTEPS)) throw new RangeError(`t = ${t} is outside 0 .. ${TIMESTEPS}.`);
  const below = Math.min(Math.floor(t), TIMESTEPS - 1);
  const log = LOG_ALPHA_BAR[below] + (t - below) * (LOG_ALPHA_BAR[below + 1] - LOG_ALPHA_BAR[below]);
  return Math.exp(log);
}

/** a_t: what the clean picture is multiplied by. */
export function signalLevel(t: number): number {
  return Math.sqrt(alphaBar(t));
}

/** s_t: standard deviation of the noise. */
export function noiseLevel(t: number): number {
  return Math.sqrt(1 - alphaBar(t));
}
