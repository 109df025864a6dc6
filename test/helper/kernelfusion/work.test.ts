import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlanes } from '../../../helper/image/planes.ts';
import type { SearchPlan } from '../../../helper/kernelfusion/estimate-kernel.ts';
import { PHASES } from '../../../helper/kernelfusion/method.ts';
import { CLOSED_FORM_PLANS } from '../../../helper/kernelfusion/methods/closed-form.ts';
import { macsPerPixel } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { plannedWork } from '../../../helper/kernelfusion/work.ts';

const SIDE = 14;
const { fast, balanced, best } = CLOSED_FORM_PLANS;
const layer = (side: number, channels = 3) => makePlanes(side, side, channels);

test('every phase that will run has work, and only those', () => {
  const full = plannedWork(layer(64), true, layer(64), 2, SIDE, balanced);
  for (const phase of PHASES) assert.ok(full[phase] > 0 && Number.isFinite(full[phase]), phase);
  const { kernel, alpha } = plannedWork(layer(64), false, null, 2, SIDE, balanced);
  assert.deepEqual([kernel, alpha], [0, 0]);
});

test('training is forward and backward, three times the net, for every pixel of every crop', () => {
  const { steps, batch, crop, width } = balanced.training;
  const expected = 3 * steps * batch * crop * crop * macsPerPixel({ width, channels: 3 });
  assert.equal(plannedWork(layer(64), false, null, 2, SIDE, balanced).prior, expected);
  assert.equal(plannedWork(layer(256), true, layer(128), 4, SIDE, balanced).prior, expected);
});

test('work on the picture and its alpha grows with the number of pixels, the search with those searched', () => {
  const small = plannedWork(layer(64), true, layer(64), 2, SIDE, balanced);
  const large = plannedWork(layer(128), true, layer(64), 2, SIDE, balanced);
  assert.equal(large.image, 4 * small.image);
  assert.equal(large.alpha, 4 * small.alpha);
  assert.equal(large.kernel, small.kernel);
  assert.equal(plannedWork(layer(64), true, layer(32), 2, SIDE, balanced).kernel, small.kernel / 4);
});

test('a larger scale is more work, alpha less than the colours', () => {
  const at = (scale: 1 | 2 | 3 | 4) => plannedWork(layer(64), true, null, scale, SIDE, balanced);
  assert.ok(at(1).image < at(2).image && at(2).image < at(3).image && at(3).image < at(4).image);
  assert.ok(at(2).alpha < at(2).image);
});

test('a plan that does more is more work, and one without a prior has none for it', () => {
  const [little, usual, most] = [fast, balanced, best].map((plan) =>
    plannedWork(layer(64), true, layer(64), 2, SIDE, plan),
  );
  assert.equal(little.prior, 0);
  assert.ok(usual.prior > 0 && usual.prior < most.prior);
  assert.ok(little.kernel > 0 && little.kernel < usual.kernel && usual.kernel === most.kernel);
  assert.ok(little.image < usual.image);
});

test('what is judged under the prior is work of its own', () => {
  const { search } = best;
  const kernelWork = (change: Partial<SearchPlan>) =>
    plannedWork(layer(64), false, layer(64), 2, SIDE, { ...best, search: { ...search, ...change } }).kernel;
  const judgements = kernelWork({}) - kernelWork({ judgedUnderPrior: false });
  // Three judgements by two scenes of six steps are more steps of the prior than the fourteen of a diffusion.
  const diffusion = kernelWork({ diffusions: 2 }) - kernelWork({});
  assert.ok(judgements > diffusion, `${judgements}, ${diffusion}`);
});
