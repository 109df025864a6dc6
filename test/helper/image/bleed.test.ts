import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bleed } from '../../../helper/image/bleed.ts';
import { enlargeBicubic } from '../../../helper/image/enlarge.ts';
import { makePlanes, planeOf } from '../../../helper/image/planes.ts';
import type { Layer } from '../../../helper/kernelfusion/method.ts';

/** A layer from a rule that gives every pixel's colour and alpha. */
function draw(
  width: number,
  height: number,
  rule: (x: number, y: number) => [...colour: number[], alpha: number],
): Layer {
  const colour = makePlanes(width, height, rule(0, 0).length - 1);
  const alpha = makePlanes(width, height, 1);
  for (let i = 0; i < width * height; i++) {
    const values = rule(i % width, Math.floor(i / width));
    alpha.data[i] = values.pop() as number;
    values.forEach((v, c) => {
      planeOf(colour, c)[i] = v;
    });
  }
  return { colour, alpha };
}

test('a layer with nothing to fill in, or nothing to fill in from, is returned as it is', () => {
  const opaque: Layer = { colour: makePlanes(4, 4, 3), alpha: null };
  const veiled = draw(4, 4, (x) => [x / 4, 0.01]);
  const invisible = draw(4, 4, (x) => [x / 4, 0]);
  for (const layer of [opaque, veiled, invisible]) assert.equal(bleed(layer), layer);
});

test('a single visible pixel colours everything, in every corner of an odd size', () => {
  const layer = draw(13, 7, (x, y) => (x === 2 && y === 5 ? [0.25, 0.5, 0.75, 1] : [0, 1, 0, 0]));
  const { colour } = bleed(layer);
  [0.25, 0.5, 0.75].forEach((wanted, c) => {
    assert.ok(planeOf(colour, c).every((v) => v === wanted));
  });
});

test('every pixel with alpha keeps its own colour bit for bit', () => {
  const noise = (x: number, y: number) => Math.abs(Math.sin(x * 12.9898 + y * 78.233) * 43758.5453) % 1;
  const layer = draw(37, 29, (x, y) => {
    const a = noise(y, x);
    return [noise(x, y), noise(x + 50, y), noise(x, y + 50), a < 0.5 ? 0 : a - 0.499];
  });
  const out = bleed(layer);
  assert.equal(out.alpha, layer.alpha);
  let kept = 0;
  layer.alpha?.data.forEach((a, i) => {
    for (let c = 0; c < 3; c++) {
      const [old, now] = [planeOf(layer.colour, c)[i], planeOf(out.colour, c)[i]];
      if (a > 0) assert.equal(now, old);
      assert.ok(now >= 0 && now <= 1);
    }
    kept += a > 0 ? 1 : 0;
  });
  assert.ok(kept > 300 && kept < 700);
});

test('a gap between two colours is bridged from one to the other without a step, across and down', () => {
  const colourAt = (i: number): [number, number] => (i < 16 ? [0.2, 1] : i >= 48 ? [0.8, 1] : [0, 0]);
  const across = planeOf(bleed(draw(64, 64, (x) => colourAt(x))).colour, 0);
  const down = planeOf(bleed(draw(64, 64, (_, y) => colourAt(y))).colour, 0);
  const lines = [across.subarray(32 * 64, 33 * 64), down.filter((_, i) => i % 64 === 32)];
  for (const line of lines) {
    for (let i = 1; i < 64; i++) {
      const step = line[i] - line[i - 1];
      assert.ok(step > -1e-6 && step < 0.06, `a step of ${step} at ${i}`);
    }
  }
});

test('a nearly transparent pixel hardly colours what is next to it', () => {
  const layer = draw(32, 32, (x, y) => (x < 8 ? [0.5, 1] : x === 8 && y === 16 ? [1, 1 / 255] : [0, 0]));
  const out = planeOf(bleed(layer).colour, 0);
  assert.equal(out[16 * 32 + 8], 1);
  assert.ok(Math.abs(out[15 * 32 + 8] - 0.5) < 0.02);
});

test('a half-transparent sprite over transparent black shows no dark fringe once enlarged', () => {
  const colour = [0.9, 0.5, 0.2];
  // A disc at half opacity with an antialiased edge, its transparent surroundings stored as black.
  const sprite = draw(32, 32, (x, y) => {
    const alpha = 0.5 * Math.min(Math.max(10.5 - Math.hypot(x - 15.5, y - 15.5), 0), 1);
    return alpha > 0 ? [0.9, 0.5, 0.2, alpha] : [0, 0, 0, 0];
  });
  /** How far the enlarged sprite falls below its own colour when laid over a background of that colour. */
  const fringe = (layer: Layer) => {
    const big = enlargeBicubic(layer.colour, 4);
    const alpha = enlargeBicubic(layer.alpha as never, 4).data;
    let worst = 0;
    colour.forEach((background, c) => {
      planeOf(big, c).forEach((v, i) => {
        worst = Math.max(worst, Math.max(alpha[i], 0) * (background - v));
      });
    });
    return worst;
  };
  assert.ok(fringe(sprite) > 0.03, 'without bleeding there is a fringe to speak of');
  assert.ok(fringe(bleed(sprite)) < 1e-6);
});
