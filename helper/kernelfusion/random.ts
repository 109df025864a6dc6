/**
 * The one source of chance: a seeded xoroshiro128+ generator (Blackman & Vigna 2018), so that a seed decides every result.
 */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform among 0 .. n-1. */
  below(n: number): number;
  /** `length` independent standard normal values. */
  normals(length: number): Float32Array;
}

/** `stream`: which stretch of the seed's sequence, each 2^64 numbers long. Phases with streams of their own can be run apart. */
export function makeRandom(seed: number, stream = 0): Random {
  const generator = xoroshiro128plus(seed | 0);
  // A small seed leaves most of the state's bits alike, and the first numbers near 1: the first stretch is never used.
  for (let i = 0; i <= stream; i++) generator.jump();
  const uniform = () => (generator.next() >>> 0) / 0x1_0000_0000;
  return {
    uniform,
    below: (n) => Math.floor(uniform() * n),
    normals(length) {
      // Box & Muller 1958: two uniform values make two normal ones. 1 - u keeps the logarithm finite.
      const out = new Float32Array(length);
      for (let i = 0; i < length; i += 2) {
        const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
        const angle = 2 * Math.PI * uniform();
        out[i] = radius * Math.cos(angle);
        if (i + 1 < length) out[i + 1] = radius * Math.sin(angle);
      }
      return out;
    },
  };
}
