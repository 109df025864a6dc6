/**
 * How far a kernel spreads, and which way: the principal axes of its values as masses.
 *
 * Negative values are left out. With them a sharp kernel's variance is no width: that of the bicubic one is zero.
 */
import { centreOfMass, type Kernel, makeKernel } from '../shared/kernel.ts';

export interface Axes {
  /** Standard deviations in HR pixels, along the longest axis and across. */
  readonly spread: readonly [number, number];
  /** Of the longest axis, in degrees, anticlockwise from the right, -90 to 90. */
  readonly angle: number;
}

export function principalAxes({ size, scale, data }: Kernel): Axes {
  const masses = makeKernel(
    size,
    scale,
    data.map((value) => Math.max(0, value)),
  );
  const [y, x] = centreOfMass(masses);
  let [yy, xx, xy] = [0, 0, 0];
  masses.data.forEach((mass, i) => {
    const dy = Math.floor(i / size) - (size - 1) / 2 - y;
    const dx = (i % size) - (size - 1) / 2 - x;
    yy += mass * dy * dy;
    xx += mass * dx * dx;
    xy += mass * dx * dy;
  });
  const middle = (xx + yy) / 2;
  const radius = Math.hypot((xx - yy) / 2, xy);
  return {
    spread: [Math.sqrt(middle + radius), Math.sqrt(Math.max(0, middle - radius))], // Rounding may make it negative.
    // Rows count downwards, so an angle seen as anticlockwise has its sign changed. + 0: no "-0".
    angle: ((-Math.atan2(2 * xy, xx - yy) / 2) * 180) / Math.PI + 0,
  };
}
