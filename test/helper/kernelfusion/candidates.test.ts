import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose, ranked, rating } from '../../../helper/kernelfusion/candidates.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { met } from '../../support/met.ts';

test('a later kernel must be better surely; one that was only fitted is chosen where none was diffused', () => {
  const chosen = (...of: ReturnType<typeof met>[]) => choose(of).start;
  assert.equal(chosen(met('ring', -9), met('diffusion', -1)), 'diffusion');
  assert.equal(chosen(met('spot', -1), met('ring', -1.15, 0.1)), 'ring');
  // The standard error is a tenth of the spread.
  const spot = met('spot', 0);
  assert.equal(chosen(spot, met('diffusion', -1), met('diffusion on', -1.02, 0.1)), 'diffusion on');
  assert.equal(chosen(spot, met('diffusion', -1), met('diffusion on', -1.02, 0.4)), 'diffusion');
});

test('a fitted kernel in pieces must be better by 0.6 nats for all that lies apart; haze does not count', () => {
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
  assert.equal(rating(whole), -1);
  assert.ok(Math.abs(rating(inPieces(-1)) + 1 - 0.6 / 4) < 1e-9);
  assert.equal(rating({ ...inPieces(-1), diffused: true }), -1);
  assert.equal(choose([whole, inPieces(-1.14)]).start, 'spot');
  assert.equal(choose([whole, inPieces(-1.16)]).start, 'ring');
  assert.equal(choose([inPieces(-1.14), whole]).start, 'spot');
  assert.deepEqual(
    ranked([inPieces(-1.14), whole], { diffused: false }).map(({ start }) => start),
    ['spot', 'ring'],
  );
});
