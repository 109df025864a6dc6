import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PageScore, qualityPage, scoresIn, shortcomings } from '../../../helper/commands/quality-page.ts';
import { fromCsv, headingOf, type Score, toCsv, toMarkdown } from '../../../helper/commands/quality-table.ts';
import { KernelFusionError } from '../../../shared/errors.ts';

const scored = (psnr: number) => ({
  psnrY: psnr - 1,
  ssimY: 0.5,
  psnrRgb: psnr,
  psnrYShift: psnr,
  ssimYShift: psnr / 100,
  shift: [0, 0] as const,
});

const row: Score = {
  ok: true,
  name: 'a',
  scale: 4,
  width: 20,
  height: 30,
  bicubic: scored(24),
  ours: scored(25.5),
  kernel: { ncc: 0.75, l1: 0.5, shift: [0, 0] },
  kernelSource: 'estimated',
  confidence: 0.625,
  notes: ['One, "two"\nand\r\nthree.'],
  lrConsistency: 40,
  timings: { prior: 1, kernel: 2, image: 3, alpha: 0, total: 6 },
  peakMemory: 1e8,
};

const score: PageScore = {
  name: 'a',
  scale: 4,
  bicubicPsnr: 24,
  psnr: 25.5,
  gain: 1.5,
  bicubicSsim: 0.24,
  ssim: 0.255,
  kernelCorrelation: 0.75,
  kernelSource: 'estimated',
  confidence: 0.625,
  seconds: 6,
  remarks: '',
};

const code = (expected: string) => (e: unknown) => e instanceof KernelFusionError && e.code === expected;

const page = (scores: readonly PageScore[], failures: Parameters<typeof qualityPage>[2] = [], origin = {}) =>
  qualityPage(
    'Preset best, seed 7.',
    scores.map((each) => ({ score: each, origin, picture: `${each.name}.png` })),
    failures,
  );

