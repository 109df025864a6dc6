/**
 * Every format, read by a program that is not ours: the values it sees are those of the kernel, in the sense the format states.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { flip, type Kernel } from '../../shared/kernel.ts';
import { exportKernel, FORMATS, formatOfName } from '../../shared/kernel-formats/index.ts';
import { asymmetric } from '../support/asymmetric.ts';
import { assertClose } from '../support/close.ts';
import { needsPython } from '../support/python.ts';
import { needsAll, needsFfmpeg, needsGegl, needsGmic, needsImageMagick, needsOctave, runIn } from '../support/tools.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kf-consumers-'));
after(() => rmSync(folder, { recursive: true }));

const SIDE = 17;
const kernel = asymmetric(SIDE, 2);

function formatNamed(extension: string) {
  const format = formatOfName(`kernel${extension}`);
  assert.ok(format && format.extension === extension);
  return format;
}

/** Writes `kernel.<extension>`; returns the values that a reader has to see. */
function write(extension: string, given: Kernel = kernel): Float64Array {
  const format = formatNamed(extension);
  writeFileSync(path.join(folder, `kernel${extension}`), exportKernel(given, format).bytes);
  return (format.sense === 'convolution' ? flip(given) : given).data;
}

const python = (program: string): number[] =>
  JSON.parse(
    runIn(folder, '/usr/bin/python3', ['-c', `import json\n${program}\nprint(json.dumps(k.ravel().tolist()))`]),
  );
const octave = (program: string): number[] =>
  runIn(folder, 'octave-cli', ['--no-gui', '--norc', '--eval', `${program}; printf("%.17g\\n", k');`])
    .trim()
    .split('\n')
    .map(Number);

interface Reading {
  readonly extension: string;
  readonly by: string;
  readonly needs: { skip: string | false };
  readonly read: () => ArrayLike<number>;
  /** Where the file holds values relative to the largest. */
  readonly relative?: true;
}

const READINGS: readonly Reading[] = [
  {
    extension: '.npy',
    by: 'NumPy',
    needs: needsPython('numpy'),
    read: () => python(`import numpy; k = numpy.load('kernel.npy', allow_pickle=False)`),
  },
  {
    extension: '.json',
    by: "Python's json",
    needs: needsPython('numpy'),
    read: () =>
      python(`import numpy; f = json.load(open('kernel.json')); k = numpy.reshape(f['data'], (f['size'], f['size']))`),
  },
  {
    extension: '.csv',
    by: 'NumPy',
    needs: needsPython('numpy'),
    read: () => python(`import numpy; k = numpy.loadtxt('kernel.csv', delimiter=',')`),
  },
  { extension: '.csv', by: 'Octave', needs: needsOctave(), read: () => octave(`k = csvread('kernel.csv')`) },
  {
    extension: '.mat',
    by: 'SciPy (kernel)',
    needs: needsPython('scipy'),
    read: () => python(`import scipy.io; k = scipy.io.loadmat('kernel.mat')['kernel']`),
  },
  {
    extension: '.mat',
    by: 'SciPy, turned (Kernel)',
    needs: needsPython('scipy'),
    read: () => python(`import scipy.io; k = scipy.io.loadmat('kernel.mat')['Kernel'][::-1, ::-1]`),
  },
  { extension: '.mat', by: 'Octave', needs: needsOctave(), read: () => octave(`load('kernel.mat'); k = kernel`) },
  {
    extension: '.fits',
    by: 'astropy',
    needs: needsPython('astropy'),
    read: () =>
      python(`
from astropy.io import fits
with fits.open('kernel.fits') as f:
  f.verify('exception')
  k = f[0].data`),
  },
  {
    extension: '.tif',
    by: 'scikit-image',
    needs: needsPython('skimage'),
    read: () => python(`import skimage.io; k = skimage.io.imread('kernel.tif')`),
  },
  {
    extension: '.tif',
    by: 'OpenCV',
    needs: needsPython('cv2'),
    read: () => python(`import cv2; k = cv2.imread('kernel.tif', cv2.IMREAD_UNCHANGED)`),
  },
  { extension: '.tif', by: "G'MIC", needs: needsGmic(), read: () => gmic('kernel.tif') },
  {
    extension: '.pfm',
    by: 'OpenCV',
    needs: needsPython('cv2'),
    read: () => python(`import cv2; k = cv2.imread('kernel.pfm', cv2.IMREAD_UNCHANGED)`),
  },
  { extension: '.pfm', by: "G'MIC", needs: needsGmic(), read: () => gmic('kernel.pfm') },
  { extension: '.csv', by: "G'MIC", needs: needsGmic(), read: () => gmic('kernel.csv') },
  {
    extension: '.yml',
    by: 'OpenCV',
    needs: needsPython('cv2'),
    read: () =>
      python(`import cv2; f = cv2.FileStorage('kernel.yml', cv2.FILE_STORAGE_READ); k = f.getNode('kernel').mat()`),
  },
  {
    extension: '.png',
    by: 'scikit-image',
    needs: needsPython('skimage'),
    read: () => python(`import skimage.io; k = skimage.io.imread('kernel.png').astype(float)`),
    relative: true,
  },
];

