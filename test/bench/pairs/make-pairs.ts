/**
 * A folder of pairs out of a folder of photographs, laid out as `bench quality` and `npm run experiment` read them.
 *
 * Photographs and, at each scale, families of kernels are dealt like cards: each once before any comes again. The seed decides everything; each
 * pair draws from a stream of its own, so that a smaller set is the beginning of a larger one.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { enlargeBicubic } from '../../../helper/image/enlarge.ts';
import type { Planes } from '../../../helper/image/planes.ts';
import { readPicture } from '../../../helper/image/read.ts';
import { writePicture } from '../../../helper/image/write.ts';
import { scorePicture } from '../../../helper/kernelfusion/metrics.ts';
import { makeRandom, type Random } from '../../../helper/kernelfusion/random.ts';
import { centreOfMass, type Scale } from '../../../shared/kernel.ts';
import { writeNpy } from '../../../shared/kernel-formats/npy.ts';
import { MOST_RESULT_PIXELS } from '../../../shared/protocol/limits.ts';
import { drawKernel, FAMILY_NAMES } from './kernel-families.ts';
import { makePair, reductionFor } from './make-pair.ts';

export interface PairsRequest {
  readonly pictures: string;
  /** Made where it is missing; has to be empty. */
  readonly out: string;
  /** Scales of the pairs, in turn. */
  readonly scales: readonly Scale[];
  readonly count: number;
  /** Side of the layers, in pixels. */
  readonly side: number;
  readonly seed: number;
  /** Takes a line a pair. */
  readonly print: (line: string) => void;
}

const SCALES: readonly Scale[] = [1, 2, 3, 4];

/** Every fifth pair is noisy, by 1 % of white. */
const NOISY_EVERY = 5;
const NOISE = 0.01;

const PICTURE = /\.(jpe?g|png|webp|tiff?)$/i;

interface Photograph {
  readonly file: string;
  /** Pixels of its shorter side. */
  readonly shorter: number;
}

/** Makes the pairs. Throws where a folder is not as it should be, or no photograph is large enough for a pair. */
export async function makePairs({ pictures, out, scales, count, side, seed, print }: PairsRequest): Promise<void> {
  await mkdir(out, { recursive: true });
  if ((await readdir(out)).length > 0)
    throw new Error(`${out} is not empty: a folder holds the pairs of one seed only.`);
  const photographs = await photographsIn(pictures);
  const photographDeck = dealt(photographs, makeRandom(seed, 0));
  const familyDecks = SCALES.map((scale) => dealt(FAMILY_NAMES, makeRandom(seed, scale)));
  for (let i = 0; i < count; i++) {
    const random = makeRandom(seed, i + 1 + SCALES.length);
    const scale = scales[i % scales.length];
    const family = familyDecks[SCALES.indexOf(scale)].next().value;
    const { kernel, parameters } = drawKernel(family, scale, random);
    const isLargeEnough = ({ shorter }: Photograph) => reductionFor(shorter, kernel, side) !== undefined;
    if (!photographs.some(isLargeEnough)) {
      throw new Error(`No picture is large enough for a layer of ${side} pixels a side at x${scale}.`);
    }
    let photograph = photographDeck.next().value;
    while (!isLargeEnough(photograph)) photograph = photographDeck.next().value;
    const noise = i % NOISY_EVERY === NOISY_EVERY - 1 ? NOISE : 0;
    const source = await readPicture(path.join(pictures, photograph.file), { maxPixels: MOST_RESULT_PIXELS });
    const { lr, hr, reduce, top, left } = makePair(source.layer.colour, kernel, side, noise, random);

    const name = `${String(i + 1).padStart(2, '0')}_x${scale}_${family}`;
    const folder = path.join(out, name);
    await mkdir(folder);
    await writePng(path.join(folder, 'lr.png'), lr);
    await writePng(path.join(folder, 'hr.png'), hr);
    await writeFile(path.join(folder, 'kernel.npy'), writeNpy(kernel));
    const meta = {
      name,
      scale,
      kernel: family,
      kernel_parameters: parameters,
      kernel_side: kernel.size,
      kernel_com_offset: centreOfMass(kernel),
      hr_size: [hr.width, hr.height],
      lr_size: [lr.width, lr.height],
      noise,
      boundary: 'context',
      channels: lr.channels,
      lr_pixel_0_0_centre_in_hr: [(scale - 1) / 2, (scale - 1) / 2],
      source_file: photograph.file,
      reduce,
      crop_xy: [left, top],
      seed,
    };
    await writeFile(path.join(folder, 'meta.json'), `${JSON.stringify(meta, null, 1)}\n`);
    const { psnrY } = scorePicture(
      { colour: enlargeBicubic(lr, scale), alpha: null },
      { colour: hr, alpha: null },
      scale,
    );
    print(`${name}: ${photograph.file}${noise > 0 ? ', noisy' : ''}; bicubic ${psnrY.toFixed(2)} dB`);
  }
}

async function photographsIn(folder: string): Promise<Photograph[]> {
  const files = (await readdir(folder)).filter((file) => PICTURE.test(file)).sort();
  if (files.length === 0) throw new Error(`There are no pictures in ${folder}.`);
  return Promise.all(
    files.map(async (file) => {
      const { width, height } = await sharp(path.join(folder, file)).metadata();
      return { file, shorter: Math.min(width, height) };
    }),
  );
}

/** The items in random order, round after round. */
function* dealt<T>(items: readonly T[], { below }: Random): Generator<T, never> {
  for (;;) {
    const left = [...items];
    while (left.length > 0) yield left.splice(below(left.length), 1)[0];
  }
}

const writePng = (file: string, colour: Planes) =>
  writePicture(file, { colour, alpha: null }, { bits: 8, icc: null, density: 72 });
