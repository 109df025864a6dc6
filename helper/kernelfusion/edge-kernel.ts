/**
 * A first idea of a wide blur, from strong edges alone, on the layer's own grid: blind deconvolution under few gradients (Xu, Zheng & Jia
 * 2013, "Unnatural L0 sparse representation for natural image deblurring", CVPR).
 *
 * Picture and kernel are found in turn, over a pyramid from coarse to fine:
 *   x = argmin |k * x - y|^2 + lambda (number of pixels where grad x != 0),     by half-quadratic splitting,
 *   k = argmin |k * grad x - grad y|^2 + gamma |k|^2,                           without its faint taps and specks,
 * all in closed form under the Fourier transform. Such a picture is no photograph: it is made of flats and of the few edges that need no
 * faith in the kernel to be seen. Fits under natural gradients, which begin with a picture as soft as the layer, end in haze where a blur is
 * wide and thin; from here they find it (docs/experiments.md).
 *
 * What aliases in the layer is taken for detail. A kernel found here is but a place to begin at.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { throwIfCancelled } from '../../shared/errors.ts';
import { areaTaps, type Kernel, makeKernel } from '../../shared/kernel.ts';
import { mirror, transpose } from './fourier.ts';
import { makePlaneTransform } from './fourier-plane.ts';
import { withoutSpecks } from './kernel-parts.ts';
import { centreKernel, trimKernel } from './kernel-solver.ts';
import { boxMean } from './scene-posterior.ts';

const LEAST_SIDE = 3;
/** From one level of the pyramid to the next. */
const STEP = Math.SQRT2;
/** Times that picture and kernel are found at each level. */
const TURNS = 5;
/** lambda falls to this share from one to the next: more and more edges have their say. */
const FALL = 1 / 1.1;
const LEAST_LAMBDA = 1e-4;
/** Weights of the splitting: twice lambda, and so many times more from one to the next, up to the last. */
const SPLITTING = { factor: 4, last: 30 };
/** gamma, for each pixel that the kernel is found from. */
const RIDGE = 1e-4;
/** Taps below this share of the largest are cut off, and so are parts that hang together and have less than this of all. */
const FAINT = 0.1;
const SPECK = 0.05;
/** Taps whose sum is not above this come of rounding: there are no edges. */
const LEAST_SUM = 1e-6;
/** Keeps quotients finite where a plane or kernel has nothing of a frequency. */
const TINY = 1e-12;

/** A plane whose edges are looked at. */
export interface EdgeView {
  /** Values in [-1, 1]. */
  readonly y: Float32Array;
  readonly width: number;
  readonly height: number;
  /** 0 for pixels that tell nothing. */
  readonly usable: Uint8Array;
}

/**
 * The kernel, at scale 1, that strong edges tell of, with `side` taps a side (odd). `lambda`: the more the fewer edges, for values in [0, 1].
 * Throws `CANCELLED`.
 */
export async function kernelByEdges(
  view: EdgeView,
  side: number,
  lambda: number,
  signal?: AbortSignal,
): Promise<Kernel> {
  const values = Float64Array.from(view.y, (v) => (v + 1) / 2);
  const usable = Float64Array.from(view.usable);
  let kernel: Kernel | null = null;
  let weight = lambda;
  for (const level of pyramid(side)) {
    const [width, height] = [view.width, view.height].map((length) => Math.max(1, Math.round(length * level.ratio)));
    const size = { width, height };
    const { pictureOf, kernelOf } = openLevel(shrink(values, view, size), shrink(usable, view, size), size, level.side);
    kernel = kernel ? centred(withoutFaint(regrid(kernel, level.side))) : between(level.side);
    for (let i = 0; i < TURNS; i++) {
      kernel = centred(withoutFaint(kernelOf(pictureOf(kernel, weight))));
      weight = Math.max(weight * FALL, LEAST_LAMBDA);
      await turn();
      throwIfCancelled(signal);
    }
  }
  return kernel!;
}

