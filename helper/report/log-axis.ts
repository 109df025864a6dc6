/** Marks of a logarithmic axis, for the plots. */

/** A mark's number as it is written. */
export const tidy = (v: number) => String(Number(v.toPrecision(2)));

/** 1, 2 and 5 times powers of ten from just below `low` to just above `high`. */
export function ticksBetween(low: number, high: number): number[] {
  // A decade more at either end: the logarithm of a number just below a power of ten is rounded to a whole one.
  const lowest = Math.floor(Math.log10(low)) - 1;
  const highest = Math.ceil(Math.log10(high)) + 1;
  const decades = Array.from({ length: highest - lowest + 1 }, (_, i) => 10 ** (lowest + i));
  const all = decades.flatMap((d) => [d, 2 * d, 5 * d]);
  const first = all.filter((v) => v <= low).length - 1;
  const last = all.findIndex((v) => v >= high);
  // A curve without a fall would have a single tick, and no height.
  return all.slice(first, Math.max(last, first + 1) + 1);
}
