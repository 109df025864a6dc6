/** The parts of a kernel that hang together. */
import { type Kernel, makeKernel } from '../../shared/kernel.ts';

/** The places of each part of a square's values above zero that hangs together, also at corners. */
export function partsOf(values: ArrayLike<number>, side: number): number[][] {
  const seen = new Uint8Array(values.length);
  const parts: number[][] = [];
  for (const first of seen.keys()) {
    if (!(values[first] > 0) || seen[first]) continue;
    const part = [first];
    seen[first] = 1;
    for (const i of part) {
      const [row, column] = [Math.floor(i / side), i % side];
      for (let r = Math.max(0, row - 1); r <= Math.min(side - 1, row + 1); r++) {
        for (let c = Math.max(0, column - 1); c <= Math.min(side - 1, column + 1); c++) {
          const next = r * side + c;
          if (!(values[next] > 0) || seen[next]) continue;
          seen[next] = 1;
          part.push(next);
        }
      }
    }
    parts.push(part);
  }
  return parts;
}

/** The share of all light that is not in the part with most of it. */
export function scattered({ size, data }: Kernel): number {
  const weights = partsOf(data, size).map((part) => lightIn(part, data));
  return 1 - Math.max(...weights) / weights.reduce((sum, w) => sum + w, 0);
}

/** The kernel without parts that have less than `share` of its light, but for the one with most. */
export function withoutSpecks({ size, scale, data }: Kernel, share: number): Kernel {
  const values = data.slice();
  const parts = partsOf(values, size).map((places) => ({ places, weight: lightIn(places, values) }));
  const enough = Math.min(share, Math.max(...parts.map(({ weight }) => weight)));
  for (const { places, weight } of parts) if (weight < enough) for (const i of places) values[i] = 0;
  return makeKernel(size, scale, values);
}

const lightIn = (places: readonly number[], values: ArrayLike<number>): number =>
  places.reduce((sum, i) => sum + values[i], 0);
