/**
 * The kernel that best explains the layer, given a guess z of the sharp picture: a convex problem, solved to convergence.
 *
 *   k = argmin 1/2 k^T G k - b^T k + gamma/2 |grad k|^2   over k >= 0, sum k = 1,
 *   G = U^T U / N,  b = U^T y / N,
 * where a row of U is what an LR pixel sees of z at the places where the kernel may have taps (support.ts), all colours stacked. Solved by accelerated projected
 * gradients (Beck & Teboulle 2009) with restarts (O'Donoghue & Candes 2015) from a flat start: started from the last kernel
 * it stays near it and the estimate freezes (measured; docs/method.md).
 */
import { centreOfMass, type Kernel, makeKernel, type Scale, shift } from '../../shared/kernel.ts';
import { type Planes, planeOf } from '../image/planes.ts';
import type { Executor } from '../tensor/executor.ts';
import { GraphBuilder } from '../tensor/graph.ts';
import { makeWorkspace } from './loops.ts';
import { mostTaps, type Support } from './support.ts';

/** G (n x n), b (n) for n places, and the mean of y^2, in double precision, as means over the LR pixels used. */
export interface NormalEquations {
  readonly G: Float64Array;
  readonly b: Float64Array;
  readonly meanSquare: number;
}

/** U^T U, of U^T: `windowRows` rows of as many values as windows are multiplied at once. */
export type WindowProduct = (u: Float32Array) => Promise<Float32Array>;

/** `z`: a canvas guess for `y`; `weight`: 0 or 1 for each LR pixel, whether its window may be used; `support`: of the kernel. */
export type NormalEquationsBuilder = (
  z: Planes,
  y: Planes,
  weight: Uint8Array,
  support: Support,
) => Promise<NormalEquations>;

/** So many windows are multiplied at once at most: all usable ones of a plane of 128x128 LR pixels fill nearly three such matrices. */
const MOST_WINDOWS = 5376;

/** How many windows of an LR plane of this size are multiplied at once. */
export const windowsAtOnce = ({ width, height }: { readonly width: number; readonly height: number }): number =>
  Math.min(MOST_WINDOWS, width * height);

/** With y as one more column of U, one U^T U holds both G and b. */
const windowRows = (size: number): number => mostTaps(size) + 1;

/**
 * The product for kernels of `size` places a side, on the executor. What is multiplied is U^T, a row for each tap: that is a fifth to a third
 * faster (docs/devices.md).
 */
export async function compileWindowProduct(
  executor: Executor,
  size: number,
  windows: number,
): Promise<{ readonly product: WindowProduct; release(): Promise<void> }> {
  const g = new GraphBuilder();
  const u = g.input('u', [windowRows(size), windows]);
  const program = await executor.compile(g.build({ product: g.matmul(u, u, { transposeB: true }) }));
  return {
    product: async (u) => (await program.run({ u })).product,
    release: () => program.release(),
  };
}

/** `product`: of that size, and of so many windows. */
export function makeNormalEquations(
  product: WindowProduct,
  size: number,
  scale: Scale,
  windows: number,
): NormalEquationsBuilder {
  const rows = windowRows(size);
  // One for all products: it is large. What is sent on is copied.
  const u = new Float32Array(rows * windows);
  return async (z, y, weight, { places }) => {
    const taps = places.length;
    // The last row is that of y. What lies between is left over from other calls: nothing reads its products.
    const used = Int32Array.from(weight.keys()).filter((i) => weight[i] !== 0);
    const corners = used.map((i) => scale * (Math.floor(i / y.width) * z.width + (i % y.width)));
    const sum = new Float64Array(rows * rows);
    for (let c = 0; c < y.channels; c++) {
      const from = planeOf(z, c);
      const target = planeOf(y, c);
      for (let first = 0; first < used.length; first += windows) {
        const some = corners.subarray(first, first + windows);
        if (some.length < windows) u.fill(0);
        for (const [tap, place] of places.entries()) {
          const offset = Math.floor(place / size) * z.width + (place % size);
          const to = tap * windows;
          for (let i = 0; i < some.length; i++) u[to + i] = from[some[i] + offset];
        }
        for (let i = 0; i < some.length; i++) u[(rows - 1) * windows + i] = target[used[first + i]];
        const part = await product(u);
        for (let i = 0; i < sum.length; i++) sum[i] += part[i];
      }
    }

    // Where nothing may be used nothing is told: zeros.
    const count = Math.max(used.length * y.channels, 1);
    const G = new Float64Array(taps * taps);
    const b = new Float64Array(taps);
    for (let p = 0; p < taps; p++) {
      for (let q = 0; q < taps; q++) G[p * taps + q] = sum[p * rows + q] / count;
      b[p] = sum[p * rows + rows - 1] / count;
    }
    return { G, b, meanSquare: sum[sum.length - 1] / count };
  };
}

/** momentum * past + (1 - momentum) * present: averages over steps, whose noise is independent. */
export function averageEquations(past: NormalEquations, present: NormalEquations, momentum: number): NormalEquations {
  const mix = (a: Float64Array, b: Float64Array) => a.map((v, i) => momentum * v + (1 - momentum) * b[i]);
  return {
    G: mix(past.G, present.G),
    b: mix(past.b, present.b),
    meanSquare: momentum * past.meanSquare + (1 - momentum) * present.meanSquare,
  };
}

