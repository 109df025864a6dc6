import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { enlargeBicubic } from '../../../helper/image/enlarge.ts';
import { makePlanes, type Planes } from '../../../helper/image/planes.ts';
import type { Layer, MethodResult } from '../../../helper/kernelfusion/method.ts';
import { type ReportData, renderReport } from '../../../helper/report/report.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { parseOptions } from '../../../shared/options.ts';

const RAMP = makeKernel(4, 2, [0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]);

function waves(width: number, height: number, channels: number): Planes {
  const planes = makePlanes(width, height, channels);
  for (let i = 0; i < planes.data.length; i++) planes.data[i] = 0.5 + 0.4 * Math.sin(i / 7) * Math.cos(i / 1013);
  return planes;
}

/** A report on a picture of that size; the result is the negative of its bicubic enlargement, so that the two differ. */
function dataOf(width: number, height: number, result: Partial<MethodResult> = {}, more: Partial<ReportData> = {}) {
  const layer: Layer = { colour: waves(width, height, 3), alpha: null };
  const enlarged = enlargeBicubic(layer.colour, 2);
  const data: ReportData = {
    name: 'cat.png',
    picture: { layer, format: 'png', grey: false, bits: 8, icc: null, density: 72, notes: [] },
    options: parseOptions({ seed: 4711, noise: 2.5 }),
    result: {
      layer: { colour: { ...enlarged, data: enlarged.data.map((v) => 1 - v) }, alpha: null },
      kernel: RAMP,
      kernelSource: 'estimated',
      confidence: 0.873,
      notes: [],
      noise: 2.5,
      lrConsistency: 47.125,
      losses: [0.9, 0.5, 0.3, 0.2],
      kernels: [RAMP, RAMP],
      ...result,
    },
    timings: { prior: 20.04, kernel: 11, image: 4, alpha: 0, total: 35.04 },
    versions: { kernelfusion: '0.1.0-x', node: '20.9.0', sharp: '0.35.0', onnxruntime: '1.30.0' },
    executor: 'onnx-cpu',
    threads: 3,
    ...more,
  };
  return data;
}

/** The pictures in the page by their id or alternative text. */
function picturesIn(page: string): Map<string, Buffer> {
  const images = page.matchAll(/<img (?:id="(\w+)"|class="heat") src="data:image\/png;base64,([^"]+)" alt="([^"]*)">/g);
  return new Map(Array.from(images, ([, id, base64, alt]) => [id ?? alt, Buffer.from(base64, 'base64')]));
}

