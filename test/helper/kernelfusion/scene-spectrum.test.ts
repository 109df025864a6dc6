import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutPlanes, makePlanes, mapPlanes, type Planes, planeOf } from '../../../helper/image/planes.ts';
import { makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { lumaNoiseShare } from '../../../helper/kernelfusion/luma.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { makeSceneSpectrum, type Scene, type SceneSpectrum } from '../../../helper/kernelfusion/scene-spectrum.ts';
import { flip, type Kernel, makeKernel, type Scale } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';
import { everywhere } from '../../support/everywhere.ts';
import { gaussian, naturalScene } from '../../support/scene.ts';

const noise = (width: number, height: number, channels: number, sigma: number, seed = 1): Planes =>
  makePlanes(
    width,
    height,
    channels,
    makeRandom(seed)
      .normals(width * height * channels)
      .map((v) => sigma * v),
  );

const dot = (size: number, scale: Scale) =>
  makeKernel(
    size,
    scale,
    Float64Array.from({ length: size * size }, (_, i) => (i === (size + 1) * Math.floor(size / 2) ? 1 : 0)),
  );

/** What is left of a scene blurred by the kernel and kept at every s-th pixel, with noise. */
function layerOf(scene: Planes, kernel: Kernel, sigma: number): Planes {
  const side = (scene.width - kernel.size) / kernel.scale + 1;
  const y = noise(side, side, 1, sigma, 99);
  const seen = makeDegradation(kernel, side, side).apply(scene.data);
  for (let i = 0; i < seen.length; i++) y.data[i] += seen[i];
  return y;
}

for (const [scale, size, width, height] of [
  [1, 5, 17, 20],
  [2, 6, 24, 19],
  [3, 5, 16, 16],
  [4, 4, 70, 16],
] as const) {
  test(`the derivatives are those of the value, by central differences, at scale ${scale}`, () => {
    const y = noise(width, height, 3, 0.2);
    const spectrum = makeSceneSpectrum(y, everywhere(y), scale, size, 0.05);
    const kernel = Float64Array.from(makeRandom(2).normals(size * size), (v) => Math.abs(v) / size ** 2);
    const scene: Scene = { logPower: -4, slope: 1.7 };
    const found = spectrum.misfit(kernel, scene);
    const h = 1e-5;
    const difference = (at: (by: number) => number) => (at(h) - at(-h)) / (2 * h);
    const byTap = kernel.map((_, tap) =>
      difference(
        (by) =>
          spectrum.misfit(
            kernel.map((v, i) => (i === tap ? v + by : v)),
            scene,
          ).value,
      ),
    );
    assert.ok(Math.hypot(...byTap) > 0.01, 'a slope worth comparing');
    assertClose(found.kernel, byTap, 1e-6);
    assertClose(
      [found.logPower, found.slope],
      [
        difference((by) => spectrum.misfit(kernel, { ...scene, logPower: scene.logPower + by }).value),
        difference((by) => spectrum.misfit(kernel, { ...scene, slope: scene.slope + by }).value),
      ],
      1e-6,
    );
  });
}

/** A scene with next to no power: V is the noise alone. */
const NOTHING: Scene = { logPower: -40, slope: 0 };

test('white noise of variance v has a periodogram of mean v: with V = sigma^2 the misfit is log sigma^2 + v / sigma^2', () => {
  for (const [width, height, sigma] of [
    [128, 96, 0.1],
    [200, 64, 0.03],
  ]) {
    const y = noise(width, height, 1, sigma);
    const power = (assumed: number) => {
      const { value } = makeSceneSpectrum(y, everywhere(y), 1, 1, assumed).misfit(Float64Array.of(1), NOTHING);
      return (value - Math.log(assumed ** 2)) * assumed ** 2;
    };
    assertClose([power(1) / sigma ** 2, power(0.05) / sigma ** 2], [1, 1], 0.05);
  }
});

test('of all noise levels the true one has the least misfit', () => {
  const y = noise(128, 128, 1, 0.1);
  const misfit = (sigma: number) =>
    makeSceneSpectrum(y, everywhere(y), 2, 2, sigma).misfit(dot(2, 2).data, NOTHING).value;
  for (const wrong of [0.08, 0.09, 0.11, 0.12]) assert.ok(misfit(0.1) < misfit(wrong), `sigma ${wrong}`);
});

test('a constant added to the layer changes nothing', () => {
  const y = noise(40, 40, 1, 0.2);
  const brighter = makePlanes(
    40,
    40,
    1,
    y.data.map((v) => v + 0.5),
  );
  const value = (of: Planes) =>
    makeSceneSpectrum(of, everywhere(of), 2, 2, 0.02).misfit(dot(2, 2).data, { logPower: -4, slope: 2 }).value;
  assertClose([value(brighter)], [value(y)], 1e-4);
});

test('a colour layer counts by its luma: three equal planes without noise are as one', () => {
  const grey = noise(48, 40, 1, 0.2);
  const colour = makePlanes(48, 40, 3);
  for (let c = 0; c < 3; c++) planeOf(colour, c).set(grey.data);
  const misfit = (y: Planes) =>
    makeSceneSpectrum(y, everywhere(y), 2, 4, 0).misfit(dot(4, 2).data, { logPower: -4, slope: 2 });
  assertClose([misfit(colour).value], [misfit(grey).value], 1e-6);
});

test('of colours the noise of their luma counts, which is weaker where it is independent in each', () => {
  const y = noise(128, 128, 3, 0.1);
  const misfit = (sigma: number) =>
    makeSceneSpectrum(y, everywhere(y), 2, 2, lumaNoiseShare(y) * sigma).misfit(dot(2, 2).data, NOTHING).value;
  for (const wrong of [0.08, 0.09, 0.11, 0.12]) assert.ok(misfit(0.1) < misfit(wrong), `sigma ${wrong}`);
});

test('segments that are mostly transparent do not count, and where all are the layer has no say', () => {
  const y = noise(128, 64, 1, 0.1);
  const spoilt = mapPlanes(y, (v) => v);
  const usable = everywhere(y);
  for (let i = 0; i < usable.length; i++) {
    if (i % 128 < 72) continue;
    usable[i] = 0;
    spoilt.data[i] = (i % 2) - 0.5;
  }
  const misfit = (of: Planes, where: Uint8Array) =>
    makeSceneSpectrum(of, where, 2, 2, 0.02).misfit(dot(2, 2).data, { logPower: -4, slope: 2 }).value;
  const left = cutPlanes(y, 0, 0, 64, 64);
  assert.equal(misfit(spoilt, usable), misfit(left, everywhere(left)));
  assert.equal(misfit(spoilt, new Uint8Array(usable.length)), 0);
});

test('a layer too small for a single usable frequency has no say: misfit and slopes are 0', () => {
  const y = noise(1, 9, 1, 0.2);
  const { value, kernel, logPower, slope } = makeSceneSpectrum(y, everywhere(y), 2, 2, 0.02).misfit(dot(2, 2).data, {
    logPower: -4,
    slope: 2,
  });
  assert.deepEqual([value, logPower, slope, ...kernel], [0, 0, 0, 0, 0, 0, 0]);
});

const SCENE: Scene = { logPower: -7, slope: 2 };
const SIGMA = 0.005;
const OBLIQUE = gaussian(10, 2, 2.4, 0.8, 0.6);

for (const kernel of [dot(1, 1), gaussian(7, 1, 1.2, 0.6, 0.4), OBLIQUE, gaussian(13, 3, 2.5, 1.2, -0.5)]) {
  test(`power and slope of a scene are read through a known kernel: ${kernel.size} taps, scale ${kernel.scale}`, () => {
    const y = layerOf(naturalScene(256, SCENE, 3), kernel, SIGMA);
    const spectrum = makeSceneSpectrum(y, everywhere(y), kernel.scale, kernel.size, SIGMA);
    const { scene } = bestScene(spectrum, kernel);
    assert.ok(Math.abs(scene.slope - SCENE.slope) < 0.2, `slope ${scene.slope}`);
    // Power and slope are confused far from the frequencies seen (around 1/8 cycle a pixel): compare the power there.
    const power = ({ logPower, slope }: Scene) => logPower + slope * Math.log(8 * kernel.scale);
    assert.ok(Math.abs(power(scene) - power(SCENE)) < 0.15, `log power ${power(scene)}, not ${power(SCENE)}`);
  });
}

/** The scene with the least misfit for a kernel, by descending each of the two numbers in turn. */
function bestScene(spectrum: SceneSpectrum, kernel: Kernel): { scene: Scene; value: number } {
  let scene: Scene = { logPower: -6, slope: 2 };
  let { value } = spectrum.misfit(kernel.data, scene);
  // Moves along which the power at middle frequencies stays, and along which only it changes.
  const moves = [
    [2, 1],
    [1, 0],
  ];
  for (let step = 0.5; step > 0.01; ) {
    const tried = moves
      .flatMap(([p, a]) =>
        [-step, step].map((by) => ({ logPower: scene.logPower - p * by, slope: scene.slope + a * by })),
      )
      .map((candidate) => ({ scene: candidate, value: spectrum.misfit(kernel.data, candidate).value }))
      .reduce((a, b) => (b.value < a.value ? b : a));
    if (tried.value < value) ({ scene, value } = tried);
    else step /= 2;
  }
  return { scene, value };
}

test('the true kernel explains the spectrum better than none, a wider, a turned one, whatever the scene is taken for', () => {
  const y = layerOf(naturalScene(256, SCENE, 4), OBLIQUE, SIGMA);
  const spectrum = makeSceneSpectrum(y, everywhere(y), 2, 10, SIGMA);
  const misfit = (kernel: Kernel) => bestScene(spectrum, kernel).value;
  const truth = misfit(OBLIQUE);
  for (const [name, wrong] of Object.entries({
    none: dot(10, 2),
    wider: gaussian(10, 2, 4.5, 3, 0.6),
    round: gaussian(10, 2, 1.5, 1.5, 0),
    turned: gaussian(10, 2, 2.4, 0.8, 0.6 + Math.PI / 2),
  })) {
    const found = misfit(wrong);
    assert.ok(found > truth + 0.02, `${name}: ${found}, the true one ${truth}`);
  }
});

test('phase is not seen: a kernel, the one rotated by 180 degrees and the one moved have the same misfit', () => {
  // A bent line in the middle of a border that it can be moved into.
  const bent = [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 3, 6, 1, 0, 0, 0, 0, 0, 9, 2, 0, ...new Array(12).fill(0)];
  const kernel = makeKernel(6, 2, bent);
  const moved = makeKernel(6, 2, [...bent.slice(6), ...new Array(6).fill(0)]);
  const y = layerOf(naturalScene(128, SCENE, 5), kernel, SIGMA);
  const spectrum = makeSceneSpectrum(y, everywhere(y), 2, 6, SIGMA);
  const value = (of: Kernel) => spectrum.misfit(of.data, SCENE).value;
  assertClose([value(flip(kernel)), value(moved)], [value(kernel), value(kernel)], 1e-9);
  assert.ok(value(dot(6, 2)) > value(kernel) + 0.02);
});
