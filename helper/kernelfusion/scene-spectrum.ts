/**
 * What the layer's power spectrum says about its blur.
 *
 * The power of natural scenes falls with frequency like c / |f|^a (Field 1987; a is about 2). A scene blurred by k and kept at
 * every s-th pixel then has, at LR frequency f, the folded power
 *   V(f) = (c / s^2) sum_j |K(f_j)|^2 |f_j|^-a + sigma^2       (f_j: the s^2 HR frequencies that alias to f),
 * and a periodogram value Y(f) costs log V + Y / V (Whittle 1953). This sees |K| and not its phase, where the fit to the
 * prior's proposal sees structure and errs in strength: together they find kernels that neither does (docs/method.md).
 */
import type { Scale } from '../../shared/kernel.ts';
import type { Planes } from '../image/planes.ts';
import { lumaOf } from './luma.ts';

/** Side of the segments whose periodograms are averaged (Welch 1967), in LR pixels. */
const SEGMENT = 64;
/** LR frequencies (cycles a pixel) left out: the lowest, where scenes differ most, and those of upright structures. */
const LOWEST = 0.05;
const UPRIGHT = 0.07;
/** Segments count where this share of their pixels or more is usable. */
const LEAST_USABLE = 0.75;

/** The scene's c and a, as log c and a. */
export interface Scene {
  readonly logPower: number;
  readonly slope: number;
}

export interface SpectralMisfit {
  /** Mean of log V + Y / V over the frequencies used. */
  readonly value: number;
  readonly kernel: Float64Array;
  readonly logPower: number;
  readonly slope: number;
}

export interface SceneSpectrum {
  /** The misfit of an n x n kernel (row-major) and its derivatives by the kernel and the scene. */
  misfit(kernel: Float64Array, scene: Scene): SpectralMisfit;
}

/**
 * The spectrum of `y` (values in [-1, 1]) for kernels of `size` taps a side at `scale`. `usable`: 0 for LR pixels that tell
 * nothing; segments with many of them do not count. `lumaSigma`: noise of y's luma, in its units.
 */
export function makeSceneSpectrum(
  y: Planes,
  usable: Uint8Array,
  scale: Scale,
  size: number,
  lumaSigma: number,
): SceneSpectrum {
  const side = Math.min(SEGMENT, y.width, y.height);
  const half = Math.floor(side / 2) + 1;
  const corners = segments(usable, y.width, y.height, side);
  const power = welch(lumaOf(y), y.width, corners, side);
  const used: number[] = [];
  for (let row = 0; corners.length > 0 && row < side; row++) {
    for (let column = 0; column < half; column++) {
      const [fy, fx] = [Math.min(row, side - row) / side, column / side];
      if (Math.hypot(fy, fx) > LOWEST && fy > UPRIGHT && fx > UPRIGHT) used.push(row * half + column);
    }
  }

  // HR frequencies: every row, and of the columns those that alias to the LR half-plane.
  const rows = Array.from({ length: scale * side }, (_, i) => i);
  const columns = Array.from({ length: scale * half }, (_, i) => Math.floor(i / half) * side + (i % half));
  const waveY = waves(rows, scale * side, size);
  const waveX = waves(columns, scale * side, size);
  const frequency = (i: number) => Math.min(i, scale * side - i) / (scale * side);
  const logFrequency = rows.flatMap((r) => columns.map((c) => Math.log(Math.hypot(frequency(r), frequency(c)) || 1)));
  const noise = lumaSigma ** 2;
  const folds = scale ** 2;

  return {
    misfit(kernel, { logPower, slope }) {
      const c = Math.exp(logPower) / folds;
      const K = transform(kernel, size, waveY, waveX);
      // Power of the blurred scene on the HR grid, folded onto the LR frequencies.
      const fall = logFrequency.map((log) => Math.exp(-slope * log));
      const folded = new Float64Array(side * half);
      const foldedSlope = new Float64Array(side * half);
      for (let r = 0, i = 0; r < rows.length; r++) {
        for (let q = 0; q < columns.length; q++, i++) {
          const at = (r % side) * half + (q % half);
          const term = fall[i] * (K.re[i] ** 2 + K.im[i] ** 2);
          folded[at] += term;
          foldedSlope[at] -= term * logFrequency[i];
        }
      }
      let value = 0;
      let byPower = 0;
      let bySlope = 0;
      const byFolded = new Float64Array(side * half);
      for (const at of used) {
        const v = c * folded[at] + noise;
        value += Math.log(v) + power[at] / v;
        const byV = (1 / v - power[at] / v ** 2) / used.length;
        byFolded[at] = byV * c;
        byPower += byV * c * folded[at];
        bySlope += byV * c * foldedSlope[at];
      }
      // |K|^2 = K conj(K): what each K receives is 2 fall byFolded conj(K).
      const re = new Float64Array(K.re.length);
      const im = new Float64Array(K.re.length);
      for (let r = 0, i = 0; r < rows.length; r++) {
        for (let q = 0; q < columns.length; q++, i++) {
          const share = 2 * fall[i] * byFolded[(r % side) * half + (q % half)];
          re[i] = share * K.re[i];
          im[i] = -share * K.im[i];
        }
      }
      return {
        value: used.length > 0 ? value / used.length : 0,
        kernel: adjointTransform({ re, im }, size, waveY, waveX),
        logPower: byPower,
        slope: bySlope,
      };
    },
  };
}

