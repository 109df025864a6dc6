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
const DISC = 3;
const RING = 3;
const LINE = 4;

const spot: Shape = (y, x) => Math.exp(-(y * y + x * x) / (2 * SPOT ** 2));
const disc: Shape = (y, x) => 1 / (1 + Math.exp(4 * (Math.hypot(y, x) - DISC)));
const ring: Shape = (y, x) => Math.exp(-((Math.hypot(y, x) - RING) ** 2) / 0.6);
/** A streak at `angle` from the horizontal. */
const line =
  (angle: number): Shape =>
  (y, x) => {
    const across = Math.cos(angle) * y + Math.sin(angle) * x;
    const along = Math.cos(angle) * x - Math.sin(angle) * y;
    return Math.exp(-(across ** 2) - (along / LINE) ** 4);
  };

const SHAPES = {
  spot,
  ring,
  disc,
  ...Object.fromEntries([0, 1, 2, 3].map((i) => [`line${i}`, line((i * Math.PI) / 4)])),
};

/** Names of all shapes, the most often useful ones first. */
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
