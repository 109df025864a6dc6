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
import { makeWorkspace } from './loops.ts';

/** Pixels by which the canvas reaches beyond the enlarged layer on each side. */
export function canvasMargin(kernelSize: number, scale: Scale): number {
  return (kernelSize - scale) / 2;
}

/** Size of that canvas for a layer, in HR pixels. */
export function canvasSize(
  layer: Pick<Planes, 'width' | 'height'>,
  { size, scale }: Pick<Kernel, 'size' | 'scale'>,
): Pick<Planes, 'width' | 'height'> {
  return { width: scale * layer.width + size - scale, height: scale * layer.height + size - scale };
}

/**
 * Smaller taps are left out, as zeros are, which makes thin kernels cheap: in floats they would add nothing, and products too
 * small for a float's usual range take a hundred times as long.
 */
const LEAST_TAP = 1e-12;

/**
 * A tap k[s u + a, s v + b]: seen from the LR grid it belongs to phase (a, b) of the canvas, the pixels (s i + a, s j + b), and
 * stands u rows and v columns further there.
 */
interface Tap {
  readonly phase: number;
  readonly u: number;
  readonly v: number;
  readonly weight: number;
}

/** A kernel's taps, phase by phase. */
function tapsOf({ size, scale: s, data }: Kernel): Tap[] {
  const taps = Array.from(data, (weight, i): Tap => {
    const [row, column] = [Math.floor(i / size), i % size];
    return { phase: (row % s) * s + (column % s), u: Math.floor(row / s), v: Math.floor(column / s), weight };
  });
  return taps.filter(({ weight }) => Math.abs(weight) >= LEAST_TAP).sort((a, b) => a.phase - b.phase);
}

/**
 * A and its adjoint for one kernel and one LR size. The arrays given are not changed; what is found is written into `to`, where it is
 * given, so that the solvers' loops leave no garbage.
 */
export interface Degradation {
  readonly canvasWidth: number;
  readonly canvasHeight: number;
  /** A x: a canvas plane to an LR plane. */
  apply(canvas: Float32Array, to?: Float32Array): Float32Array;
  /** A^T r: an LR plane to a canvas plane. */
  adjoint(lr: Float32Array, to?: Float32Array): Float32Array;
}

/**
 * On the LR grid both are plain filters: with the phases, and y, in rows of one pitch (their ends unused), a tap is a place so
 * many values further on,
 *   y[i] = sum_taps w phase[i + u pitch + v],   phase[i] = sum_taps w r[i - u pitch - v],
 * r being y between zeros.
 */
export function makeDegradation(kernel: Kernel, lrWidth: number, lrHeight: number): Degradation {
  const { size, scale: s } = kernel;
  const { width, height } = canvasSize({ width: lrWidth, height: lrHeight }, kernel);
  /** How far taps reach on the LR grid; and the phases' pitch and length. */
  const reach = Math.ceil(size / s) - 1;
  const pitch = lrWidth + reach;
  const length = pitch * (lrHeight + reach);
  /** Zeros before r. */
  const before = reach * (pitch + 1);
  const taps = tapsOf(kernel);
  const { loops, arrays } = makeWorkspace({
    ahead: 2 * taps.length,
    back: 2 * taps.length,
    phases: s * s * length + reach,
    // The canvas, y and r in turn: none is needed any more when the next is written.
    plane: Math.max(width * height, before + length),
  });
  const { ahead, back, phases, plane } = arrays;
  const canvasArea = plane.subarray(0, width * height);
  const writeTaps = (to: Float32Array, placeOf: (tap: Tap) => number) => {
    const places = new Int32Array(to.buffer, to.byteOffset, to.length);
    for (const [i, tap] of taps.entries()) {
      places[2 * i] = 4 * placeOf(tap);
      to[2 * i + 1] = tap.weight;
    }
  };
  writeTaps(ahead, ({ phase, u, v }) => phase * length + u * pitch + v);
  writeTaps(back, ({ u, v }) => before - u * pitch - v);
  /** Where each phase's taps begin, and the last one's end. */
  const firsts = Array.from({ length: s * s + 1 }, (_, phase) => taps.filter((tap) => tap.phase < phase).length);
  const eachRow = (visit: (row: number, place: number) => void) => {
    for (let i = 0; i < lrHeight; i++) visit(i * lrWidth, i * pitch);
  };

  return {
    canvasWidth: width,
    canvasHeight: height,
    apply(canvas, to = new Float32Array(lrWidth * lrHeight)) {
      canvasArea.set(canvas);
      loops.split(phases, plane, width, height, s, pitch, length);
      loops.filter(plane, phases, ahead, taps.length, pitch * lrHeight);
      eachRow((row, place) => to.set(plane.subarray(place, place + lrWidth), row));
      return to;
    },
    adjoint(lr, to = new Float32Array(width * height)) {
      plane.fill(0);
      eachRow((row, place) => plane.set(lr.subarray(row, row + lrWidth), before + place));
      for (let phase = 0; phase < s * s; phase++) {
        const [first, end] = [firsts[phase], firsts[phase + 1]];
        loops.filter(phases.subarray(phase * length), plane, back.subarray(2 * first), end - first, length);
      }
      loops.join(plane, phases, width, height, s, pitch, length);
      to.set(canvasArea);
      return to;
    },
  };
}

/** The layer enlarged by bicubic interpolation onto the canvas of such a kernel (its border replicated): where every solver starts. */
export function bicubicCanvas(lr: Planes, { size, scale }: Pick<Kernel, 'size' | 'scale'>): Planes {
  return extend(enlargeBicubic(lr, scale), canvasMargin(size, scale));
}

/** Planes with `margin` replicated pixels added on every side; a negative margin cuts off instead. */
export function extend(planes: Planes, margin: number): Planes {
  return cutPlanes(planes, -margin, -margin, planes.width + 2 * margin, planes.height + 2 * margin);
}

/** The canvas without its margin: the enlarged layer. */
export function cutMargin(canvas: Planes, margin: number): Planes {
  return margin === 0 ? canvas : extend(canvas, -margin);
}