/** cos and sin of 2 pi f u for each frequency and tap u = 0 .. size-1. */
interface Waves {
  readonly count: number;
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

function waves(frequencies: readonly number[], period: number, size: number): Waves {
  const angle = (i: number) => (2 * Math.PI * frequencies[Math.floor(i / size)] * (i % size)) / period;
  const length = frequencies.length * size;
  return {
    count: frequencies.length,
    cos: Float64Array.from({ length }, (_, i) => Math.cos(angle(i))),
    sin: Float64Array.from({ length }, (_, i) => Math.sin(angle(i))),
  };
}

interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** K(fy, fx) = sum_uv k[u, v] e^(-2 pi i (fy u + fx v)), one axis after the other. */
function transform(k: Float64Array, size: number, waveY: Waves, waveX: Waves): Complex {
  const rowRe = new Float64Array(size * waveX.count);
  const rowIm = new Float64Array(size * waveX.count);
  for (let u = 0; u < size; u++) {
    for (let q = 0; q < waveX.count; q++) {
      let re = 0;
      let im = 0;
      for (let v = 0; v < size; v++) {
        re += k[u * size + v] * waveX.cos[q * size + v];
        im -= k[u * size + v] * waveX.sin[q * size + v];
      }
      rowRe[u * waveX.count + q] = re;
      rowIm[u * waveX.count + q] = im;
    }
  }
  const re = new Float64Array(waveY.count * waveX.count);
  const im = new Float64Array(waveY.count * waveX.count);
  for (let r = 0; r < waveY.count; r++) {
    for (let u = 0; u < size; u++) {
      const cos = waveY.cos[r * size + u];
      const sin = waveY.sin[r * size + u];
      for (let q = 0, to = r * waveX.count, from = u * waveX.count; q < waveX.count; q++, to++, from++) {
        re[to] += rowRe[from] * cos + rowIm[from] * sin;
        im[to] += rowIm[from] * cos - rowRe[from] * sin;
      }
    }
  }
  return { re, im };
}

/** Re sum_f Z(f) e^(-2 pi i (fy u + fx v)) for each tap: the gradient by k where Z is that by K. */
function adjointTransform({ re, im }: Complex, size: number, waveY: Waves, waveX: Waves): Float64Array {
  const out = new Float64Array(size * size);
  const rowRe = new Float64Array(waveX.count);
  const rowIm = new Float64Array(waveX.count);
  for (let u = 0; u < size; u++) {
    rowRe.fill(0);
    rowIm.fill(0);
    for (let r = 0; r < waveY.count; r++) {
      const cos = waveY.cos[r * size + u];
      const sin = waveY.sin[r * size + u];
      for (let q = 0, from = r * waveX.count; q < waveX.count; q++, from++) {
        rowRe[q] += re[from] * cos + im[from] * sin;
        rowIm[q] += im[from] * cos - re[from] * sin;
      }
    }
    for (let v = 0; v < size; v++) {
      let sum = 0;
      for (let q = 0; q < waveX.count; q++) {
        sum += rowRe[q] * waveX.cos[q * size + v] + rowIm[q] * waveX.sin[q * size + v];
      }
      out[u * size + v] = sum;
    }
  }
  return out;
}

/** Top left pixels of the segments, which overlap by about a half, that are usable for the greater part. */
function segments(usable: Uint8Array, width: number, height: number, side: number): number[] {
  const corners = starts(height, side).flatMap((top) => starts(width, side).map((left) => top * width + left));
  return corners.filter((corner) => {
    let count = 0;
    for (let row = 0; row < side; row++) {
      const from = corner + row * width;
      for (let i = from; i < from + side; i++) count += usable[i];
    }
    return count >= LEAST_USABLE * side * side;
  });
}

/**
 * Mean of the periodograms of the segments with these corners, each without its mean and under a Hann window; white
 * noise of variance v gives v. side x (side/2 + 1) values, row-major.
 */
function welch(plane: Float64Array, width: number, corners: readonly number[], side: number): Float64Array {
  const half = Math.floor(side / 2) + 1;
  const hann = Float64Array.from({ length: side }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / side));
  const energy = hann.reduce((sum, w) => sum + w * w, 0) ** 2;
  const waveY = waves(
    Array.from({ length: side }, (_, i) => i),
    side,
    side,
  );
  const waveX = waves(
    Array.from({ length: half }, (_, i) => i),
    side,
    side,
  );
  const out = new Float64Array(side * half);
  for (const corner of corners) {
    const segment = new Float64Array(side * side);
    let mean = 0;
    for (let i = 0; i < segment.length; i++) {
      segment[i] = plane[corner + Math.floor(i / side) * width + (i % side)];
      mean += segment[i] / segment.length;
    }
    const { re, im } = transform(
      segment.map((v, i) => (v - mean) * hann[Math.floor(i / side)] * hann[i % side]),
      side,
      waveY,
      waveX,
    );
    for (let i = 0; i < out.length; i++) out[i] += (re[i] ** 2 + im[i] ** 2) / (energy * corners.length);
  }
  return out;
}

function starts(length: number, side: number): number[] {
  const count = Math.ceil((length - side) / (side / 2)) + 1;
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (length - side)) / (count - 1))));
}
