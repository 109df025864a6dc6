/**
 * The page of a quality benchmark, as Markdown: the table, the failure cases, and every pair with its picture.
 *
 * What is a failure, and the order of the pairs, follow from the figures by rules that the page states; nothing is chosen.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import type { Origin } from './bench-pair.ts';
import { byScale, fromCsv, mean, signed } from './quality-table.ts';

/** What the page tells of a pair; PSNR in dB and SSIM on luma, after the best shift. */
export interface PageScore {
  readonly name: string;
  readonly scale: number;
  readonly bicubicPsnr: number;
  readonly psnr: number;
  readonly gain: number;
  readonly bicubicSsim: number;
  readonly ssim: number;
  readonly kernelCorrelation: number;
  readonly kernelSource: string;
  /** Of the method in its kernel; null where it told none. */
  readonly confidence: number | null;
  readonly seconds: number;
  /** What the run had to say about it. */
  readonly remarks: string;
}

export interface PageFailure {
  readonly name: string;
  readonly reason: string;
}

export interface PageEntry {
  readonly score: PageScore;
  readonly origin: Origin;
  /** Name of the picture's file, beside the page. */
  readonly picture: string;
}

/** A kernel that correlates less than this with the true one counts as not found. */
const LEAST_CORRELATION = 0.6;

/** What quality.csv says of each pair. Throws `INPUT_UNREADABLE` where it has no pairs or something of a pair is missing. */
export function scoresIn(csv: string): { scores: PageScore[]; failures: PageFailure[] } {
  const rows = fromCsv(csv);
  const failures = rows.flatMap(({ pair, scale, remarks }) => (scale === '' ? [{ name: pair, reason: remarks }] : []));
  // A row of means has no size.
  const scores = rows.filter(({ scale, width }) => scale !== '' && width !== '').map(scoreIn);
  if (scores.length === 0) throw new KernelFusionError('INPUT_UNREADABLE', "The run's quality.csv holds no scores.");
  return { scores, failures };
}

function scoreIn(row: Readonly<Record<string, string>>): PageScore {
  const text = (key: string) => {
    if (row[key]) return row[key];
    throw new KernelFusionError('INPUT_UNREADABLE', `The run's quality.csv lacks "${key}" of a pair.`);
  };
  const number = (key: string) => {
    const value = Number(text(key));
    if (!Number.isNaN(value)) return value;
    throw new KernelFusionError('INPUT_UNREADABLE', `The run's quality.csv has no number for "${key}" of a pair.`);
  };
  return {
    name: text('pair'),
    scale: number('scale'),
    bicubicPsnr: number('bicubic_psnr_y_shift'),
    psnr: number('psnr_y_shift'),
    gain: number('gain'),
    bicubicSsim: number('bicubic_ssim_y_shift'),
    ssim: number('ssim_y_shift'),
    kernelCorrelation: number('kernel_ncc'),
    kernelSource: text('kernel_source'),
    confidence: row.confidence ? number('confidence') : null, // Runs of earlier versions lack the column.
    seconds: number('total_s'),
    remarks: row.remarks ?? '',
  };
}

/** By which of the page's rules a pair is a failure case; empty where it is none. */
export function shortcomings({ gain, kernelCorrelation, kernelSource }: PageScore): string[] {
  return [
    ...(gain < 0 ? [`the result is worse than bicubic (${signed(gain)} dB)`] : []),
    ...(kernelCorrelation < LEAST_CORRELATION ? [`the kernel was not found (${kernelCorrelation.toFixed(3)})`] : []),
    ...(kernelSource === 'bicubic' ? ['it fell back to the bicubic kernel'] : []),
  ];
}

