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

/** Four neighbouring taps of one kernel row; groups of zeros are left out, which makes thin kernels cheap. */
interface TapGroup {
  readonly row: number;
  readonly column: number;
  readonly weights: readonly [number, number, number, number];
}

function tapGroups({ size, data }: Kernel): TapGroup[] {
  const groups: TapGroup[] = [];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column += 4) {
      const at = (i: number) => (column + i < size ? data[row * size + column + i] : 0);
      const weights = [at(0), at(1), at(2), at(3)] as const;
      if (weights.some((w) => w !== 0)) groups.push({ row, column, weights });
    }
  }
  return groups;
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
  // A last group may reach up to three pixels past the kernel; the spare zeros keep that inside the array.
  const spare = 3;

  return {
    canvasWidth: width,
    canvasHeight: height,
    apply(canvas) {
      const x = new Float32Array(width * height + spare);
      x.set(canvas);
      const y = new Float32Array(lrWidth * lrHeight);
      for (let i = 0; i < lrHeight; i++) {
        for (const { row, column, weights } of groups) {
          const [a, b, c, d] = weights;
          let from = (s * i + row) * width + column;
          const end = (i + 1) * lrWidth;
          for (let to = i * lrWidth; to < end; to++, from += s) {
            y[to] += a * x[from] + b * x[from + 1] + c * x[from + 2] + d * x[from + 3];
          }
        }
      }
      return y;
    },
    adjoint(lr) {
      const x = new Float32Array(width * height + spare);
      for (let i = 0; i < lrHeight; i++) {
        for (const { row, column, weights } of groups) {
          const [a, b, c, d] = weights;
          let to = (s * i + row) * width + column;
          const end = (i + 1) * lrWidth;
          for (let from = i * lrWidth; from < end; from++, to += s) {
            const r = lr[from];
            x[to] += a * r;
            x[to + 1] += b * r;
            x[to + 2] += c * r;
            x[to + 3] += d * r;
          }
        }
      }
      return x.subarray(0, width * height);
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
