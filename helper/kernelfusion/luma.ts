/** The one plane in which kernels are sought where three would say the same: BT.601 luma of colours, grey as it is. */
import { type Planes, planeOf } from '../image/planes.ts';

const WEIGHTS = [0.299, 0.587, 0.114];

const weightsOf = ({ channels }: Planes): readonly number[] => (channels === 3 ? WEIGHTS : [1]);

/** The share of the planes' noise (its standard deviation, independent in each) that their luma has: 0.67 of colours. */
export const lumaNoiseShare = (planes: Planes): number => Math.hypot(...weightsOf(planes));

/** The weighted sum of the planes, row-major. */
export function lumaOf(planes: Planes): Float64Array {
  const out = new Float64Array(planes.width * planes.height);
  for (const [c, weight] of weightsOf(planes).entries()) {
    const plane = planeOf(planes, c);
    for (let i = 0; i < out.length; i++) out[i] += weight * plane[i];
  }
  return out;
}
