/**
 * docs/kernel-recipes.md, run as it stands: every block of every recipe, by the program it is for, on a picture and a kernel of
 * ours. Then once more with the kernel turned by 180 degrees, which has to make the result worse.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { blurred, reduced } from '../../helper/commands/kernel-apply.ts';
import { cutPlanes, makePlanes, type Planes } from '../../helper/image/planes.ts';
import { flip, type Kernel } from '../../shared/kernel.ts';
import { exportKernel, FORMATS } from '../../shared/kernel-formats/index.ts';
import { jsonFormat } from '../../shared/kernel-formats/json.ts';
import { asymmetric } from '../support/asymmetric.ts';
import { needsPython } from '../support/python.ts';
import {
  needsAll,
  needsFfmpeg,
  needsGegl,
  needsGmic,
  needsImageMagick,
  needsOctave,
  PATH,
  runIn,
} from '../support/tools.ts';

const page = readFileSync(new URL('../../../docs/kernel-recipes.md', import.meta.url), 'utf8');
const sample = fileURLToPath(new URL('../../../test/fixtures/sample.png', import.meta.url));

const folder = mkdtempSync(path.join(tmpdir(), 'kf-recipes-'));
after(() => rmSync(folder, { recursive: true }));

// `kernelfusion`, as the recipes call it.
const programs = path.join(folder, 'bin');
mkdirSync(programs);
const cli = fileURLToPath(new URL('../../helper/cli.js', import.meta.url));
writeFileSync(path.join(programs, 'kernelfusion'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@" --force\n`);
chmodSync(path.join(programs, 'kernelfusion'), 0o755);

/** Pixels left out at the borders, which every program treats in its own way. */
const MARGIN = 18;
// One even, one odd: some programs treat them differently.
const WIDTH = 96;
const HEIGHT = 91;

/** The sample in grey, values in [0, 1]; what lies around the window becomes the unknown beyond its borders. */
const scene: Planes = await (async () => {
  const { data, info } = await sharp(sample).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const values = Float32Array.from({ length: info.width * info.height }, (_, i) => data[i * info.channels + 1] / 255);
  return makePlanes(info.width, info.height, 1, values);
})();
const window = (planes: Planes, height = HEIGHT) => cutPlanes(planes, 16, 16, WIDTH, height);

/** PSNR in dB within the margins, peak 1. */
function psnr(a: Planes, b: Planes, margin = MARGIN): number {
  assert.deepEqual([a.width, a.height], [b.width, b.height]);
  let sum = 0;
  for (let y = margin; y < a.height - margin; y++) {
    for (let x = margin; x < a.width - margin; x++) sum += (a.data[y * a.width + x] - b.data[y * a.width + x]) ** 2;
  }
  return -10 * Math.log10(sum / ((a.height - 2 * margin) * (a.width - 2 * margin)) + 1e-20);
}

async function writeInput(planes: Planes): Promise<void> {
  const pixels = Uint16Array.from(planes.data, (v) => Math.round(Math.min(1, Math.max(0, v)) * 65535));
  const raw = { width: planes.width, height: planes.height, channels: 1 } as const;
  await sharp(pixels, { raw }).toColourspace('grey16').png().toFile(path.join(folder, 'in.png'));
}

/** What the recipe wrote, its first channel in [0, 1]. Float TIFF, which sharp reads otherwise, may hold 16-bit levels. */
async function readOutput(): Promise<Planes> {
  const png = path.join(folder, 'out.png');
  if (existsSync(png)) {
    const image = sharp(png).toColourspace('rgb16').raw({ depth: 'ushort' });
    const { data, info } = await image.toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
    return makePlanes(
      width,
      height,
      1,
      Float32Array.from({ length: width * height }, (_, i) => values[i * channels] / 65535),
    );
  }
  const program = `
import sys, json, skimage.io
picture = skimage.io.imread('out.tif')
picture = picture if picture.ndim == 2 else picture[..., 0]
picture = picture / (65535 if picture.max() > 4 else 1)
print(json.dumps([picture.shape[1], picture.shape[0], picture.ravel().tolist()]))`;
  const [width, height, values] = JSON.parse(runIn(folder, '/usr/bin/python3', ['-c', program]));
  return makePlanes(width, height, 1, Float32Array.from(values));
}

interface Recipe {
  readonly chapter: string;
  readonly title: string;
  readonly blocks: readonly { language: string; code: string }[];
}

const recipes: readonly Recipe[] = page
  .split(/\n## /)
  .slice(1)
  .flatMap((chapter) =>
    chapter
      .split(/\n### /)
      .slice(1)
      .map((text) => ({
        chapter: chapter.split('\n')[0],
        title: text.split('\n')[0],
        blocks: [...text.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, language, code]) => ({ language, code })),
      })),
  );

const RUN: Readonly<Record<string, (code: string) => void>> = {
  sh: (code) => runIn(folder, 'bash', ['-e', '-c', code], `${programs}:${PATH}`),
  python: (code) => runIn(folder, '/usr/bin/python3', ['-W', 'ignore', '-c', code]),
  octave: (code) => runIn(folder, 'octave-cli', ['--no-gui', '--norc', '--eval', code]),
};

