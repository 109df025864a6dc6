/**
 * The kernel's equations for differences between neighbouring LR pixels instead of their values.
 *
 * What a guess of the scene lacks is much alike in neighbouring pixels, so that errors of values go along with each other: the equations, which
 * take them for independent, follow the broad ones. Errors of differences are nearer to independent, and speak of what a blur does to edges (as
 * in Cho & Lee 2009, who solve for derivatives). Only differences of two pixels that may both be used count: where pixels are hidden from the
 * scene that is fitted, those that it has seen would confirm the kernel it was inferred with (docs/experiments.md).
 */
import { makePlanes, type Planes } from '../image/planes.ts';
import { averageEquations, type NormalEquationsBuilder } from './kernel-solver.ts';

/** To a neighbour: [dy, dx] in LR pixels. */
const RIGHT = [0, 1] as const;
const BELOW = [1, 0] as const;

/** `equations`: of values, for kernels of that scale. */
export function ofDifferences(equations: NormalEquationsBuilder, scale: number): NormalEquationsBuilder {
  return async (z, y, weight, support) => {
    const alongStep = ([dy, dx]: readonly [number, number]) =>
      equations(differences(z, scale * dy, scale * dx), differences(y, dy, dx), pairs(weight, y, dy, dx), support);
    const toTheRight = await alongStep(RIGHT);
    return averageEquations(toTheRight, await alongStep(BELOW), 0.5);
  };
}

/** Each pixel's neighbour minus the pixel; 0 where there is none. */
function differences({ width, height, channels, data }: Planes, dy: number, dx: number): Planes {
  const out = makePlanes(width, height, channels);
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < height - dy; row++) {
      const first = (c * height + row) * width;
      for (let i = first; i < first + width - dx; i++) out.data[i] = data[i + dy * width + dx] - data[i];
    }
  }
  return out;
}

/** 1 for pixels that may be used and whose neighbour may be, else 0. */
const pairs = (weight: Uint8Array, { width, height }: Planes, dy: number, dx: number): Uint8Array =>
  weight.map((w, i) => {
    const inside = (i % width) + dx < width && Math.floor(i / width) + dy < height;
    return w === 1 && inside && weight[i + dy * width + dx] === 1 ? 1 : 0;
  });
