/**
 * Sub-pixel translation without smoothing: every frequency of a plane gets the phase of the shift.
 *
 * A phase ramp is a circulant filter whose taps have a closed form (the periodic sinc, or Dirichlet kernel), so rows and
 * columns are filtered one after the other, in real numbers. The FFT library only knows powers of two; a circulant filter of
 * another length L becomes a zero-padded linear one of length 2^m >= 2L - 1, and two real rows travel as one complex row.
 * For even L the highest frequency has no sign; it gets cos(pi d), the real part, as every real-to-real FFT gives.
 */
import FFT from 'fft.js';

/** Value at the real offset `x` of the band-limited interpolation of a unit impulse repeated every `length` samples. */
export function dirichlet(x: number, length: number): number {
  const angle = (Math.PI * x) / length;
  if (Math.abs(Math.sin(angle)) < 1e-12) return 1;
  const ratio = Math.sin(Math.PI * x) / length;
  return length % 2 === 0 ? ratio / Math.tan(angle) : ratio / Math.sin(angle);
}

/**
 * Translates a plane (row-major, `width` x `height`) by (dy, dx) pixels, positive: down and right. The plane is mirrored
 * about its outer edge for `margin` pixels first, so that what enters at a border is picture and not the opposite side.
 */
export function fourierShift(
  plane: Float64Array,
  width: number,
  height: number,
  dy: number,
  dx: number,
  margin = 32,
): Float64Array {
  const across = dx === 0 ? plane : shiftRows(plane, width, height, dx, margin);
  if (dy === 0) return across.slice();
  return transpose(shiftRows(transpose(across, width, height), height, width, dy, margin), height, width);
}

/** Every row moved to the right by `d`. */
function shiftRows(plane: Float64Array, width: number, height: number, d: number, margin: number): Float64Array {
  const length = width + 2 * margin;
  let n = 2;
  while (n < 2 * length - 1) n *= 2;
  const fft = new FFT(n);
  const taps = new Float64Array(2 * n);
  for (let j = 1 - length; j < length; j++) taps[2 * ((j + n) % n)] = dirichlet(j - d, length);
  const filter = new Float64Array(2 * n);
  fft.transform(filter, taps);

  const source = Int32Array.from({ length }, (_, i) => mirror(i - margin, width));
  const out = new Float64Array(width * height);
  const rows = new Float64Array(2 * n);
  const spectrum = new Float64Array(2 * n);
  for (let y = 0; y < height; y += 2) {
    const first = y * width;
    const second = Math.min(y + 1, height - 1) * width;
    rows.fill(0);
    for (let i = 0; i < length; i++) {
      rows[2 * i] = plane[first + source[i]];
      rows[2 * i + 1] = plane[second + source[i]];
    }
    fft.transform(spectrum, rows);
    multiply(spectrum, filter);
    fft.inverseTransform(rows, spectrum);
    for (let x = 0; x < width; x++) {
      out[first + x] = rows[2 * (x + margin)];
      out[second + x] = rows[2 * (x + margin) + (second === first ? 0 : 1)];
    }
  }
  return out;
}

/** a := a * b, complex numbers as pairs. */
function multiply(a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < a.length; i += 2) {
    const re = a[i] * b[i] - a[i + 1] * b[i + 1];
    a[i + 1] = a[i] * b[i + 1] + a[i + 1] * b[i];
    a[i] = re;
  }
}

/** The sample that a mirror about the outer edge shows at position `i`: (d c b a | a b c d | d c b a), repeated. */
export function mirror(i: number, n: number): number {
  const m = ((i % (2 * n)) + 2 * n) % (2 * n);
  return m < n ? m : 2 * n - 1 - m;
}

/** A plane with its rows as columns. */
export function transpose(plane: Float64Array, width: number, height: number): Float64Array {
  const out = new Float64Array(plane.length);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[x * height + y] = plane[y * width + x];
  return out;
}