/** The lines between a heading and the next. */
const part = (markdown: string, heading: string) =>
  markdown.split(`## ${heading}\n`)[1].split(/^#/m)[0].trim().split('\n');

test('what is written as CSV is read as it was, also quotes, commas and ends of lines, also from a spreadsheet', () => {
  const csv = toCsv([row, { ok: false, name: 'b', reason: 'ENGINE_FAILED: Out.' }]);
  const [first, second, means, ...rest] = fromCsv(csv);
  assert.equal(first.remarks, row.notes[0]);
  assert.equal(first.gain, '1.5000');
  assert.equal(first.bicubic_psnr_alpha, '');
  assert.equal(second.remarks, 'failed: ENGINE_FAILED: Out.');
  assert.equal(means.pair, 'mean');
  assert.deepEqual(rest, []);
  assert.deepEqual(fromCsv('a,b\r\n1,"2"\r\n,'), [
    { a: '1', b: '2' },
    { a: '', b: '' },
  ]);
});

test('scores are those of the pairs; means are left out and failed pairs keep their reason', () => {
  const { scores, failures } = scoresIn(toCsv([row, { ok: false, name: 'b', reason: 'ENGINE_FAILED: Out.' }]));
  assert.deepEqual(scores, [{ ...score, remarks: row.notes[0] }]);
  assert.deepEqual(failures, [{ name: 'b', reason: 'failed: ENGINE_FAILED: Out.' }]);
});

test('the confidence is a column of its own, empty and left out of the mean where there is none, and runs without it are read', () => {
  const csv = toCsv([row, { ...row, name: 'b', kernelSource: 'given', confidence: null }]);
  assert.deepEqual(
    fromCsv(csv).map(({ confidence }) => confidence),
    ['0.6250', '', '0.6250'],
  );
  const confidences = (table: string) => scoresIn(table).scores.map(({ confidence }) => confidence);
  assert.deepEqual(confidences(csv), [0.625, null]);
  assert.deepEqual(confidences(csv.replace('confidence', 'earlier')), [null, null]);
  assert.match(toMarkdown('', [row]), /^\| pair .*\| L1 \| confidence \|.*\n.*\n.*\| 0\.500 \| 0\.63 \|/m);
});

test('a table without pairs, without a column, or with something else than a number is refused', () => {
  const csv = toCsv([row]);
  for (const [wrong, sentence] of [
    ['', /no scores/],
    [toCsv([]), /no scores/],
    [csv.replace('kernel_ncc', 'ncc'), /lacks "kernel_ncc"/],
    [csv.replace('1.5000', 'much'), /no number for "gain"/],
  ] as const) {
    assert.throws(() => scoresIn(wrong), code('INPUT_UNREADABLE'));
    assert.throws(() => scoresIn(wrong), sentence);
  }
});

test('what was run is found again in the Markdown of the run', () => {
  assert.equal(headingOf(toMarkdown('Preset best, seed 7.', [row])), 'Preset best, seed 7.');
  assert.equal(headingOf('# Something else\n'), undefined);
});

test('a failure is a gain below 0, a correlation below 0.6 or the bicubic kernel: no less and no more', () => {
  assert.deepEqual(shortcomings({ ...score, gain: 0, kernelCorrelation: 0.6, kernelSource: 'given' }), []);
  assert.match(shortcomings({ ...score, gain: -0.01 }).join(), /^the result is worse than bicubic \(-0\.01 dB\)$/);
  assert.match(shortcomings({ ...score, kernelCorrelation: 0.5994 }).join(), /^the kernel was not found \(0\.599\)$/);
  assert.match(shortcomings({ ...score, kernelSource: 'bicubic' }).join(), /^it fell back to the bicubic kernel$/);
  assert.equal(shortcomings({ ...score, gain: -1, kernelCorrelation: 0, kernelSource: 'bicubic' }).length, 3);
});

test('failure cases are named with the reason and counted, and where there are none the page says so', () => {
  const bad = { ...score, name: 'd', gain: -2 };
  assert.deepEqual(part(page([score, bad], [{ name: 'e', reason: 'failed: x' }]), 'Failure cases').slice(-4), [
    '2 of 3:',
    '',
    '- d: the result is worse than bicubic (-2.00 dB)',
    '- e: failed: x',
  ]);
  assert.equal(part(page([score]), 'Failure cases').at(-1), 'None of 1.');
});

test('the table has every pair by its name, failed ones too, then the means of each scale', () => {
  const rows = part(
    page(
      [
        { ...score, name: 'c', gain: -0.5, psnr: 23.5, seconds: 8, kernelCorrelation: 0.25 },
        score,
        { ...score, name: 'b', scale: 2, kernelSource: 'bicubic' },
      ],
      [{ name: 'e', reason: 'failed: x' }],
    ),
    'Table',
  ).filter((line) => line.startsWith('|'));
  assert.deepEqual(rows.slice(2), [
    '| a | x4 | 24.00 | 25.50 | +1.50 | 0.2400 | 0.2550 | 0.750 | estimated | 6.0 |',
    '| b | x2 | 24.00 | 25.50 | +1.50 | 0.2400 | 0.2550 | 0.750 | bicubic | 6.0 |',
    '| c | x4 | 24.00 | 23.50 | -0.50 | 0.2400 | 0.2550 | 0.250 | estimated | 8.0 |',
    '| e |  |  |  |  |  |  |  | failed |  |',
    '| **mean of 1** | x2 | 24.00 | 25.50 | +1.50 | 0.2400 | 0.2550 | 0.750 |  | 6.0 |',
    '| **mean of 2** | x4 | 24.00 | 24.50 | +0.50 | 0.2400 | 0.2550 | 0.500 |  | 7.0 |',
  ]);
  assert.ok(rows.every((line) => line.split('|').length === rows[0].split('|').length));
});

test('pairs follow by gain, each with its picture, remarks and what is known of its photograph', () => {
  const markdown = page(
    [score, { ...score, name: 'best one', gain: 3, remarks: 'Took long.' }, { ...score, name: 'c', gain: 2 }],
    [],
    { photograph: 'Jo_e, _Pop_ [x]', licence: 'CC-BY-4.0', kernelName: 'levin_4', noise: 0.01 },
  );
  assert.deepEqual(markdown.match(/^### .*/gm), ['### best one', '### c', '### a']);
  assert.match(markdown, /^!\[best one: [^\]]+\]\(best%20one\.png\)$/m);
  assert.match(markdown, /, kernel 0\.750 \(estimated, confidence 0\.63\)\./);
  assert.match(page([{ ...score, confidence: null }]), /, kernel 0\.750 \(estimated\)\./);
  assert.match(markdown, /gain \+3\.00 dB \(24\.00 to 25\.50\).* Took long\.$/m);
  const about =
    'True kernel: levin_4, noise 1 % of white. Photograph: Jo_e, \\_Pop\\_ \\[x\\], ' +
    '[CC-BY-4.0](https://spdx.org/licenses/CC-BY-4.0.html).';
  assert.equal(markdown.split(about).length, 4);
});

test('a licence in words is no link, and a pair of which nothing is known has no line about it', () => {
  assert.match(page([score], [], { licence: 'public domain, they say' }), /^Photograph: public domain, they say\.$/m);
  assert.ok(page([score]).endsWith('(a.png)\n'));
});

test('the page says what was run', () => {
  assert.match(page([score]), /^Preset best, seed 7\. Made by `kernelfusion bench page`/m);
});
