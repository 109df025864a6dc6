import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutPlanes, type Planes } from '../../../helper/image/planes.ts';
import { blankScene, foretell, foretellInTurns, leastLead, surely } from '../../../helper/kernelfusion/held-out.ts';
import { hidePixels, IN_SQUARES } from '../../../helper/kernelfusion/hidden-pixels.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import type { View } from '../../../helper/kernelfusion/scene-posterior.ts';
import { bicubicKernel, flip, type Kernel } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';
import { blurred, gaussian, HOOK, rectangles } from '../../support/scene.ts';

const SIGMA = 1 / 127.5;

/** A layer with a little noise, a quarter of it hidden. */
function viewOf({ data, width, height }: Planes): View {
  const noise = makeRandom(1).normals(data.length);
  const y = data.map((v, i) => v + SIGMA * noise[i]);
  return { y, width, height, shown: hidePixels(y.length, makeRandom(3), 0.25), variance: SIGMA ** 2 };
}

const everywhere = ({ y }: View) => new Uint8Array(y.length).fill(1);
const score = (view: View, kernel: Kernel, usable = everywhere(view)) =>
  foretell(view, usable, kernel, makeRandom(2)).then(({ score }) => score);

const view = viewOf(blurred(rectangles(90, 4), HOOK));
/** Half of the pixels, hidden ones and shown ones. */
const LEFT = everywhere(view).map((_, i) => (i % view.width < view.width / 2 ? 1 : 0));

test('a lopsided kernel foretells hidden pixels better than itself turned round, and than the plain bicubic one', async () => {
  const truth = await score(view, HOOK);
  assert.ok(Number.isFinite(truth));
  assert.ok(truth < (await score(view, flip(HOOK))) - 0.05, 'turned');
  assert.ok(truth < (await score(view, bicubicKernel(2))) - 0.05, 'bicubic');
});

test('the true kernel foretells hidden pixels better than a wider one, and than a narrower one', async () => {
  const kernel = (share: number) => gaussian(12, 2, 2.2 * share, 1.2 * share, 0.6);
  const oblique = viewOf(blurred(rectangles(90, 4), kernel(1)));
  const truth = await score(oblique, kernel(1));
  for (const share of [0.6, 1.5]) {
    const other = await score(oblique, kernel(share));
    assert.ok(truth < other - 0.01, `${share} as wide: ${other}, the true one ${truth}`);
  }
});

test('hidden pixels are not looked at by what foretells others, and pixels that are not usable are not scored', async () => {
  const wild = view.y.map((v, i) => (view.shown[i] === 0 && LEFT[i] === 0 ? 50 + i : v));
  const plain = await score(view, HOOK, LEFT);
  assert.equal(await score({ ...view, y: wild }, HOOK, LEFT), plain);
  assert.notEqual(await score(view, HOOK), plain);
  assert.ok((await score({ ...view, y: wild }, HOOK)) > plain + 1, 'where they are usable they are scored');
  assert.equal(await score(view, HOOK, new Uint8Array(LEFT.length)), 0);
});

/**
 * A score is log(v)/2 + (nu + 1)/2 log(1 + (y - m)^2 / (nu v)), so e^(2 score / (nu + 1)) is a parabola in y: of height
 * A = v^(1 / (nu + 1)) at m, and of curvature 2 A / (nu v). Were m drawn towards y, the parabola would be flatter than that.
 */
test('a hidden pixel does not see itself: its score is the Student density of a place and a width that are not its own', async () => {
  const freedom = 4;
  const at = view.shown.indexOf(0, Math.round(view.y.length / 2));
  const alone = new Uint8Array(view.y.length);
  alone[at] = 1;
  const parabola = async (value: number) => {
    const y = view.y.map((v, i) => (i === at ? value : v));
    return Math.exp((2 * (await score({ ...view, y }, HOOK, alone))) / (freedom + 1));
  };
  const step = 0.5;
  const [below, middle, above] = [await parabola(-step), await parabola(0), await parabola(step)];
  const curvature = (below - 2 * middle + above) / step ** 2;
  const slope = (above - below) / (2 * step);
  const height = middle - slope ** 2 / (2 * curvature);
  const m = -slope / curvature;
  assert.ok(Math.abs(m) < 1, `${m}`);
  assertClose([(curvature * freedom * height ** (freedom + 1)) / (2 * height)], [1], 0.01);
});

