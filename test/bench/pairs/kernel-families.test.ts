import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { centreOfMass, type Kernel, type Scale } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';
import { drawKernel, FAMILY_NAMES } from './kernel-families.ts';

const SEEDS = Array.from({ length: 12 }, (_, i) => i);

for (const family of FAMILY_NAMES) {
  test(`kernels of family ${family} sum to 1 about their middle, fit the scale's grid and are not negative without cause`, () => {
    for (const scale of [1, 2, 3, 4] as const) {
      const drawn = SEEDS.map((seed) => drawKernel(family, scale, makeRandom(seed)).kernel);
      for (const kernel of drawn) {
        assert.equal(kernel.scale, scale);
        assert.equal((kernel.size + scale) % 2, 0);
        assert.ok(kernel.size <= 7 * scale + 1, `side ${kernel.size} at scale ${scale}`);
        assertClose([kernel.data.reduce((sum, v) => sum + v, 0)], [1], 1e-9);
        assertClose(centreOfMass(kernel), [0, 0], 0.25);
        assert.equal(Math.min(...kernel.data) < 0, family === 'bicubic' && scale > 1);
      }
      // At scale 1 a bicubic reduction changes nothing, whatever its parameter.
      if (scale > 1) assert.ok(new Set(drawn.map(({ data }) => data.join())).size > SEEDS.length / 2);
    }
  });
}

test('the same seed draws the same kernel', () => {
  for (const family of FAMILY_NAMES) {
    assert.deepEqual(drawKernel(family, 4, makeRandom(3)), drawKernel(family, 4, makeRandom(3)));
  }
});

/** Mean square distance from the middle along the direction `angle`, in degrees from rightwards to downwards. */
function momentAlong({ size, data }: Kernel, angle: number): number {
  const [dy, dx] = [Math.sin((angle * Math.PI) / 180), Math.cos((angle * Math.PI) / 180)];
  const at = (i: number) => i - (size - 1) / 2;
  return data.reduce((sum, v, i) => sum + v * (dy * at(Math.floor(i / size)) + dx * at(i % size)) ** 2, 0);
}

/** What the squares of the taps add to a mean square distance. */
const SQUARE = 1 / 12;

/** What the parameters say about the mean square distances along and across. */
const spreads: Readonly<Record<string, (p: Record<string, number>) => [number, number]>> = {
  // A Gaussian cut off at 3 deviations keeps 1 - 4.5 e^-4.5 / (1 - e^-4.5) of its variance.
  'anisotropic-gaussian': ({ along, across }) => [0.9494 * along ** 2, 0.9494 * across ** 2],
  'isotropic-gaussian': ({ sigma }) => [0.9494 * sigma ** 2, 0.9494 * sigma ** 2],
  disc: ({ radius }) => [radius ** 2 / 4, radius ** 2 / 4],
  motion: ({ length }) => [length ** 2 / 12, 0],
};

for (const [family, expected] of Object.entries(spreads)) {
  test(`the parameters of family ${family} say how wide the kernel is, and in which direction`, () => {
    for (const seed of SEEDS) {
      const scale: Scale = 4;
      const { kernel, parameters } = drawKernel(family as (typeof FAMILY_NAMES)[number], scale, makeRandom(seed));
      const numbers = parameters as Record<string, number>;
      const angle = numbers.angle ?? 0;
      const [along, across] = expected(numbers);
      const found = [momentAlong(kernel, angle), momentAlong(kernel, angle + 90)];
      assertClose(found, [along + SQUARE, across + SQUARE], 0.03 + 0.02 * along);
    }
  });
}
