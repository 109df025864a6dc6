import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestOfAll, choose, finalists } from '../../../helper/kernelfusion/candidates.ts';
import { startKernel } from '../../../helper/kernelfusion/kernel-starts.ts';

const kernel = startKernel('spot', 6, 2);
/** Scores of pixels that differ by chance as much as `spread`. */
function met(start: string, score: number, spread = 0) {
  const losses = Float32Array.from({ length: 100 }, (_, i) => score + (i % 2 === 0 ? spread : -spread));
  return {
    kernel,
    start,
    score,
    error: 0,
    losses,
    blocks: new Uint32Array(100),
    diffused: start.startsWith('diffusion'),
  };
}

test('of kernels found in one way a later one must be better surely; a fit must lead a diffusion clearly', () => {
  const chosen = (...of: ReturnType<typeof met>[]) => choose(of).start;
  assert.equal(chosen(met('ring', -1.05), met('diffusion', -1)), 'diffusion');
  assert.equal(chosen(met('ring', -1.15), met('diffusion', -1)), 'ring');
  assert.equal(chosen(met('spot', -1), met('ring', -1.15, 0.1)), 'ring');
  // The standard error is a tenth of the spread.
  const spot = met('spot', 0);
  assert.equal(chosen(spot, met('diffusion', -1), met('diffusion on', -1.02, 0.1)), 'diffusion on');
  assert.equal(chosen(spot, met('diffusion', -1), met('diffusion on', -1.02, 0.4)), 'diffusion');
});

test('a score under the prior counts twice beside the one under gradients', () => {
  const judged = (name: string, score: number, underPrior: number) => ({
    candidate: { name, score },
    underPrior: { score: underPrior },
  });
  const ring = judged('ring', -3.4, -3.8);
  assert.equal(bestOfAll([ring, judged('spot', -3.2, -3.91)]).name, 'spot');
  assert.equal(bestOfAll([ring, judged('spot', -3.2, -3.89)]).name, 'ring');
});

test('the last round begins with the best of all, and with the best that was diffused where that is another', () => {
  const starts = (...of: ReturnType<typeof met>[]) => finalists(of).map(({ start }) => start);
  const all = [met('spot', -1), met('diffusion 1', -3), met('ring', -3.05), met('diffusion 2', -4), met('disc', -3.9)];
  assert.deepEqual(starts(...all), ['diffusion 2']);
  assert.deepEqual(starts(...all, met('line', -5)), ['line', 'diffusion 2']);
});