test('the scene assumed at first is the plane enlarged, with the margin that the kernel reaches, and without the hidden pixels', () => {
  const shown = new Float32Array(12).fill(1);
  shown[5] = 0;
  const y = new Float32Array(12).fill(0.25);
  y[5] = 9;
  const { mean, draw } = blankScene({ y, width: 4, height: 3, shown, variance: 1 }, HOOK);
  assert.equal(draw, mean);
  // 2 x 4 + 10 by 2 x 3 + 10.
  assert.equal(mean.length, 18 * 16);
  assertClose(mean, new Array(288).fill(0.25), 1e-6);
});

test('however large a gap, the scene assumed at first in it is the mean of the pixels nearest to it', () => {
  const [width, height] = [20, 3];
  const shown = Float32Array.from({ length: width * height }, (_, i) => (i % width < 9 || i % width > 15 ? 1 : 0));
  const y = shown.map((v, i) => (v === 0 ? 9 : i % width < 9 ? -0.5 : 0.5));
  const { mean } = blankScene({ y, width, height, shown, variance: 1 }, bicubicKernel(2));
  const columns = mean.length / (2 * height + bicubicKernel(2).size - 2);
  // LR pixel 12, in the middle of the gap, sees as much of the left as of the right; enlarged by two, with a margin.
  const middle = Math.floor(mean.length / columns / 2) * columns + (columns - 2 * width) / 2 + 24.5;
  assertClose([(mean[Math.floor(middle)] + mean[Math.ceil(middle)]) / 2], [0], 0.05);
  assert.ok(mean.every((v) => Math.abs(v) < 0.6));
});

test('in turns every usable pixel is foretold once, from scenes that do not see it; all turns count as one', async () => {
  const { shown: _, ...whole } = viewOf(blurred(rectangles(50, 4), HOOK));
  const seeing = (y: Float32Array, usable: Uint8Array) =>
    foretellInTurns({ ...whole, y }, usable, HOOK, IN_SQUARES, makeRandom(2));
  const everything = everywhere({ ...whole, shown: whole.y });
  const all = await seeing(whole.y, everything);
  assert.equal(all.losses.length, whole.y.length);
  assertClose([all.losses.reduce((sum, v) => sum + v, 0) / all.losses.length], [all.score], 1e-5);
  // One pixel: it is foretold as before, whatever its own value is.
  const at = Math.round(whole.y.length / 2);
  const alone = everything.map((_, i) => (i === at ? 1 : 0));
  const wild = whole.y.map((v, i) => (i === at ? 50 : v));
  const [before, after] = [await seeing(whole.y, alone), await seeing(wild, alone)];
  assert.equal(before.losses.length, 1);
  assertClose([Math.abs(50 - whole.y[at] - after.error)], [before.error], 1e-4);
  const { width } = whole;
  const block = Math.floor(Math.floor(at / width) / 16) * Math.ceil(width / 16) + Math.floor((at % width) / 16);
  assert.deepEqual([...before.blocks], [block]);
  // The root mean squared error of all is that of the halves.
  const halves = [0, 1].map((half) => everything.map((_, i) => (i % 2 === half ? 1 : 0)));
  const [even, odd] = [await seeing(whole.y, halves[0]), await seeing(whole.y, halves[1])];
  const squares = ({ error, losses }: typeof all) => error ** 2 * losses.length;
  assertClose([squares(even) + squares(odd)], [squares(all)], 1e-6);
});

test('the score is the mean loss of the pixels scored, and sureness the mean difference in standard errors', async () => {
  const { score, losses } = await foretell(view, everywhere(view), HOOK, makeRandom(2));
  assert.equal(losses.length, view.shown.filter((v) => v === 0).length);
  assertClose([losses.reduce((sum, v) => sum + v, 0) / losses.length], [score], 1e-5);
  const of = (...values: number[]) => ({ losses: Float32Array.from(values) });
  // Differences 1, 3, 1, 3: mean 2, deviation 1, standard error 1/2.
  assertClose([surely(of(0, 0, 0, 0), of(1, 3, 1, 3)), surely(of(1, 3, 1, 3), of(0, 0, 0, 0))], [4, -4], 1e-6);
  assert.equal(surely(of(1, 2), of(1, 2)), 0);
});

