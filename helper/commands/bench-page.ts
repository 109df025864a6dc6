/**
 * `kernelfusion bench page`: what `bench quality` wrote, beside the pairs it was made from, as a page of figures and pictures.
 *
 * The figures are the run's. The pictures are scored once more, to be sure that figures, results and pairs belong together, and for the
 * shift between result and truth.
 */
import { mkdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';
import { readNpy } from '../../shared/kernel-formats/npy.ts';
import { writeAtomic } from '../atomic-file.ts';
import { toCoded } from '../failure.ts';
import { cutPlanes, type Planes } from '../image/planes.ts';
import { readPicture } from '../image/read.ts';
import type { Layer } from '../kernelfusion/method.ts';
import { type PictureScore, scorePicture } from '../kernelfusion/metrics.ts';
import { sideBySide } from '../report/side-by-side.ts';
import { bicubicOf, readPair } from './bench-pair.ts';
import { type PageEntry, type PageScore, qualityPage, scoresIn } from './quality-page.ts';
import { headingOf } from './quality-table.ts';

export interface BenchPageRequest {
  readonly pairsDir: string;
  /** The folder that `bench quality` wrote: quality.csv, quality.md, and NAME.png and NAME.npy of each pair. */
  readonly runDir: string;
  /** Gets README.md and NAME.png for each pair. Made if missing; not the folder of the run, whose pictures have these names. */
  readonly outDir: string;
  readonly signal?: AbortSignal;
  /** Takes one line (without its end) a picture. */
  readonly print: (line: string) => void;
}

export interface BenchPageResult {
  readonly markdown: string;
  readonly pictures: readonly string[];
  /** Of page and pictures together. */
  readonly bytes: number;
}

/** dB between a score in the table and that of the picture, more than what the table's digits leave out. */
const TOLERANCE = 0.01;

/**
 * Writes the page. Throws `INPUT_NOT_FOUND` where that folder holds no run, `INPUT_UNREADABLE` where something of a pair is
 * missing or its figures are not those of its pictures, `BAD_KERNEL`, `BAD_OPTION` where the page would replace the run's
 * pictures, `OUTPUT_UNWRITABLE` and `CANCELLED`.
 */
export async function benchPage(request: BenchPageRequest): Promise<BenchPageResult> {
  const { runDir, outDir, signal, print } = request;
  const fromRun = (name: string) =>
    readFile(path.join(runDir, name), 'utf8').catch((cause) => {
      throw new KernelFusionError('INPUT_NOT_FOUND', `The folder of the run holds no ${name}.`, { cause });
    });
  const { scores, failures } = scoresIn(await fromRun('quality.csv'));
  const heading = headingOf(await fromRun('quality.md'));
  if (heading === undefined) {
    throw new KernelFusionError('INPUT_UNREADABLE', "The run's quality.md does not say what was run.");
  }
  await mkdir(outDir, { recursive: true }).catch((cause) => {
    throw new KernelFusionError('OUTPUT_UNWRITABLE', 'The output folder could not be made.', { cause });
  });
  if ((await realpath(outDir)) === (await realpath(runDir))) {
    throw new KernelFusionError('BAD_OPTION', 'The page needs a folder of its own: it would replace the results.');
  }
  const entries: PageEntry[] = [];
  const pictures: string[] = [];
  let bytes = 0;
  for (const score of scores) {
    throwIfCancelled(signal);
    const { name } = score;
    const { png, origin, place } = await drawPair(score, request).catch((error) => {
      const { code, message } = toCoded(error);
      throw new KernelFusionError(code, `${name}: ${message}`, { cause: error });
    });
    const picture = `${name}.png`;
    await writeAtomic(path.join(outDir, picture), png, signal);
    print(`${name.padEnd(20)} ${place}  ${(png.length / 1e3).toFixed(0)} kB`);
    entries.push({ score, origin, picture });
    pictures.push(path.join(outDir, picture));
    bytes += png.length;
  }
  const markdown = path.join(outDir, 'README.md');
  const page = Buffer.from(qualityPage(heading, entries, failures));
  await writeAtomic(markdown, page, signal);
  return { markdown, pictures, bytes: bytes + page.length };
}

async function drawPair(score: PageScore, { pairsDir, runDir }: BenchPageRequest) {
  const { name } = score;
  if (path.basename(name) !== name)
    throw new KernelFusionError('INPUT_UNREADABLE', 'This is not the name of a folder.');
  const pair = await readPair(path.join(pairsDir, name));
  const { truth, scale, kernel, origin } = pair;
  const { layer } = await readPicture(path.join(runDir, `${name}.png`));
  const npy = await readFile(path.join(runDir, `${name}.npy`)).catch((cause) => {
    throw new KernelFusionError('INPUT_UNREADABLE', "The run's kernel of this pair cannot be read.", { cause });
  });
  const ours = scorePicture(layer, truth, scale);
  // Not a plain difference: where nothing differs, both are infinite.
  if (ours.psnrYShift !== score.psnr && !(Math.abs(ours.psnrYShift - score.psnr) <= TOLERANCE)) {
    throw new KernelFusionError(
      'INPUT_UNREADABLE',
      `The table says ${score.psnr.toFixed(2)} dB and the picture has ${ours.psnrYShift.toFixed(2)}: use the pairs of that run.`,
    );
  }
  const bicubic = bicubicOf(pair);
  const { png, window } = await sideBySide({
    bicubic: onTruth(bicubic, scorePicture(bicubic, truth, scale)),
    result: onTruth(layer, ours),
    truth,
    trueKernel: kernel,
    foundKernel: readNpy(npy, scale),
    border: 4 * scale,
  });
  const { side, top, left } = window;
  return { png, origin, place: `${side} x ${side} at row ${top}, column ${left}` };
}

/** A layer moved onto the truth by whole pixels, so that none is interpolated; its border is replicated. */
function onTruth({ colour, alpha }: Layer, { shift }: PictureScore): Layer {
  const [dy, dx] = shift.map(Math.round);
  const moved = (planes: Planes) => cutPlanes(planes, -dy, -dx, planes.width, planes.height);
  return { colour: moved(colour), alpha: alpha && moved(alpha) };
}
