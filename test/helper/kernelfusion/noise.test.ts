import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enlargeBicubic } from '../../../helper/image/enlarge.ts';
import { makePlanes, mapPlanes, type Planes, planeOf } from '../../../helper/image/planes.ts';
import { estimateNoise } from '../../../helper/kernelfusion/noise.ts';
import { makeRandom, type Random } from '../../../helper/kernelfusion/random.ts';

/** In 8-bit levels, of planes in [0, 1]. */
const levels = (planes: Planes) => 255 * estimateNoise(planes);

/** A smooth slope, another in every colour. */
function ramp(width: number, height: number, channels: number): Planes {
  const data = Float32Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = i % (width * height);
    return 0.2 + 0.003 * (pixel % width) + 0.002 * (1 + Math.floor(i / (width * height))) * Math.floor(pixel / width);
  });
  return makePlanes(width, height, channels, data);
}

function withNoise(planes: Planes, sigmaInLevels: number, random: Random): Planes {
  const noise = random.normals(planes.data.length);
  return { ...planes, data: planes.data.map((v, i) => v + (sigmaInLevels / 255) * noise[i]) };
}

for (const channels of [1, 3]) {
  for (const sigma of [0.5, 2.55, 8]) {
    test(`white noise of ${sigma} levels on a slope is measured to 15 %, ${channels} plane(s)`, () => {
      for (const seed of [1, 2, 3]) {
        const found = levels(withNoise(ramp(128, 120, channels), sigma, makeRandom(seed)));
        assert.ok(Math.abs(found / sigma - 1) < 0.15, `${found} levels`);
      }
    });
  }
}

test('a flat picture and a slope without noise have none', () => {
  for (const channels of [1, 3]) {
    assert.equal(levels(makePlanes(32, 24, channels, new Float32Array(32 * 24 * channels).fill(0.4))), 0);
    // What is left is the rounding of single precision.
    assert.ok(levels(ramp(64, 64, channels)) < 1e-3);
  }
});

test('the unit is that of the planes: pictures in [-1, 1] have twice the noise of pictures in [0, 1]', () => {
  const unit = withNoise(ramp(64, 64, 3), 4, makeRandom(1));
  const network = mapPlanes(unit, (v) => 2 * v - 1);
  assert.ok(Math.abs(estimateNoise(network) / estimateNoise(unit) - 2) < 1e-3);
});

/** A random texture whose contrast halves from one octave to the next finer one, as in photographs: 8-bit deviation about 45. */
function texture(octaves: number, random: Random): Planes {
  let picture = makePlanes(
    4,
    4,
    1,
    random.normals(16).map((v) => 0.12 * v),
  );
  let contrast = 0.12;
  for (let octave = 0; octave < octaves; octave++) {
    contrast /= 2;
    const wide = enlargeBicubic(picture, 2);
    const detail = random.normals(wide.data.length);
    picture = { ...wide, data: wide.data.map((v, i) => v + contrast * detail[i]) };
  }
  return picture;
}

/** Every second pixel of a grey texture and two weaker colour textures: reduced without any filter, so full of aliasing. */
function subsampledPhotograph(seed: number): Planes {
  const random = makeRandom(seed);
  const [light, warm, tint] = [texture(6, random), texture(6, random), texture(6, random)];
  const side = light.width / 2;
  const out = makePlanes(side, side, 3);
  const shares = [
    [1, 0.1, 0],
    [1, 0, 0],
    [1, 0, 0.1],
  ];
  shares.forEach(([a, b, c], channel) => {
    const mixed = light.data.map((v, i) => 0.5 + a * v + b * warm.data[i] + c * tint.data[i]);
    planeOf(out, channel).set(
      Float32Array.from(
        { length: side * side },
        (_, i) => mixed[2 * Math.floor(i / side) * light.width + 2 * (i % side)],
      ),
    );
  });
  return out;
}

test('aliased texture without noise is not taken for noise in colour layers', () => {
  for (const seed of [1, 2, 3]) {
    const found = levels(subsampledPhotograph(seed));
    assert.ok(found < 1, `${found} levels`);
  }
});

test('noise on texture is still found', () => {
  const found = levels(withNoise(subsampledPhotograph(4), 5, makeRandom(9)));
  assert.ok(found > 4 && found < 6.5, `${found} levels`);
});

/** Fine random detail in every block, its contrast growing by a factor of 16 or 256 to the right, 16 levels in the middle; alike in all colours. */
function unevenDetail(channels: number, growth: 16 | 256): Planes {
  const plane = makeRandom(11)
    .normals(128 * 128)
    .map((v, i) => 0.5 + (v * 16 * growth ** ((i % 128) / 128 - 0.5)) / 255);
  return makePlanes(128, 128, channels, Float32Array.from(Array.from({ length: channels }, () => [...plane]).flat()));
}

test('in grey layers the quietest texture counts for less the busier the rest is', () => {
  // Quiet blocks of about 5.5 levels beside typical ones of 16: 5.5^2 / 16.
  const found = levels(unevenDetail(1, 16));
  assert.ok(found < 2.5, `${found} levels`);
});

test('detail that all colours share is not noise, noise beneath it is', () => {
  for (const sigma of [3, 6]) {
    const found = levels(withNoise(unevenDetail(3, 256), sigma, makeRandom(12)));
    assert.ok(Math.abs(found / sigma - 1) < 0.15, `${found} levels for ${sigma}`);
  }
});

test('a grey photograph stored in three colours has the noise of the grey one', () => {
  const grey = withNoise(ramp(96, 96, 1), 4, makeRandom(13));
  const stored = makePlanes(96, 96, 3, Float32Array.from([...grey.data, ...grey.data, ...grey.data]));
  assert.equal(levels(stored), levels(grey));
});

test('blocks with unusable pixels are left out: clipped or transparent areas hide no noise elsewhere', () => {
  for (const channels of [1, 3]) {
    const layer = withNoise(ramp(128, 120, channels), 5, makeRandom(14));
    const white = (i: number) => i % 128 < 50;
    const clipped = { ...layer, data: layer.data.map((v, i) => (white(i) ? 1 : v)) };
    const usable = Uint8Array.from({ length: 128 * 120 }, (_, i) => (white(i) ? 0 : 1));
    assert.equal(levels(clipped), 0);
    const found = 255 * estimateNoise(clipped, usable);
    assert.ok(Math.abs(found / 5 - 1) < 0.15, `${found} levels`);
  }
});

test('where no block is usable, nothing is known and 0 is given', () => {
  assert.equal(estimateNoise(withNoise(ramp(32, 32, 3), 5, makeRandom(15)), new Uint8Array(1024)), 0);
});

test('on layers of a few blocks a pattern is not taken for noise, from 24 x 24 on noise is found', () => {
  const stripes = makePlanes(
    16,
    16,
    1,
    Float32Array.from({ length: 256 }, (_, i) => (((i % 16) + Math.floor(i / 16)) % 4 < 2 ? 0.2 : 0.8)),
  );
  assert.equal(levels(stripes), 0);
  const found = levels(withNoise(ramp(24, 24, 3), 3, makeRandom(1)));
  assert.ok(found > 1.5 && found < 4.5, `${found} levels`);
});