test('the same chance gives the same score, another one another', async () => {
  const first = await score(view, HOOK);
  assert.equal(await score(view, HOOK), first);
  assert.notEqual((await foretell(view, everywhere(view), HOOK, makeRandom(9))).score, first);
});

test('a cancelled judgement stops', async () => {
  const run = foretell(view, everywhere(view), HOOK, makeRandom(2), AbortSignal.abort());
  await assert.rejects(run, { code: 'CANCELLED' });
});

/** Losses of the blocks with those counts of pixels, a tenth around their means: a standard error of 0.1 / sqrt(count). */
function judged(counts: readonly number[], means: readonly number[]) {
  const block = (count: number, mean: number) =>
    Array.from({ length: count }, (_, i) => mean + (i % 2 === 0 ? 0.1 : -0.1));
  return {
    losses: Float32Array.from(counts.flatMap((count, b) => block(count, means[b]))),
    blocks: Uint32Array.from(counts.flatMap((count, b) => Array<number>(count).fill(7 * b))),
  };
}

test('the least lead is that of the worst block, with its standard error; blocks of few pixels are not asked', () => {
  const counts = [400, 100, 400, 400, 18];
  const flat = { losses: new Float32Array(1318) };
  assertClose([leastLead(judged(counts, [-0.5, -0.2, -0.3, -0.4, 9]), flat)], [0.2 + 0.01], 1e-6);
  assertClose([leastLead(judged(counts, [-0.5, 0.2, 0.1, -0.4, 9]), flat)], [-0.2 + 0.01], 1e-6);
  assertClose([leastLead(judged(counts, [0.2, 0.2, 0.2, 0.2, 9]), flat)], [-0.2 + 0.005], 1e-6);
  const nothing = { losses: new Float32Array(0), blocks: new Uint32Array(0) };
  assert.equal(leastLead(nothing, nothing), 0);
});

test('of many blocks a twentieth is the worst', () => {
  const counts = Array<number>(40).fill(100);
  const means = counts.map((_, b) => (b === 3 ? 0.5 : b === 30 ? 0.1 : -1));
  const flat = { losses: new Float32Array(4000) };
  assertClose([leastLead(judged(counts, means), flat)], [-0.3 + 0.01], 1e-6);
});

test('a kernel leads everywhere where all was blurred by it, and in the worst parts not where a part was blurred less', async () => {
  const [wide, narrow] = [gaussian(12, 2, 2.2, 1.4, 0.6), bicubicKernel(2)];
  const scene = rectangles(180, 4);
  const [seenWide, seenNarrow] = [wide, narrow].map((kernel) => {
    const reach = 12 - kernel.size;
    return blurred(cutPlanes(scene, reach / 2, reach / 2, 180 - reach, 180 - reach), kernel);
  });
  const { width } = seenWide;
  assert.equal(seenNarrow.width, width);
  /** With a corner of `side` pixels that was blurred less. */
  const leads = async (side: number) => {
    const isNarrow = (i: number) => i % width < side && Math.floor(i / width) < side;
    const data = seenWide.data.map((v, i) => (isNarrow(i) ? seenNarrow.data[i] : v));
    const parts = viewOf({ ...seenWide, data });
    const [a, b] = await Promise.all([wide, narrow].map((k) => foretell(parts, everywhere(parts), k, makeRandom(2))));
    return { mean: b.score - a.score, least: leastLead(a, b) };
  };
  const [all, most, none] = [await leads(0), await leads(40), await leads(width)];
  assert.ok(all.least > 0.05, `${all.least}`);
  assert.ok(most.mean > 0.05 && most.least < -0.2, `${most.mean}, ${most.least}`);
  assert.ok(none.least < -0.2, `${none.least}`);
});
