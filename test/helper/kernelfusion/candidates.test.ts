import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose } from '../../../helper/kernelfusion/candidates.ts';
import { met } from '../../support/met.ts';

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
