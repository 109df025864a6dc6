import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose, ranked } from '../../../helper/kernelfusion/candidates.ts';
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

test('where none was diffused, a kernel in pieces must be better by 0.6 nats for all that lies apart; haze does not count', () => {
  const kernelOf = (...taps: [number, number][]) => {
    const values = new Float64Array(36);
    for (const [place, v] of taps) values[place] = v;
    return makeKernel(6, 2, values);
  };
  const inPieces = (score: number, start = 'ring') => ({
    ...met(start, score),
    kernel: kernelOf([0, 3], [35, 1], [3, 0.1]),
  });
  const whole = { ...met('spot', -1), kernel: kernelOf([14, 1], [15, 1], [35, 0.05]) };
  assert.equal(choose([whole, inPieces(-1.14)]).start, 'spot');
  assert.equal(choose([whole, inPieces(-1.16)]).start, 'ring');
  assert.equal(choose([inPieces(-1.14), whole]).start, 'spot');
  const diffused = { ...whole, ...met('diffusion', -1) };
  assert.equal(choose([diffused, inPieces(-1.01, 'diffusion on')]).start, 'diffusion on');
});

test('ranks go by the score alone, of one kind', () => {
  const all = [met('spot', -1), met('ring', -2), met('diffusion 1', -3), met('line', -1.5), met('diffusion 2', -4)];
  const starts = (diffused: boolean) => ranked(all, { diffused }).map(({ start }) => start);
  assert.deepEqual(starts(false), ['ring', 'line', 'spot']);
  assert.deepEqual(starts(true), ['diffusion 2', 'diffusion 1']);
});
