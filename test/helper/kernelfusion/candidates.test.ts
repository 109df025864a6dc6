import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose } from '../../../helper/kernelfusion/candidates.ts';
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
