import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlanes } from '../../../helper/image/planes.ts';
import { lumaNoiseShare, lumaOf } from '../../../helper/kernelfusion/luma.ts';
import { noiseOf } from '../../../helper/kernelfusion/methods/layer-work.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { parseOptions } from '../../../shared/options.ts';
import { everywhere } from '../../support/everywhere.ts';

const SIDE = 96;
/** Noise of `levels` 8-bit levels, independent in each plane. */
const noisy = (channels: number, levels: number) =>
  makePlanes(
    SIDE,
    SIDE,
    channels,
    makeRandom(3)
      .normals(SIDE * SIDE * channels)
      .map((v) => (levels * v) / 127.5),
  );
const deviation = (values: Float64Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

for (const channels of [1, 3]) {
  test(`the noise of luma is as strong as ${channels} planes of noise make it`, () => {
    const planes = noisy(channels, 5);
    const measured = (127.5 * deviation(lumaOf(planes))) / 5;
    assert.ok(Math.abs(measured - lumaNoiseShare(planes)) < 0.02, `${measured}`);
  });

  test(`a layer of ${channels} planes: its noise and its luma's, as found and as said`, () => {
    const y = noisy(channels, 5);
    const share = lumaNoiseShare(y);
    const found = noiseOf(y, everywhere(y), parseOptions({}));
    assert.ok(Math.abs(found.noise - 5) < 0.5, `${found.noise}`);
    assert.ok(Math.abs(found.lumaNoise - share * found.noise) < 1e-9);
    assert.deepEqual(noiseOf(y, everywhere(y), parseOptions({ noise: 4 })), {
      ...{ noise: 4, lumaNoise: share * 4, notes: [] },
    });
  });
}