/** `heading` says what was run. */
export function qualityPage(heading: string, entries: readonly PageEntry[], failures: readonly PageFailure[]): string {
  const scores = entries.map(({ score }) => score);
  const byGain = [...entries].sort((a, b) => b.score.gain - a.score.gain);
  return `${[
    '# Quality in pictures',
    '',
    `${heading} Made by \`kernelfusion bench page\` from what \`kernelfusion bench quality\` wrote.`,
    '',
    '## Table',
    '',
    'PSNR (dB) and SSIM on luma after the best sub-pixel shift, beside bicubic enlargement; the correlation of the kernel with the',
    'true one, and where it comes from.',
    '',
    ...table(scores, failures),
    '',
    '## Failure cases',
    '',
    'Every pair whose result is worse than bicubic enlargement (gain below 0), whose kernel was not found (correlation below',
    `${LEAST_CORRELATION.toFixed(2)}), or for which the method fell back to the bicubic kernel, which is no failure where the true one is bicubic.`,
    '',
    ...failureCases(scores, failures),
    '',
    '## Pairs, by gain',
    '',
    'From left to right: bicubic enlargement, result, truth; the true kernel and the kernel found. The window is where result and',
    'bicubic enlargement differ most (squares of luma), both moved onto the truth by whole pixels. Pixels are shown as squares. Each',
    'kernel is in colours from 0 (black) to its own largest value (yellow), below 0 in blue; its centre of mass is in the middle of its',
    'panel, and both are equally enlarged. The photographs were cut, reduced and blurred for the benchmark.',
    ...byGain.flatMap(section),
  ].join('\n')}\n`;
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function table(scores: readonly PageScore[], failures: readonly PageFailure[]): string[] {
  const head = [
    ...['pair', 'scale', 'bicubic dB', 'ours dB', '**gain**', 'bicubic SSIM', 'ours SSIM'],
    ...['kernel correlation', 'kernel', 'seconds'],
  ];
  const body = [...scores]
    .sort((a, b) => a.name.localeCompare(b.name, 'en'))
    .map((score) => cells(escaped(score.name), score, score.kernelSource));
  const failed = failures.map(({ name }) => [escaped(name), ...Array<string>(7).fill(''), 'failed', '']);
  const means = byScale(scores).map(([scale, group]) => {
    const meanOf = (value: (score: PageScore) => number) => mean(group.map(value));
    const all = {
      scale,
      bicubicPsnr: meanOf((s) => s.bicubicPsnr),
      psnr: meanOf((s) => s.psnr),
      gain: meanOf((s) => s.gain),
      bicubicSsim: meanOf((s) => s.bicubicSsim),
      ssim: meanOf((s) => s.ssim),
      kernelCorrelation: meanOf((s) => s.kernelCorrelation),
      seconds: meanOf((s) => s.seconds),
    };
    return cells(`**mean of ${group.length}**`, all, '');
  });
  const isText = (i: number) => i === 0 || i === 8;
  return [head, head.map((_, i) => (isText(i) ? '---' : '---:')), ...body, ...failed, ...means].map(line);
}

function cells(
  name: string,
  score: Omit<PageScore, 'name' | 'kernelSource' | 'confidence' | 'remarks'>,
  kernel: string,
): string[] {
  return [
    name,
    `x${score.scale}`,
    score.bicubicPsnr.toFixed(2),
    score.psnr.toFixed(2),
    signed(score.gain),
    score.bicubicSsim.toFixed(4),
    score.ssim.toFixed(4),
    score.kernelCorrelation.toFixed(3),
    kernel,
    score.seconds.toFixed(1),
  ];
}

function failureCases(scores: readonly PageScore[], failures: readonly PageFailure[]): string[] {
  const cases = [
    ...scores.flatMap((score) => {
      const why = shortcomings(score);
      return why.length === 0 ? [] : [`- ${escaped(score.name)}: ${why.join('; ')}`];
    }),
    ...failures.map(({ name, reason }) => `- ${escaped(name)}: ${escaped(reason)}`),
  ];
  const all = scores.length + failures.length;
  return cases.length === 0 ? [`None of ${all}.`] : [`${cases.length} of ${all}:`, '', ...cases];
}

function section({ score, origin, picture }: PageEntry): string[] {
  const { name, scale, gain, bicubicPsnr, psnr, bicubicSsim, ssim, kernelCorrelation, remarks } = score;
  const { kernelSource, confidence } = score;
  const sure = confidence === null ? '' : `, confidence ${confidence.toFixed(2)}`;
  const figures = [
    `x${scale}`,
    `gain ${signed(gain)} dB (${bicubicPsnr.toFixed(2)} to ${psnr.toFixed(2)})`,
    `SSIM ${bicubicSsim.toFixed(3)} to ${ssim.toFixed(3)}`,
    `kernel ${kernelCorrelation.toFixed(3)} (${kernelSource}${sure})`,
  ];
  const about = aboutPair(origin);
  return [
    '',
    `### ${escaped(name)}`,
    '',
    `${figures.join(', ')}.${remarks && ` ${escaped(remarks)}`}`,
    '',
    `![${escaped(name)}: bicubic, result, truth, true kernel, kernel found](${encodeURIComponent(picture)})`,
    ...(about ? ['', about] : []),
  ];
}

/** The true kernel's name, the noise, and whose photograph it is. */
function aboutPair({ photograph, licence, kernelName, noise }: Origin): string {
  const made = [
    ...(kernelName ? [`True kernel: ${escaped(kernelName)}`] : []),
    ...(noise ? [`noise ${Number((100 * noise).toPrecision(3))} % of white`] : []),
  ].join(', ');
  const from = [...(photograph ? [escaped(photograph)] : []), ...(licence ? [licenceLink(licence)] : [])].join(', ');
  return [...(made ? [`${made}.`] : []), ...(from ? [`Photograph: ${from}.`] : [])].join(' ');
}

/** A name of the SPDX licence list (it ends in a version) links to the text there. */
const licenceLink = (licence: string) =>
  /^[A-Za-z0-9-]+-\d+(\.\d+)+$/.test(licence)
    ? `[${licence}](https://spdx.org/licenses/${licence}.html)`
    : escaped(licence);

/** Text of which Markdown makes nothing else; an underscore between letters is none of its marks. */
const escaped = (text: string) => text.replaceAll(/[\\`*[\]<>|]|\b_|_\b/g, '\\$&');