function gmic(file: string): number[] {
  runIn(folder, 'gmic', ['-v', '-1', file, 'output', 'gmic.csv']);
  return python(`import numpy; k = numpy.loadtxt('gmic.csv', delimiter=',')`);
}

for (const { extension, by, needs, read, relative } of READINGS) {
  test(`${by} reads ${extension} as it was meant`, needs, () => {
    const expected = write(extension);
    const found = read();
    if (!relative) return assertClose(found, expected, 1e-6 * Math.max(...expected));
    const largest = Math.max(...expected);
    // Sixteen bits: half a step either way.
    assertClose(
      Array.from(found, (v) => v / 65535),
      expected.map((v) => v / largest),
      0.51 / 65535,
    );
  });
}

test('every format is read by another program here, or applied by its own below, or by nobody who is free', () => {
  const read = new Set(READINGS.map(({ extension }) => extension));
  const left = FORMATS.map(({ extension }) => extension).filter((extension) => !read.has(extension));
  assert.deepEqual(left, ['.imagemagick.txt', '.gegl.txt', '.ffmpeg.txt', '.acf']);
});

/** What pictures are looked at with: GEGL's float TIFF is one sharp reads as zeros. */
const eyes = needsPython('skimage');

// Filters show their weights when they are given a single white pixel: correlation draws the kernel turned.

/** A black picture of 33 x 33 with one pixel that is not. */
const impulse = () => {
  const pixels = new Uint16Array(33 * 33);
  pixels[16 * 33 + 16] = 65535;
  return sharp(pixels, { raw: { width: 33, height: 33, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toFile(path.join(folder, 'in.png'));
};

/** The first channel of a picture in [0, 1], cut to the middle `side` x `side`. */
const middle = (file: string, side: number): number[] =>
  python(`
import numpy, skimage.io
picture = skimage.io.imread('${file}')
picture = picture if picture.ndim == 2 else picture[..., 0]
margin = (33 - ${side}) // 2
k = picture[margin:33 - margin, margin:33 - margin] / (1.0 if picture.dtype == numpy.float32 else 65535.0)`);

test('ImageMagick draws the kernel from one pixel, to its 16 bits', needsAll(needsImageMagick(), eyes), async () => {
  await impulse();
  const psf = write('.imagemagick.txt');
  runIn(folder, 'bash', ['-c', 'convert in.png -morphology Convolve "$(cat kernel.imagemagick.txt)" out.png']);
  assertClose(middle('out.png', SIDE), psf, 0.51 / 65535);
});

test(
  'ffmpeg draws a 7 x 7 kernel from one pixel, to its whole numbers and 16 bits',
  needsAll(needsFfmpeg(), eyes),
  async () => {
    await impulse();
    const weights = write('.ffmpeg.txt', asymmetric(7, 2));
    runIn(folder, 'bash', ['-c', 'ffmpeg -y -v error -i in.png -vf "format=gray16,$(cat kernel.ffmpeg.txt)" out.png']);
    assertClose(middle('out.png', 7), Float64Array.from(weights).reverse(), 1.1 / 65535 + 1 / 32767);
  },
);

test('GEGL draws a 5 x 5 kernel from one pixel', needsAll(needsGegl(), eyes), async () => {
  await impulse();
  const weights = write('.gegl.txt', asymmetric(5, 2));
  runIn(folder, 'bash', ['-c', 'xargs gegl in.png -o out.tif -- < kernel.gegl.txt']);
  assertClose(middle('out.tif', 5), Float64Array.from(weights).reverse(), 1e-6);
});
