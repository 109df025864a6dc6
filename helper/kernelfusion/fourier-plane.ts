/** Two-dimensional Fourier transforms of square planes whose side is a power of two. */
import FFT from 'fft.js';

export interface PlaneTransform {
  readonly side: number;
  /** The spectrum of a real plane: complex numbers as pairs, row-major as the plane is. */
  forward(plane: Float64Array, to?: Float64Array): Float64Array;
  /** The plane of a spectrum; its imaginary part is left out. The spectrum is used up. */
  inverse(spectrum: Float64Array, to?: Float64Array): Float64Array;
}

export function makePlaneTransform(side: number): PlaneTransform {
  const fft = new FFT(side);
  const line = new Float64Array(2 * side);
  const scratch = new Float64Array(2 * side ** 2);
  /** Every row transformed, and written as a column: done twice, rows are rows again. */
  const turn = (from: Float64Array, to: Float64Array, transform: (out: Float64Array, line: Float64Array) => void) => {
    for (let r = 0; r < side; r++) {
      transform(line, from.subarray(2 * side * r, 2 * side * (r + 1)));
      for (let c = 0, at = 2 * r; c < side; c++, at += 2 * side) {
        to[at] = line[2 * c];
        to[at + 1] = line[2 * c + 1];
      }
    }
  };
  const forth = (out: Float64Array, from: Float64Array) => fft.transform(out, from);
  const back = (out: Float64Array, from: Float64Array) => fft.inverseTransform(out, from);
  return {
    side,
    forward(plane, to = new Float64Array(2 * side ** 2)) {
      for (let i = 0; i < plane.length; i++) {
        to[2 * i] = plane[i];
        to[2 * i + 1] = 0;
      }
      turn(to, scratch, forth);
      turn(scratch, to, forth);
      return to;
    },
    inverse(spectrum, to = new Float64Array(side ** 2)) {
      turn(spectrum, scratch, back);
      turn(scratch, spectrum, back);
      for (let i = 0; i < to.length; i++) to[i] = spectrum[2 * i];
      return to;
    },
  };
}
