/**
 * The judge of kernels under the prior: how well hidden pixels are foretold from scenes that patch diffusion restored.
 *
 * The judge under sparse gradients (held-out.ts) knows edges only, and is taken in where a layer repeats itself: on a facade it prefers a
 * kernel with arms as far apart as the windows. The prior knows the layer's patches. It has no draws to tell how sure it is; two scenes
 * do that, which see different pixels: what they foretell differs by as much as chance moves it (docs/experiments.md).
 */
import type { Kernel } from '../../shared/kernel.ts';
import { makeDegradation } from './degradation.ts';
import { type DetailedPrediction, scoreForetold } from './held-out.ts';
import { hidePixels } from './hidden-pixels.ts';
import { lumaOf } from './luma.ts';
import { type PriorView, sceneUnderPrior } from './prior-scene.ts';
import type { Random } from './random.ts';
import type { View } from './scene-posterior.ts';

/** Share of the pixels that this judge hides: the more of them, the less what fills the gaps depends on the kernel. */
export const HIDDEN_FROM_PRIOR = 0.1;
/** Share of the pixels shown that each of the two scenes does without. */
const APART = 0.1;
/** Times of the prior's steps. */
export const JUDGE_TIMES = [60, 40, 26, 17, 11, 7];
/** Two scenes share the prior's errors, and most of the layer: the variance of their difference counts so often. */
const DOUBT = 10;

/** Foretells the pixels that are hidden in `luma`, which shows the luma of the view's layer. Pixels whose `usable` is 0 are not scored. */
export async function foretellUnderPrior(
  view: PriorView,
  luma: View,
  usable: Uint8Array,
  kernel: Kernel,
  random: Random,
): Promise<DetailedPrediction> {
  const { apply } = makeDegradation(kernel, luma.width, luma.height);
  const fromOneScene = async () => {
    const kept = hidePixels(usable.length, random, APART);
    const shown = luma.shown.map((v, i) => v * kept[i]);
    return apply(Float32Array.from(lumaOf(await sceneUnderPrior(view, shown, kernel, JUDGE_TIMES))));
  };
  const a = await fromOneScene();
  const b = await fromOneScene();
  const mean = a.map((v, i) => (v + b[i]) / 2);
  const deviation = a.map((v, i) => (v - b[i]) / Math.SQRT2);
  return scoreForetold(luma, usable, mean, deviation, DOUBT);
}
