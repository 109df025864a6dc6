import type { Planes } from '../../helper/image/planes.ts';
import type { EdgeView } from '../../helper/kernelfusion/edge-kernel.ts';
import { lumaOf } from '../../helper/kernelfusion/luma.ts';
import { everywhere } from './everywhere.ts';

/** The edges of all of a layer. */
export const edgesOf = (y: Planes): EdgeView => ({
  y: Float32Array.from(lumaOf(y)),
  width: y.width,
  height: y.height,
  usable: everywhere(y),
});
