/**
 * The cubic interpolation kernel of Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 1981,
 * with a = -1/2: exact for quadratics, and what most programs call bicubic.
 */

/** Weight of a sample at `distance` samples from the place wanted; 0 from distance 2 on. */
export function keys(distance: number): number {
  const t = Math.abs(distance);
  if (t <= 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
  return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
}
