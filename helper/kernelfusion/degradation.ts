/**
 * The degradation y = A x: blur by the kernel, keep every s-th pixel. Every convention of alignment lives here.
 *
 * LR pixel i is centred on HR coordinate s*i + (s-1)/2 (half-pixel centres, as in every editor); the kernel's side n has the
 * parity of s, so its window begins on a whole pixel: s*i - margin, margin = (n-s)/2. x is solved on a canvas that reaches
 * `margin` pixels beyond the layer on every side. A is then a plain strided correlation with no border rule at all:
 *   y[i] = sum_u k[u] canvas[s*i + u],
 * and what lies beyond the edge is unknown, as it is for a camera, instead of being assumed mirrored or black.
 */
import type { Kernel, Scale } from '../../shared/kernel.ts';
import { enlargeBicubic } from '../image/enlarge.ts';
import { cutPlanes, type Planes } from '../image/planes.ts';

/** Pixels by which the canvas reaches beyond the enlarged layer on each side. */
export function canvasMargin(kernelSize: number, scale: Scale): number {
  return (kernelSize - scale) / 2;
}

/**
 * Four taps of one kernel row, s pixels apart: seen from the LR grid they are neighbours in one of the s phases of a canvas
 * row (every s-th of its pixels). Groups of zeros are left out, which makes thin kernels cheap.
 */
interface TapGroup {
  readonly row: number;
  readonly phase: number;
  /** Place of the first of the four among the phase's taps. */
  readonly first: number;
  readonly weights: readonly [number, number, number, number];
}

function tapGroups({ size, scale: s, data }: Kernel): TapGroup[] {
  const groups: TapGroup[] = [];
  for (let row = 0; row < size; row++) {
    for (let phase = 0; phase < s; phase++) {
      const at = (i: number) => (s * i + phase < size ? data[row * size + s * i + phase] : 0);
      for (let first = 0; s * first + phase < size; ) {
        if (at(first) === 0) first++;
        else {
          groups.push({ row, phase, first, weights: [at(first), at(first + 1), at(first + 2), at(first + 3)] });
          first += 4;
        }
      }
    }
  }
  return groups;
}

/**
 * out[to + j] += a x[from + j] + b x[from + j + 1] + c x[from + j + 2] + d x[from + j + 3] for `length` places j: where all the
 * time of the solvers goes. Four places at a time share what they read, which halves the time.
 */
function addFiltered(
  out: Float32Array,
  to: number,
  x: Float32Array,
  from: number,
  length: number,
  a: number,
  b: number,
  c: number,
  d: number,
): void {
  let p = x[from];
  let q = x[from + 1];
  let r = x[from + 2];
  let i = to;
  let j = from + 3;
  for (const end = to + length - 3; i < end; i += 4, j += 4) {
    const s = x[j];
    const t = x[j + 1];
    const u = x[j + 2];
    const v = x[j + 3];
    out[i] += a * p + b * q + c * r + d * s;
    out[i + 1] += a * q + b * r + c * s + d * t;
    out[i + 2] += a * r + b * s + c * t + d * u;
    out[i + 3] += a * s + b * t + c * u + d * v;
    p = t;
    q = u;
    r = v;
  }
  for (const end = to + length; i < end; i++, j++) {
    const s = x[j];
    out[i] += a * p + b * q + c * r + d * s;
    p = q;
    q = r;
    r = s;
  }
}

/** A and its adjoint for one kernel and one LR size. Pure: the arrays given are not changed. */
export interface Degradation {
  readonly canvasWidth: number;
  readonly canvasHeight: number;
  /** A x: a canvas plane to an LR plane. */
  apply(canvas: Float32Array): Float32Array;
  /** A^T r: an LR plane to a canvas plane. */
  adjoint(lr: Float32Array): Float32Array;
}

export function makeDegradation(kernel: Kernel, lrWidth: number, lrHeight: number): Degradation {
  const { size, scale: s } = kernel;
  const width = s * lrWidth + size - s;
  const height = s * lrHeight + size - s;
  const groups = tapGroups(kernel);
  /** Pixels of a phase of a canvas row; and as many as a group may reach beyond them. */
  const phaseLength = Math.ceil(width / s);
  const reach = Math.ceil(size / s) + 3;
  const pitch = phaseLength + reach;
  /** Each row of r between zeros, over which the taps run backwards. */
  const rowLength = lrWidth + 2 * reach;
  // Made once: the same places are written each time, and the others stay zero.
  const phases = new Float32Array(height * s * pitch);
  const r = new Float32Array(lrHeight * rowLength);
  const rowPhases = new Float32Array(s * pitch);

  return {
    canvasWidth: width,
    canvasHeight: height,
    apply(canvas) {
      for (let row = 0; row < height; row++) {
        for (let phase = 0; phase < s; phase++) {
          let to = (row * s + phase) * pitch;
          for (let from = row * width + phase; from < (row + 1) * width; from += s) phases[to++] = canvas[from];
        }
      }
      const y = new Float32Array(lrWidth * lrHeight);
      for (let i = 0; i < lrHeight; i++) {
        for (const { row, phase, first, weights } of groups) {
          const from = ((s * i + row) * s + phase) * pitch + first;
          const [a, b, c, d] = weights;
          addFiltered(y, i * lrWidth, phases, from, lrWidth, a, b, c, d);
        }
      }
      return y;
    },
    adjoint(lr) {
      for (let i = 0; i < lrHeight; i++) r.set(lr.subarray(i * lrWidth, (i + 1) * lrWidth), i * rowLength + reach);
      const x = new Float32Array(width * height);
      for (let to = 0; to < height; to++) {
        rowPhases.fill(0);
        for (const { row, phase, first, weights } of groups) {
          const i = (to - row) / s;
          if (i < 0 || i >= lrHeight || !Number.isInteger(i)) continue;
          const from = i * rowLength + reach - first - 3;
          const [a, b, c, d] = weights;
          addFiltered(rowPhases, phase * pitch, r, from, phaseLength, d, c, b, a);
        }
        for (let phase = 0; phase < s; phase++) {
          let from = phase * pitch;
          for (let i = to * width + phase; i < (to + 1) * width; i += s) x[i] = rowPhases[from++];
        }
      }
      return x;
    },
  };
}

/** The layer enlarged by bicubic interpolation onto a canvas (its border replicated): where every solver starts. */
export function bicubicCanvas(lr: Planes, scale: Scale, margin: number): Planes {
  return extend(enlargeBicubic(lr, scale), margin);
}

/** Planes with `margin` replicated pixels added on every side; a negative margin cuts off instead. */
export function extend(planes: Planes, margin: number): Planes {
  return cutPlanes(planes, -margin, -margin, planes.width + 2 * margin, planes.height + 2 * margin);
}

/** The canvas without its margin: the enlarged layer. */
export function cutMargin(canvas: Planes, margin: number): Planes {
  return margin === 0 ? canvas : extend(canvas, -margin);
}