const text = (page: string) =>
  page
    .replace(/<(style|script)>.*?<\/\1>/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

test('every option, version, time and figure is told', async () => {
  const page = text(await renderReport(dataOf(20, 16)));
  for (const told of [
    'scale 2',
    'preset balanced',
    'seed 4711',
    'kernelSide automatic',
    'noise 2.5',
    'kernelfusion 0.1.0-x',
    'node 20.9.0',
    'sharp 0.35.0',
    'onnxruntime 1.30.0',
    'executor onnx-cpu',
    'threads 3',
    'LR-consistency 47.13 dB',
    'Learning the patches 20.0 s',
    'All 35.0 s',
    '20 x 16 enlarged to 40 x 32 pixels in 36 s. Kernel: estimated from this picture.',
    'Confidence 87 % (probability that it restores a better picture',
    'Largest value 0.400',
    'Centre of mass -0.50 down, +0.50 to the right of the centre',
    // Weights 1 2 3 4 at 0 1 2 3: variance 5 - 2^2.
    'Width 1 x 0 pixels',
  ]) {
    assert.ok(page.includes(told), told);
  }
});

test('nothing is fetched: pictures are within, and the only address is a link to the paper', async () => {
  const page = await renderReport(dataOf(20, 16));
  assert.deepEqual(page.match(/\b\w+:\/\/[^"\s<]*/g), ['https://arxiv.org/abs/2503.21907']);
  const sources = Array.from(page.matchAll(/\s(?:src|href)="([^"]*)"/g), ([, source]) => source);
  assert.ok(sources.length >= 6);
  for (const source of sources) assert.match(source, /^(data:image\/png;base64,|https:\/\/arxiv\.org\/)/);
  assert.doesNotMatch(page, /@import|url\(|fetch\(|XMLHttpRequest|<link|<iframe/);
  assert.match(page, /Content-Security-Policy" content="default-src 'none'; img-src data:;/);
});

test('a hostile file name and hostile notes are text, wherever they appear', async () => {
  const evil = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\u0000`;
  const data = dataOf(20, 16, { notes: [evil] }, { name: evil });
  const picture = { ...data.picture, notes: [`</title>${evil}`] };
  const page = await renderReport({ ...data, picture });
  assert.equal(page.match(/<script>/g)?.length, 1);
  assert.doesNotMatch(page, /<img src=x|<\/title>"/);
  assert.ok(!page.includes('\u0000'));
  const escaped =
    '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;alert(2)&#39;&gt;&amp;amp;\ufffd';
  assert.equal(page.split(escaped).length - 1, 5, 'title, heading, two notes, table');
});

test('before is the bicubic enlargement and after the result, pixel by pixel', async () => {
  const data = dataOf(20, 16);
  const pictures = picturesIn(await renderReport(data));
  const expected = {
    before: enlargeBicubic(data.picture.layer.colour, 2),
    after: data.result.layer.colour,
  };
  for (const [id, { width, height, data: values }] of Object.entries(expected)) {
    const { data: pixels, info } = await sharp(pictures.get(id)).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [width, height, 3]);
    for (let i = 0; i < width * height; i++) {
      assert.ok(Math.abs(pixels[3 * i] - 255 * values[i]) <= 0.51, `${id} ${i}`);
    }
  }
});

test('of a large picture the middle is shown at full size, and the page says so', async () => {
  const data = dataOf(830, 20);
  const page = await renderReport(data);
  assert.match(page, /The middle 1600 x 40 pixels of 1660 x 40, at full size\./);
  const before = await sharp(picturesIn(page).get('before')).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([before.info.width, before.info.height], [1600, 40]);
  // The enlargement of the part is the part of the enlargement, to its last column.
  const whole = enlargeBicubic(data.picture.layer.colour, 2);
  for (const x of [0, 1, 800, 1598, 1599]) {
    assert.ok(Math.abs(before.data[3 * (7 * 1600 + x)] - 255 * whole.data[7 * 1660 + 30 + x]) <= 0.51, `column ${x}`);
  }
  assert.doesNotMatch(await renderReport(dataOf(20, 16)), /at full size/);
});

test('at most twelve stages of the kernel are shown, the first and the last among them', async () => {
  const page = await renderReport(dataOf(20, 16, { kernels: Array(30).fill(RAMP) }));
  const steps = Array.from(page.matchAll(/alt="Kernel at step (\d+)"/g), ([, step]) => Number(step));
  assert.equal(steps.length, 12);
  assert.deepEqual([steps[0], steps[11]], [1, 30]);
  assert.deepEqual(
    steps,
    [...steps].sort((a, b) => a - b),
  );
});

test('a given kernel, no training and alpha in grey leave no hole in the page', async () => {
  const grey = dataOf(20, 16);
  const layerOf = (width: number, height: number) => ({
    colour: waves(width, height, 1),
    alpha: waves(width, height, 1),
  });
  const page = await renderReport({
    ...grey,
    picture: { ...grey.picture, grey: true, layer: layerOf(20, 16) },
    result: {
      ...grey.result,
      layer: layerOf(40, 32),
      kernelSource: 'given',
      confidence: null,
      losses: [],
      kernels: [],
    },
  });
  assert.match(text(page), /Source given .*8 bits, grey with alpha/);
  assert.doesNotMatch(page, /NaN|undefined|Confidence|Infinity|Training loss|How the kernel developed/);
  const { data, info } = await sharp(picturesIn(page).get('after'))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.width, 40);
  assert.ok(Math.abs(data[3] - 255 * waves(40, 32, 1).data[0]) <= 0.51);
});
