/** Kernels that a search met, with scores made up. */
import type { Candidate } from '../../helper/kernelfusion/candidates.ts';
import { startKernel } from '../../helper/kernelfusion/kernel-starts.ts';

const kernel = startKernel('spot', 6, 2);
/** It was diffused if its start says so. Scores of pixels that differ by chance as much as `spread`. */
export function met(start: string, score: number, spread = 0): Candidate {
  const losses = Float32Array.from({ length: 100 }, (_, i) => score + (i % 2 === 0 ? spread : -spread));
  return {
    kernel,
    steps: [],
    start,
    score,
    error: 0,
    losses,
    blocks: new Uint32Array(100),
    diffused: start.startsWith('diffusion'),
  };
}