/** Its levels, the coarsest first: size of the picture as a share of the layer's, and the kernel's side, which is odd. */
function pyramid(side: number): { ratio: number; side: number }[] {
  const levels = [{ ratio: 1, side }];
  while (levels[0].side > LEAST_SIDE) {
    const ratio = levels[0].ratio / STEP;
    levels.unshift({ ratio, side: Math.max(LEAST_SIDE, Math.round(side * ratio) | 1) });
  }
  return levels;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Level {
  /** The picture of few gradients, on the square of the transform. */
  pictureOf(kernel: Kernel, lambda: number): Float64Array;
  kernelOf(picture: Float64Array): Kernel;
}

/** What is the same for all turns of a level. The plane is mirrored about its edges to fill the transform's square. */
function openLevel(y: Float64Array, usable: Float64Array, { width, height }: Size, side: number): Level {
  const P = 2 ** Math.ceil(Math.log2(Math.max(width, height) + side));
  const transform = makePlaneTransform(P);
  const [top, left] = [Math.floor((P - height) / 2), Math.floor((P - width) / 2)];
  const rows = Int32Array.from({ length: P }, (_, r) => mirror(r - top, height));
  const columns = Int32Array.from({ length: P }, (_, c) => mirror(c - left, width));
  const layer = new Float64Array(P * P);
  for (let r = 0, i = 0; r < P; r++) for (let c = 0; c < P; c++, i++) layer[i] = y[rows[r] * width + columns[c]];
  const Y = transform.forward(layer);
  // |F of a difference|^2, and the differences themselves from each pixel to the next, around the square's edges.
  const wave = Float64Array.from({ length: P }, (_, f) => 2 - 2 * Math.cos((2 * Math.PI * f) / P));
  const mask = trusted(usable, { width, height }, P, top, left, (side - 1) / 2);
  const count = mask.reduce((sum, v) => sum + v, 0);
  const masked = (difference: Float64Array) => transform.forward(difference.map((v, i) => v * mask[i]));
  const [Yx, Yy] = differences(layer, P).map(masked);
  const spectrum = new Float64Array(2 * P * P);

  return {
    pictureOf(kernel, lambda) {
      const K = transform.forward(onSquare(kernel, P));
      let x: Float64Array = layer;
      for (let beta = 2 * lambda; beta < SPLITTING.last; beta *= SPLITTING.factor) {
        const divergence = strongDivergence(x, P, lambda / beta);
        transform.forward(divergence, spectrum);
        for (let r = 0, i = 0; r < P; r++) {
          for (let c = 0; c < P; c++, i += 2) {
            // y = sum_u k[u] x[. + u]: its transform is conj(K) X, and the adjoint multiplies by K.
            const [re, im] = [K[i], K[i + 1]];
            const below = re * re + im * im + beta * (wave[r] + wave[c]) + TINY;
            const [yRe, yIm] = [Y[i], Y[i + 1]];
            spectrum[i] = (re * yRe - im * yIm + beta * spectrum[i]) / below;
            spectrum[i + 1] = (re * yIm + im * yRe + beta * spectrum[i + 1]) / below;
          }
        }
        x = transform.inverse(spectrum);
      }
      return x;
    },
    kernelOf(picture) {
      const [X1, X2] = differences(picture, P).map(masked);
      const ridge = RIDGE * count + TINY;
      for (let i = 0; i < spectrum.length; i += 2) {
        const below = X1[i] ** 2 + X1[i + 1] ** 2 + X2[i] ** 2 + X2[i + 1] ** 2 + ridge;
        // X conj(Y), of both directions.
        spectrum[i] = (X1[i] * Yx[i] + X1[i + 1] * Yx[i + 1] + X2[i] * Yy[i] + X2[i + 1] * Yy[i + 1]) / below;
        spectrum[i + 1] = (X1[i + 1] * Yx[i] - X1[i] * Yx[i + 1] + X2[i + 1] * Yy[i] - X2[i] * Yy[i + 1]) / below;
      }
      const everywhere = transform.inverse(spectrum);
      const reach = (side - 1) / 2;
      const at = (u: number) => (u - reach + P) % P;
      const values = Float64Array.from({ length: side * side }, (_, i) =>
        Math.max(0, everywhere[at(Math.floor(i / side)) * P + at(i % side)]),
      );
      const all = values.reduce((sum, v) => sum + v, 0);
      return all > LEAST_SUM ? makeKernel(side, 1, values) : between(side);
    },
  };
}

/** 1 on the square where a window of the kernel sees usable pixels of the plane only, else 0. */
function trusted(
  usable: Float64Array,
  { width, height }: Size,
  P: number,
  top: number,
  left: number,
  reach: number,
): Float64Array {
  const mask = new Float64Array(P * P);
  const around = boxMean(Float32Array.from(usable), width, height, reach + 1);
  for (let r = reach; r < height - reach - 1; r++) {
    for (let c = reach; c < width - reach - 1; c++) {
      // All of them: sums of floats may end a bit below 1.
      if (around[r * width + c] > 0.999) mask[(top + r) * P + left + c] = 1;
    }
  }
  return mask;
}

/** Differences to the right and below, around the edges. */
function differences(x: Float64Array, P: number): [Float64Array, Float64Array] {
  const [right, down] = [new Float64Array(P * P), new Float64Array(P * P)];
  for (let r = 0, i = 0; r < P; r++) {
    const below = ((r + 1) % P) * P;
    for (let c = 0; c < P; c++, i++) {
      right[i] = x[r * P + ((c + 1) % P)] - x[i];
      down[i] = x[below + c] - x[i];
    }
  }
  return [right, down];
}

/** D^T of those differences of x whose squares reach `least` together. */
function strongDivergence(x: Float64Array, P: number, least: number): Float64Array {
  const out = new Float64Array(P * P);
  for (let r = 0, i = 0; r < P; r++) {
    const below = ((r + 1) % P) * P;
    for (let c = 0; c < P; c++, i++) {
      const next = r * P + ((c + 1) % P);
      const dx = x[next] - x[i];
      const dy = x[below + c] - x[i];
      if (dx * dx + dy * dy < least) continue;
      out[next] += dx;
      out[below + c] += dy;
      out[i] -= dx + dy;
    }
  }
  return out;
}

/** The kernel's taps around the origin of the square. */
function onSquare({ size, data }: Kernel, P: number): Float64Array {
  const out = new Float64Array(P * P);
  const reach = (size - 1) / 2;
  const at = (u: number) => (u - reach + P) % P;
  for (let r = 0; r < size; r++) for (let c = 0; c < size; c++) out[at(r) * P + at(c)] = data[r * size + c];
  return out;
}

/** Where a pyramid begins: half of the light in the middle, half of it beside that. A single tap would be its own solution. */
function between(side: number): Kernel {
  const values = new Float64Array(side * side);
  const middle = (side * side - 1) / 2;
  values[middle] = 0.5;
  values[middle - 1] = 0.5;
  return makeKernel(side, 1, values);
}

const centred = (kernel: Kernel): Kernel => centreKernel(kernel).kernel;

/** A kernel on the next level's grid, STEP times as fine, interpolated linearly. */
function regrid({ size, data }: Kernel, side: number): Kernel {
  const place = (i: number) => (i - (side - 1) / 2) / STEP + (size - 1) / 2;
  const tent = (d: number) => Math.max(0, 1 - Math.abs(d));
  const values = new Float64Array(side * side);
  for (let r = 0; r < side; r++) {
    for (let c = 0; c < side; c++) {
      for (let i = 0; i < size; i++) {
        const p = tent(i - place(r));
        if (p === 0) continue;
        for (let j = 0; j < size; j++) values[r * side + c] += p * tent(j - place(c)) * data[i * size + j];
      }
    }
  }
  return makeKernel(side, 1, values);
}

const withoutFaint = (kernel: Kernel): Kernel => withoutSpecks(trimKernel(kernel, FAINT), SPECK);

/** A plane reduced to another size, by means over areas. */
function shrink(plane: Float64Array, from: Size, to: Size): Float64Array {
  const across = shrinkRows(plane, from.width, to.width, from.height);
  return transpose(
    shrinkRows(transpose(across, to.width, from.height), from.height, to.height, to.width),
    to.height,
    to.width,
  );
}

/** `count` rows of `from` values each, to rows of `to` values. */
function shrinkRows(plane: Float64Array, from: number, to: number, count: number): Float64Array {
  if (from === to) return plane;
  const ratio = from / to;
  const out = new Float64Array(to * count);
  for (const [place, taps] of areaTaps(from, to).entries()) {
    for (const [i, overlap] of taps) {
      const share = overlap / ratio;
      for (let row = 0; row < count; row++) out[row * to + place] += share * plane[row * from + i];
    }
  }
  return out;
}
