/**
 * `kernelfusion bench ablation`: what each part of the paper's method is good for. Every pair is enlarged by the whole method
 * and by it without one part, each scored as `bench quality` does, and all of them stand in one table.
 *
 * All variants of a pair share one trained prior: they differ in the second phase only.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { writeAtomic } from '../atomic-file.ts';
import type { JobContext, runJob } from '../job.ts';
import type { Checkpoint } from '../kernelfusion/checkpoint.ts';
import type { Variant } from '../kernelfusion/joint-step.ts';
import type { Layer } from '../kernelfusion/method.ts';
import type { PaperPlan } from '../kernelfusion/methods/paper.ts';
import { type BenchQualityRequest, benchQuality, type Upscale } from './bench-quality.ts';
import { gainOf, type Score } from './quality-table.ts';

/** From the least of the method to all of it: the order of the paper's table. */
const VARIANTS: readonly Variant[] = ['deep-image-prior', 'without-prior', 'single-pass', 'full'];

const IN_WORDS: Readonly<Record<Variant, string>> = {
  'deep-image-prior': 'plain deep image prior',
  'without-prior': 'U-Net without patch diffusion',
  'single-pass': 'patch diffusion and U-Net, no second pass',
  full: 'full',
};

export interface BenchAblationRequest extends Omit<BenchQualityRequest, 'upscale' | 'knownKernel'> {
  readonly plan: PaperPlan;
  /** `runJob`, or a stand-in in tests. */
  readonly run: (...job: Parameters<typeof runJob>) => ReturnType<Upscale>;
}

export interface BenchAblationResult {
  readonly rows: readonly { readonly variant: Variant; readonly scores: readonly Score[] }[];
  readonly csv: string;
  readonly markdown: string;
  /** 0, or 1 where a pair failed. */
  readonly exitCode: 0 | 1;
}

/** Runs the benchmark; each variant's own tables and results go to a folder of its name. Throws as `benchQuality` does. */
export async function benchAblation(request: BenchAblationRequest): Promise<BenchAblationResult> {
  const { plan, run, outDir, print, preset, seed } = request;
  const priors = new Map<string, Checkpoint>();
  const csv = path.join(outDir, 'ablation.csv');
  const markdown = path.join(outDir, 'ablation.md');
  const rows: { variant: Variant; scores: readonly Score[] }[] = [];
  let exitCode: 0 | 1 = 0;
  for (const variant of VARIANTS) {
    print(`${IN_WORDS[variant]}:`);
    const part: PaperPlan = { ...plan, diffusion: { ...plan.diffusion, variant } };
    const upscale: Upscale = (layer, options, context) => {
      const key = contentOf(layer);
      const known = priors.get(key);
      const onCheckpoint: JobContext['onCheckpoint'] = async ({ prior }) =>
        void priors.set(key, { ...(prior && { prior }) });
      return run(layer, options, { ...context, plan: part, onCheckpoint, ...(known && { checkpoint: known }) });
    };
    const result = await benchQuality({ ...request, outDir: path.join(outDir, variant), knownKernel: false, upscale });
    if (result.exitCode !== 0) exitCode = 1;
    rows.push({ variant, scores: result.scores });
    await writeAtomic(csv, toCsv(rows));
    await writeAtomic(markdown, toMarkdown(`Preset ${preset}, seed ${seed}, ${planInWords(plan)}.`, rows));
  }
  return { rows, csv, markdown, exitCode };
}

const contentOf = ({ colour }: Layer) =>
  createHash('sha256')
    .update(`${colour.width} ${colour.channels} `)
    .update(new Uint8Array(colour.data.buffer, colour.data.byteOffset, colour.data.byteLength))
    .digest('hex');

const planInWords = ({ training, diffusion }: PaperPlan) =>
  `prior ${training.width} wide, ${diffusion.steps} diffusion steps, ${diffusion.firstIterations} + ${diffusion.iterations} ` +
  `iterations, U-Net ${diffusion.widths.join('-')}`;

type Rows = BenchAblationResult['rows'];

/** A line a variant and pair. */
function toCsv(rows: Rows): string {
  const lines = rows.flatMap(({ variant, scores }) =>
    scores.map((score) => [
      variant,
      score.name,
      score.ours.psnrY.toFixed(4),
      score.ours.ssimY.toFixed(6),
      score.ours.psnrYShift.toFixed(4),
      score.ours.ssimYShift.toFixed(6),
      gainOf(score).toFixed(4),
      score.kernel.ncc.toFixed(5),
    ]),
  );
  const head = ['variant', 'pair', 'psnr_y', 'ssim_y', 'psnr_y_shift', 'ssim_y_shift', 'gain', 'kernel_ncc'];
  return [head, ...lines].map((cells) => `${cells.join(',')}\n`).join('');
}

/** A row a variant: the means, then the gain and the kernel of every pair. */
function toMarkdown(heading: string, rows: Rows): string {
  const names = [...new Set(rows.flatMap(({ scores }) => scores.map(({ name }) => name)))];
  const mean = (values: readonly number[], digits: number) =>
    values.length === 0 ? '' : (values.reduce((sum, v) => sum + v, 0) / values.length).toFixed(digits);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = ['', 'PSNR', 'SSIM', 'shifted PSNR', 'SSIM', '**gain**', 'kernel ncc', ...names];
  const body = rows.map(({ variant, scores }) => [
    IN_WORDS[variant],
    mean(
      scores.map(({ ours }) => ours.psnrY),
      2,
    ),
    mean(
      scores.map(({ ours }) => ours.ssimY),
      4,
    ),
    mean(
      scores.map(({ ours }) => ours.psnrYShift),
      2,
    ),
    mean(
      scores.map(({ ours }) => ours.ssimYShift),
      4,
    ),
    mean(scores.map(gainOf), 2),
    mean(
      scores.map(({ kernel }) => kernel.ncc),
      3,
    ),
    ...names.map((name) => {
      const score = scores.find((other) => other.name === name);
      return score ? `${gainOf(score).toFixed(2)} (${score.kernel.ncc.toFixed(2)})` : 'failed';
    }),
  ]);
  return `${[
    '# Ablation',
    '',
    `${heading} Means over the pairs: PSNR (dB) and SSIM on luma, as it is and after the best sub-pixel shift; gain over shifted`,
    'bicubic. Then each pair: its gain (kernel correlation).',
    '',
    line(head),
    line(head.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...body.map(line),
  ].join('\n')}\n`;
}
