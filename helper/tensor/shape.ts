/**
 * Shapes: lists of lengths, outermost first, known before anything runs. The empty list is a scalar.
 * Broadcasting is NumPy's: shapes are aligned at their last axis, and a length of 1 stretches.
 */

export type Shape = readonly number[];

/** Number of elements: the product of the lengths. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** Distance in elements between neighbours along each axis of a row-major array. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** The shape both operands stretch to; throws a plain Error (a mistake of ours, not a user's) where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const p = a[axis - rank + a.length] ?? 1;
    const q = b[axis - rank + b.length] ?? 1;
    if (p !== q && p !== 1 && q !== 1) throw new Error(`Shapes [${a}] and [${b}] do not broadcast.`);
    return p === 1 ? q : p;
  });
}