/** Runs a recipe with a kernel and a picture; returns what it wrote. */
async function run({ blocks }: Recipe, kernel: Kernel, input: Planes): Promise<Planes> {
  for (const name of ['out.png', 'out.tif', 'out.raw.shape', 'out.raw.values'])
    rmSync(path.join(folder, name), { force: true });
  writeFileSync(path.join(folder, 'kernel.json'), exportKernel(kernel, jsonFormat).bytes);
  await writeInput(input);
  for (const { language, code } of blocks) RUN[language](code);
  return readOutput();
}

const skimage = needsPython('numpy', 'skimage');

/** What each recipe needs, and the even side of the kernel it is tried with: where the format is limited, one that fits. */
const TRIALS: Readonly<Record<string, { needs: () => { skip: string | false }; side?: number }>> = {
  ImageMagick: { needs: needsImageMagick },
  "G'MIC": { needs: needsGmic },
  "G'MIC from PFM": { needs: needsGmic },
  OpenCV: { needs: () => needsPython('cv2') },
  astropy: { needs: () => needsPython('astropy') },
  PyTorch: { needs: () => needsPython('torch') },
  'ffmpeg, small kernels': { needs: needsFfmpeg, side: 6 },
  'ffmpeg, large kernels': { needs: needsFfmpeg },
  'GEGL and GIMP': { needs: needsGegl, side: 4 },
  'scikit-image: Richardson-Lucy': { needs: () => skimage },
  'scikit-image: Wiener, the kernel from a picture': { needs: () => skimage },
  'Octave and MATLAB': { needs: needsOctave },
  "G'MIC: deconvolution": { needs: needsGmic },
  'ffmpeg: deconvolution': { needs: needsFfmpeg },
  'USRNet and KAIR': { needs: () => needsPython('scipy') },
  "KernelGAN's ZSSR": { needs: () => needsPython('scipy') },
};
const SIDE = 16;

test('every recipe is tried but the one whose program is not free', () => {
  assert.deepEqual(
    recipes.map(({ title }) => title).filter((title) => !(title in TRIALS)),
    ['Photoshop'],
  );
  assert.equal(recipes.length, Object.keys(TRIALS).length + 1);
});

for (const recipe of recipes.filter(({ title }) => title in TRIALS)) {
  const { chapter, title } = recipe;
  const { needs, side = SIDE } = TRIALS[title];
  const needed = needsAll(needs(), skimage);
  const kernel = asymmetric(side, 2);

  if (chapter.startsWith('Blur')) {
    test(`${title} blurs as a direct convolution does, and otherwise with the kernel turned`, needed, async () => {
      const expected = window(blurred(scene, kernel));
      const right = psnr(await run(recipe, kernel, window(scene)), expected);
      const wrong = psnr(await run(recipe, flip(kernel), window(scene)), expected);
      // Rounding to 16 bits leaves 107 dB, that of a small kernel to whole numbers somewhat less.
      assert.ok(right > 80, `${right} dB`);
      assert.ok(wrong < 50, `${wrong} dB with the kernel turned`);
    });
  } else if (chapter.startsWith('Remove')) {
    test(`${title} gains 3 dB at least, and loses with the kernel turned`, needed, async () => {
      const sharp = window(scene);
      const input = window(blurred(scene, kernel));
      const before = psnr(input, sharp);
      const right = psnr(await run(recipe, kernel, input), sharp);
      const wrong = psnr(await run(recipe, flip(kernel), input), sharp);
      assert.ok(right >= before + 3, `${right} dB after ${before} dB`);
      assert.ok(wrong < before, `${wrong} dB with the kernel turned, ${before} dB before`);
    });
  } else {
    test(`${title}: its reduction is ours, and is not with the kernel turned`, needed, async () => {
      const input = window(scene, HEIGHT - 1); // A multiple of the scale: they keep a row more of an odd number.
      const expected = reduced(input, kernel);
      const right = psnr(await run(recipe, kernel, input), expected, MARGIN / 2);
      const wrong = psnr(await run(recipe, flip(kernel), input), expected, MARGIN / 2);
      assert.ok(right > 90, `${right} dB`);
      assert.ok(wrong < 50, `${wrong} dB with the kernel turned`);
    });
  }
}

test('no recipe writes the kernel where another one has: nothing is overwritten unasked', () => {
  const names = [...page.matchAll(/^kernelfusion kernel convert kernel\.json (.*)$/gm)].flatMap(([, files]) =>
    files
      .replace(/ #.*/, '')
      .replace(/ --\w+ \w+/g, '')
      .trim()
      .split(' '),
  );
  assert.ok(names.length > recipes.length, `${names}`);
  assert.deepEqual(names, [...new Set(names)]);
});

test('the line each format shows as its recipe stands in the page', () => {
  for (const { id, recipe } of FORMATS.filter(({ id }) => id !== 'json')) {
    assert.ok(page.includes(recipe.code), `${id}: ${recipe.code}`);
  }
});

test('the table of formats is that of the code', () => {
  const lines = FORMATS.map(({ id, extension, label, purpose, sense, centring, sides }) => {
    const senses = id === 'mat' ? 'convolution (`kernel`), correlation (`Kernel`)' : sense;
    return `| \`${extension}\` | ${label}: ${purpose} | ${senses} | ${centring} | ${sides?.join(', ') ?? 'any'} |`;
  });
  assert.ok(page.includes(`|---|---|---|---|---|\n${lines.join('\n')}\n`), lines.join('\n'));
});
