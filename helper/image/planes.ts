/**
 * A picture as the method sees it: float planes, one after the other, with no file, colour profile or alpha about it.
 */

/** `channels` planes of `height` rows of `width` values, planar, row-major, nominally in [0, 1] (stored light: gamma). */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Float32Array;
}

export function makePlanes(width: number, height: number, channels: number, data?: Float32Array): Planes {
  return { width, height, channels, data: data ?? new Float32Array(width * height * channels) };
}

/** A view (no copy) of one plane. */
export function planeOf({ width, height, data }: Planes, channel: number): Float32Array {
  return data.subarray(channel * width * height, (channel + 1) * width * height);
}

/** The same function of every value. */
export function mapPlanes(planes: Planes, change: (value: number) => number): Planes {
  return { ...planes, data: planes.data.map(change) };
}

/**
 * A copy of the window of `width` x `height` pixels at row `top`, column `left`. It may reach beyond the picture, whose
 * border is replicated there.
 */
export function cutPlanes(planes: Planes, top: number, left: number, width: number, height: number): Planes {
  const out = makePlanes(width, height, planes.channels);
  const clamp = (i: number, length: number) => Math.min(Math.max(i, 0), length - 1);
  for (let c = 0; c < planes.channels; c++) {
    const from = planeOf(planes, c);
    const to = planeOf(out, c);
    for (let y = 0; y < height; y++) {
      const row = clamp(top + y, planes.height) * planes.width;
      for (let x = 0; x < width; x++) to[y * width + x] = from[row + clamp(left + x, planes.width)];
    }
  }
  return out;
}
