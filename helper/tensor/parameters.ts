/**
 * All the parameters of a net as one flat vector: an optimiser then is a few elementwise nodes, and its state three arrays.
 */
import type { GraphBuilder, Tensor } from './graph.ts';
import { type Shape, sizeOf } from './shape.ts';

export interface ParameterLayout {
  readonly entries: readonly { readonly name: string; readonly shape: Shape; readonly offset: number }[];
  /** Length of the flat vector. */
  readonly size: number;
}

/** Puts the parameters one after the other, in the order given. */
export function layOut(parameters: readonly (readonly [name: string, shape: Shape])[]): ParameterLayout {
  let size = 0;
  const entries = parameters.map(([name, shape]) => {
    size += sizeOf(shape);
    return { name, shape, offset: size - sizeOf(shape) };
  });
  return { entries, size };
}

/** The parameters by name, cut out of the flat vector. */
export function unflatten(g: GraphBuilder, flat: Tensor, { entries }: ParameterLayout): Record<string, Tensor> {
  return Object.fromEntries(
    entries.map(({ name, shape, offset }) => [name, g.reshape(g.sliceAxis(flat, 0, offset, sizeOf(shape)), shape)]),
  );
}

/** The inverse of unflatten: one value a layout entry, in its order. */
export function flatten(g: GraphBuilder, values: readonly Tensor[]): Tensor {
  return g.concat(
    values.map((value) => g.reshape(value, [sizeOf(value.shape)])),
    0,
  );
}
