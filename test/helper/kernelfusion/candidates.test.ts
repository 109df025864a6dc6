import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose, promisingFits, ranked } from '../../../helper/kernelfusion/candidates.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { met } from '../../support/met.ts';

test('a later kernel must be better surely, whether it was diffused or fitted', () => {
  const chosen = (...of: ReturnType<typeof met>[]) => choose(of).start;
  assert.equal(chosen(met('ring', -9), met('diffusion', -1)), 'ring');
  assert.equal(chosen(met('spot', -1), met('ring', -1.15, 0.1)), 'ring');
  // The standard error is a tenth of the spread.
  const spot = met('spot', 0);
  assert.equal(chosen(spot, met('diffusion', -1), met('diffusion on', -1.02, 0.1)), 'diffusion on');
  assert.equal(chosen(spot, met('diffusion', -1), met('diffusion on', -1.02, 0.4)), 'diffusion');
});

test('fits rank by their score, and pay 0.4 nats for all light that lies apart; haze does not count', () => {
  const kernelOf = (...taps: [number, number][]) => {
    const values = new Float64Array(36);
    for (const [place, v] of taps) values[place] = v;
    return makeKernel(6, 2, values);
  };
  const inPieces = (score: number) => ({
    ...met('ring', score),
    kernel: kernelOf([0, 3], [35, 1], [3, 0.1]),
  });
  const whole = { ...met('spot', -1), kernel: kernelOf([14, 1], [15, 1], [35, 0.05]) };
  const starts = (...all: ReturnType<typeof met>[]) => promisingFits(all).map(({ start }) => start);
  assert.deepEqual(starts(inPieces(-1.09), whole), ['spot', 'ring']);
  assert.deepEqual(starts(inPieces(-1.11), whole), ['ring', 'spot']);
  // Whoever is chosen pays nothing.
  assert.equal(choose([whole, inPieces(-1.09)]).start, 'ring');
});

test('ranks are of one kind', () => {
  const all = [met('spot', -1), met('ring', -2), met('diffusion 1', -3), met('line', -1.5), met('diffusion 2', -4)];
  const starts = (some: readonly { readonly start: string }[]) => some.map(({ start }) => start);
  assert.deepEqual(starts(promisingFits(all)), ['ring', 'line', 'spot']);
  assert.deepEqual(starts(ranked(all, { diffused: true })), ['diffusion 2', 'diffusion 1']);
});
