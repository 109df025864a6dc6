/**
 * Kernels to begin a search from: the shapes that blurs have, in no way fitted to the layer.
 *
 * What a search finds depends on where it begins, for a blur can be explained a little by many kernels and well by one. From a
 * spot it does not find rings and wide blurs; from a ring it does (docs/experiments.md).
 */
import { type Kernel, makeKernel, type Scale } from '../../shared/kernel.ts';

type Shape = (y: number, x: number) => number;

/** Lengths in pixels of the grid at twice the layer's resolution. */
const SPOT = 1.5;
const RING = 3;

const spot: Shape = (y, x) => Math.exp(-(y * y + x * x) / (2 * SPOT ** 2));
const ring: Shape = (y, x) => Math.exp(-((Math.hypot(y, x) - RING) ** 2) / 0.6);
const SHAPES = { spot, ring };

/** Names of all shapes. */
export const ALL_SHAPES: readonly string[] = Object.keys(SHAPES);

/** The shape of that name on a grid of `size` taps a side. */
export function startKernel(name: string, size: number, scale: Scale): Kernel {
  const shape = (SHAPES as Readonly<Record<string, Shape>>)[name];
  const middle = (size - 1) / 2;
  const at = (i: number) => shape(Math.floor(i / size) - middle, (i % size) - middle);
  return makeKernel(
    size,
    scale,
    Float64Array.from({ length: size * size }, (_, i) => at(i)),
  );
}
