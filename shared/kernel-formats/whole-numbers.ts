/**
 * A kernel in whole numbers, for filters that take no others: scaled as far as the filter allows, then rounded. Dividing by
 * their sum, as such filters do, keeps the brightness exact whatever was rounded.
 */
import type { Kernel } from '../kernel.ts';

/** Whole numbers proportional to the values: none beyond `largest` either way, their magnitudes adding up to `most` at most. */
export function wholeNumbers({ data }: Kernel, largest: number, most: number): number[] {
  const total = data.reduce((sum, value) => sum + Math.abs(value), 0);
  const peak = data.reduce((found, value) => Math.max(found, Math.abs(value)), 0);
  // Rounding adds half a step a value at most.
  const factor = Math.min(largest / peak, (most - data.length / 2) / total);
  return Array.from(data, (value) => Math.round(value * factor) + 0); // + 0: no "-0" in a text.
}
