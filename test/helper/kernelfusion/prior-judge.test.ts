import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Planes } from '../../../helper/image/planes.ts';
import { hidePixels } from '../../../helper/kernelfusion/hidden-pixels.ts';
import { foretellUnderPrior, HIDDEN_FROM_PRIOR, JUDGE_TIMES } from '../../../helper/kernelfusion/prior-judge.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { flip, type Kernel } from '../../../shared/kernel.ts';
import { everywhere } from '../../support/everywhere.ts';
import { knowingPrior } from '../../support/knowing-prior.ts';
import { blurred, gaussian, HOOK, rectangles } from '../../support/scene.ts';

const SIGMA = 1 / 127.5;
const SCENE = rectangles(90, 4);

/** A layer with a little noise. */
function layerOf(kernel: Kernel): Planes {
  const y = blurred(SCENE, kernel);
  const noise = makeRandom(1).normals(y.data.length);
  return { ...y, data: y.data.map((v, i) => v + SIGMA * noise[i]) };
}
const y = layerOf(HOOK);
const SHOWN = hidePixels(y.data.length, makeRandom(3), HIDDEN_FROM_PRIOR);

const knowing = (heard?: number[]) => knowingPrior(SCENE, heard);

interface Asked {
  readonly layer?: Planes;
  readonly luma?: Float32Array;
  readonly usable?: Uint8Array;
  readonly seed?: number;
  readonly denoiser?: ReturnType<typeof knowing>;
  readonly signal?: AbortSignal;
}

/** `luma`: what is scored, the layer's by default. */
function foretell(kernel: Kernel, { layer = y, luma, usable, seed = 2, denoiser = knowing(), signal }: Asked = {}) {
  const { width, height, data } = layer;
  const scored = { y: luma ?? data, width, height, shown: SHOWN, variance: SIGMA ** 2 };
  const view = { y: layer, sigma: SIGMA, denoiser, ...(signal && { signal }) };
  return foretellUnderPrior(view, scored, usable ?? everywhere(layer), kernel, makeRandom(seed));
}

test('two scenes are restored, and the true kernel foretells hidden pixels better than a turned one', async () => {
  const heard: number[] = [];
  const truth = await foretell(HOOK, { denoiser: knowing(heard) });
  assert.deepEqual(heard, [...JUDGE_TIMES, ...JUDGE_TIMES]);
  const turned = await foretell(flip(HOOK));
  assert.ok(truth.score < turned.score - 0.05, `${truth.score}, turned ${turned.score}`);
  assert.ok(truth.error < turned.error);
});

test('the true kernel foretells better than a wider one, and than a narrower one', async () => {
  const kernel = (share: number) => gaussian(HOOK.size, 2, 2.2 * share, 1.2 * share, 0.6);
  const layer = layerOf(kernel(1));
  const truth = await foretell(kernel(1), { layer });
  for (const share of [0.6, 1.5]) {
    const other = await foretell(kernel(share), { layer });
    assert.ok(truth.score < other.score - 0.01, `${share} as wide: ${other.score}, the true one ${truth.score}`);
  }
});

test('scenes do not look at hidden pixels, nor are those scored that are not usable', async () => {
  const left = everywhere(y).map((_, i) => (i % y.width < y.width / 2 ? 1 : 0));
  const wild = { ...y, data: y.data.map((v, i) => (SHOWN[i] === 0 && left[i] === 0 ? 50 + i : v)) };
  const plain = await foretell(HOOK, { usable: left });
  assert.deepEqual(await foretell(HOOK, { layer: wild, usable: left }), plain);
  assert.equal(plain.losses.length, SHOWN.filter((v, i) => v === 0 && left[i] === 1).length);
  // What is scored is moved, what is foretold is not.
  const { error } = await foretell(HOOK, { usable: left, luma: y.data.map((v) => v + 0.3) });
  assert.ok(Math.abs(error - 0.3) < 0.05, `${error}`);
});

test('where two scenes differ more they are less sure, so a surprise costs less; what is foretold is their mean', async () => {
  const far = y.data.map((v) => v + 0.5);
  /** The first scene is darker, the second lighter. */
  const apart = (by: number) => {
    let steps = 0;
    const denoise = async (x: Planes) => {
      const sign = steps++ < JUDGE_TIMES.length ? -1 : 1;
      return { ...x, data: SCENE.data.map((v) => v + sign * by) };
    };
    return foretell(HOOK, { luma: far, denoiser: { denoise } });
  };
  const [alike, different] = [await apart(0), await apart(0.3)];
  assert.ok(different.score < alike.score - 0.1, `${different.score}, ${alike.score}`);
  assert.ok(Math.abs(different.error - alike.error) < 0.01, `${different.error}, ${alike.error}`);
});

test('the same chance gives the same score, another one another', async () => {
  const first = await foretell(HOOK);
  assert.deepEqual(await foretell(HOOK), first);
  assert.notEqual((await foretell(HOOK, { seed: 9 })).score, first.score);
});

test('a cancelled judgement stops', async () => {
  await assert.rejects(foretell(HOOK, { signal: AbortSignal.abort() }), { code: 'CANCELLED' });
});