/** The equations with G + smoothness * D^T D for G, D the differences between neighbouring taps of the support. */
export function smoothEquations(equations: NormalEquations, support: Support, smoothness: number): NormalEquations {
  const G = equations.G.slice();
  addLaplacian(G, support, smoothness);
  return { ...equations, G };
}

/** Solves for the kernel, 1/2 k^T G k - b^T k on the simplex; a value for each place, each >= 0, sum 1. */
export function solveKernel({ G, b }: NormalEquations, iterations: number): Float64Array {
  const n2 = b.length;
  const multiply = productWith(G);
  const rate = 1 / (1.05 * largestEigenvalue(multiply, n2));
  let k: Float64Array = new Float64Array(n2).fill(1 / n2);
  let ahead: Float64Array = k.slice();
  let momentum = 1;
  for (let i = 0; i < iterations; i++) {
    const gradient = multiply(ahead);
    const next = projectOntoSimplex(ahead.map((v, j) => v - rate * (gradient[j] - b[j])));
    // Restart where the step just made turns against the direction of travel.
    let turned = 0;
    for (let j = 0; j < n2; j++) turned += (ahead[j] - next[j]) * (next[j] - k[j]);
    if (turned > 0) momentum = 1;
    const nextMomentum = (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const push = (momentum - 1) / nextMomentum;
    ahead = next.map((v, j) => v + push * (v - k[j]));
    k = next;
    momentum = nextMomentum;
  }
  return k;
}

/** Adds weight * (D^T D) for the differences D between horizontal and vertical neighbours. */
function addLaplacian(Q: Float64Array, { size, places }: Support, weight: number): void {
  const n = places.length;
  const indexOf = new Map([...places].map((place, p) => [place, p]));
  for (const [p, place] of places.entries()) {
    const right = place % size === size - 1 ? undefined : indexOf.get(place + 1);
    for (const q of [right, indexOf.get(place + size)]) {
      if (q === undefined) continue;
      Q[p * n + p] += weight;
      Q[q * n + q] += weight;
      Q[p * n + q] -= weight;
      Q[q * n + p] -= weight;
    }
  }
}

/** x -> Q x for a square row-major Q. */
export function productWith(Q: Float64Array): (x: Float64Array) => Float64Array {
  const n = Math.sqrt(Q.length);
  // Zeros at the end of each row, for the loop goes by eight.
  const columns = 8 * Math.ceil(n / 8);
  const { loops, arrays } = makeWorkspace({ y: 2 * n, Q: 2 * n * columns, x: 2 * columns });
  const doubles = ({ buffer, byteOffset, length }: Float32Array) => new Float64Array(buffer, byteOffset, length / 2);
  const inside = { y: doubles(arrays.y), Q: doubles(arrays.Q), x: doubles(arrays.x) };
  for (let i = 0; i < n; i++) inside.Q.set(Q.subarray(i * n, (i + 1) * n), i * columns);
  return (x) => {
    inside.x.set(x);
    loops.product(inside.y, inside.Q, inside.x, n, columns);
    return inside.y.slice();
  };
}

/** By power iteration from a fixed vector of mixed signs. */
function largestEigenvalue(multiply: (x: Float64Array) => Float64Array, n: number): number {
  let v: Float64Array = Float64Array.from({ length: n }, (_, i) => 1 + 0.1 * Math.sin(i));
  let norm = 0;
  for (let i = 0; i < 40; i++) {
    v = multiply(v);
    norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
    if (norm === 0) return 1;
    v = v.map((x) => x / norm);
  }
  return norm;
}

/** The nearest point with entries >= 0 and sum 1 (Held, Wolfe & Crowder 1974). */
export function projectOntoSimplex(v: Float64Array): Float64Array {
  const sorted = v.slice().sort().reverse();
  let sum = 0;
  let threshold = 0;
  for (let i = 0; i < sorted.length; i++) {
    sum += sorted[i];
    const candidate = (sum - 1) / (i + 1);
    if (sorted[i] <= candidate) break;
    threshold = candidate;
  }
  return v.map((x) => Math.max(x - threshold, 0));
}

/**
 * The kernel moved by whole pixels so that its centre of mass is nearest to its centre. Kernel and picture are only
 * determined up to a common shift; the picture must then move by the same [dy, dx].
 */
export function centreKernel(kernel: Kernel): { kernel: Kernel; moved: readonly [number, number] } {
  const [y, x] = centreOfMass(kernel);
  const moved = [-Math.round(y) + 0, -Math.round(x) + 0] as const;
  return { kernel: moved[0] === 0 && moved[1] === 0 ? kernel : shift(kernel, ...moved), moved };
}

/** Taps below this share of the largest are the haze of estimation errors. */
export const HAZE = 0.1;

/** The kernel without the taps below `share` of its largest. */
export function trimKernel(kernel: Kernel, share: number): Kernel {
  const least = share * kernel.data.reduce((a, b) => Math.max(a, b));
  return makeKernel(
    kernel.size,
    kernel.scale,
    kernel.data.map((v) => (v < least ? 0 : v)),
  );
}
