/**
 * The report of one upscaling: a single HTML file to look at, with everything in it and nothing fetched from anywhere.
 *
 * Before and after under a slider and a lens, the kernel with its scale and how it developed, the training loss, and all that
 * decided the result: options, versions, times. A content security policy in the file forbids every request.
 */
import { centreOfMass, type Kernel } from '../../shared/kernel.ts';
import type { UpscaleOptions } from '../../shared/options.ts';
import { enlargeBicubic } from '../image/enlarge.ts';
import { cutPlanes, type Planes } from '../image/planes.ts';
import type { Picture } from '../image/read.ts';
import { encodePicture } from '../image/write.ts';
import { principalAxes } from '../kernel-axes.ts';
import { type KernelSource, type Layer, type MethodResult, PHASES, type Phase } from '../kernelfusion/method.ts';
import { spokenTime, type Timings } from '../progress.ts';
import type { Versions } from '../versions.ts';
import { COMPARISON_SCRIPT, comparison, pngUri } from './comparison.ts';
import { Html, html } from './html.ts';
import { kernelPng } from './kernel-png.ts';
import { lossCurve } from './loss-curve.ts';
import { STYLE } from './style.ts';

export interface ReportData {
  /** Name of the input file, without its folder. */
  readonly name: string;
  readonly picture: Picture;
  readonly options: UpscaleOptions;
  readonly result: MethodResult;
  /** Seconds. */
  readonly timings: Timings;
  readonly versions: Versions;
  /** Name of the executor, and its threads. */
  readonly executor: string;
  readonly threads: number;
}

/** Longest side in pixels of the pictures in the file. */
const LARGEST_SHOWN = 1600;
/** How many stages of the kernel are shown. */
const MOST_STAGES = 12;

const SOURCES: Readonly<Record<KernelSource, string>> = {
  estimated: 'estimated from this picture',
  given: 'given',
  bicubic: 'plain bicubic (fall-back)',
};

const PHASE_NAMES: Readonly<Record<Phase, string>> = {
  prior: 'Learning the patches',
  kernel: 'Finding the kernel',
  image: 'Restoring the picture',
  alpha: 'Restoring its alpha',
};

/** The report as HTML. */
export async function renderReport(data: ReportData): Promise<string> {
  const { name, picture, options, result, timings } = data;
  const shown = shownPart(picture.layer, options.scale);
  const info = { bits: 8, icc: picture.icc, density: picture.density } as const;
  const [before, after, heat, stages] = await Promise.all([
    encodePicture(enlargedPart(picture.layer, shown), info, 'png'),
    encodePicture(cutLayer(result.layer, scaled(shown.box, shown.scale)), info, 'png'),
    kernelPng(result.kernel, 1),
    Promise.all(
      chosenStages(result.kernels).map(async (stage) => ({ ...stage, png: await kernelPng(stage.kernel, 1) })),
    ),
  ]);
  const { width, height } = scaled(shown.box, shown.scale);
  const from = size(picture.layer.colour);
  const to = size(result.layer.colour);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name} enlarged x${options.scale}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<h1>${name}</h1>
<p class="lead">${from} enlarged to ${to} pixels in ${spokenTime(timings.total)}. Kernel: ${SOURCES[result.kernelSource]}.</p>
${notes([...picture.notes, ...result.notes])}
<h2>Before and after</h2>
${comparison({ before, after, width, height })}
${shown.whole ? '' : html`<p class="hint">The middle ${width} x ${height} pixels of ${to}, at full size.</p>`}
<h2>Kernel</h2>
${kernelSection(result, heat)}
${stagesSection(stages)}
${lossSection(result.losses)}
<h2>Figures</h2>
<div class="tables">
${table('Fidelity', [
  ['LR-consistency', `${result.lrConsistency.toFixed(2)} dB`],
  ['Noise assumed', `${tidy(result.noise)} levels of 255`],
])}
${table('Picture', [
  ['File', name],
  ['Format', `${picture.format}, ${picture.bits} bits, ${describeChannels(picture)}`],
  ['Size', `${from} pixels`],
  ['Result', `${to} pixels`],
  ['Density', `${tidy(picture.density)} pixels an inch`],
  ['Colour profile', picture.icc ? `kept (${picture.icc.length} bytes)` : 'none'],
])}
${table(
  'Options',
  Object.entries(options).map(([key, value]) => [key, value === null ? 'automatic' : String(value)]),
)}
${table('Time', [
  ...PHASES.map((phase): Fact => [PHASE_NAMES[phase], `${timings[phase].toFixed(1)} s`]),
  ['All', `${timings.total.toFixed(1)} s`],
])}
${table('Computed with', [
  ...Object.entries(data.versions).map(([key, value]): Fact => [key, String(value)]),
  ['executor', data.executor],
  ['threads', String(data.threads)],
])}
</div>
<p class="hint">LR-consistency: the result, blurred with the kernel and reduced again, compared with the input (PSNR). The higher,
the less was made up against what the input says.</p>
<p class="hint">Method: <a href="https://arxiv.org/abs/2503.21907">KernelFusion, arXiv 2503.21907</a>.</p>
</main>
<script>${new Html(COMPARISON_SCRIPT)}</script>
</body>
</html>
`;
  return page.markup;
}

/** A name and what it is. */
type Fact = readonly [string, string];

function list(facts: readonly (readonly string[])[]): Html {
  return html`<dl>
${facts.map(
  ([key, value]) => html`<dt>${key}</dt><dd>${value}</dd>
`,
)}</dl>`;
}

const table = (title: string, facts: readonly (readonly string[])[]) =>
  html`<section><h3>${title}</h3>${list(facts)}</section>`;

function notes(sentences: readonly string[]): Html {
  if (sentences.length === 0) return html``;
  return html`<div class="notes" role="note"><ul>${sentences.map((note) => html`<li>${note}</li>`)}</ul></div>`;
}

function kernelSection({ kernel, kernelSource, confidence }: MethodResult, png: Uint8Array): Html {
  const { size: side, data } = kernel;
  const [low, high] = [data.reduce((a, b) => Math.min(a, b)), data.reduce((a, b) => Math.max(a, b))];
  const bar = side >= 20 ? 10 : side >= 10 ? 5 : 1;
  const [dy, dx] = centreOfMass(kernel);
  return html`<div class="kernel">
<figure>
<img class="heat" src="${pngUri(png)}" alt="Heat map of the kernel, ${side} by ${side} values">
<div class="bar" style="width: ${((100 * bar) / side).toFixed(2)}%"></div>
<figcaption>${bar === 1 ? '1 pixel' : `${bar} pixels`} of the result</figcaption>
<div class="colours" role="img" aria-label="Colours from 0 to ${high.toPrecision(3)}"></div>
<div class="ends"><span>0</span><span>${high.toPrecision(3)}</span></div>
</figure>
<div>
<p>How the pixels of the result are weighted in a pixel of the input.</p>
${list([
  ['Source', SOURCES[kernelSource]],
  ...(confidence === null ? [] : [['Confidence', confidenceInWords(confidence)]]),
  ['Side', `${side} pixels of the result`],
  ['Largest value', high.toPrecision(3)],
  ['Smallest value', low === 0 ? '0' : `${low.toPrecision(3)}${low < 0 ? ' (negative values are blue)' : ''}`],
  ['Centre of mass', `${signed(dy)} down, ${signed(dx)} to the right of the centre`],
  [
    'Width',
    `${principalAxes(kernel).spread.map(tidy).join(' x ')} pixels (standard deviation, longest and shortest axis)`,
  ],
  ['Sense', 'correlation (rotate by 180 degrees for convolution)'],
])}
</div>
</div>`;
}

interface Stage {
  /** 1 for the first. */
  readonly step: number;
  readonly kernel: Kernel;
}

/** Up to twelve of the kernels, evenly spaced, the first and the last among them. */
function chosenStages(kernels: readonly Kernel[]): Stage[] {
  const count = Math.min(MOST_STAGES, kernels.length);
  return Array.from({ length: count }, (_, i) => {
    const at = count === 1 ? 0 : Math.round((i * (kernels.length - 1)) / (count - 1));
    return { step: at + 1, kernel: kernels[at] };
  });
}

function stagesSection(stages: readonly (Stage & { readonly png: Uint8Array })[]): Html {
  if (stages.length === 0) return html``;
  const oneScale = stages.every(({ kernel }) => kernel.scale === stages[0].kernel.scale);
  return html`<h2>How the kernel developed</h2>
<div class="steps">
${stages.map(
  ({ step, kernel, png }) => html`<figure>
<img class="heat" src="${pngUri(png)}" alt="Kernel at step ${step}">
<figcaption>step ${step}${oneScale ? '' : `, at x${kernel.scale}`}</figcaption>
</figure>
`,
)}</div>`;
}

function lossSection(losses: readonly number[]): Html {
  if (losses.length < 2 || !losses.every((v) => v > 0 && Number.isFinite(v))) return html``;
  return html`<h2>Training loss</h2>
<p class="hint">Mean squared error of the patch diffusion a step, and its running mean; logarithmic.</p>
${lossCurve(losses)}`;
}

interface Box {
  readonly top: number;
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

interface Shown {
  /** In pixels of the input. */
  readonly box: Box;
  readonly scale: UpscaleOptions['scale'];
  readonly whole: boolean;
}

/** The middle of the input, as large as the pictures in the report may be. */
function shownPart({ colour }: Layer, scale: UpscaleOptions['scale']): Shown {
  const most = Math.floor(LARGEST_SHOWN / scale);
  const [width, height] = [Math.min(most, colour.width), Math.min(most, colour.height)];
  const box = {
    top: Math.floor((colour.height - height) / 2),
    left: Math.floor((colour.width - width) / 2),
    width,
    height,
  };
  return { box, scale, whole: width === colour.width && height === colour.height };
}

const scaled = ({ top, left, width, height }: Box, s: number): Box => ({
  top: s * top,
  left: s * left,
  width: s * width,
  height: s * height,
});

function cutLayer({ colour, alpha }: Layer, { top, left, width, height }: Box): Layer {
  const cut = (planes: Planes) => cutPlanes(planes, top, left, width, height);
  return { colour: cut(colour), alpha: alpha && cut(alpha) };
}

/** Input pixels around a part that its bicubic enlargement looks at. */
const REACH = 2;

/** That part of the bicubic enlargement of the layer. */
function enlargedPart(layer: Layer, { box, scale }: Shown): Layer {
  const top = Math.max(0, box.top - REACH);
  const left = Math.max(0, box.left - REACH);
  const around = cutLayer(layer, {
    top,
    left,
    width: Math.min(layer.colour.width, box.left + box.width + REACH) - left,
    height: Math.min(layer.colour.height, box.top + box.height + REACH) - top,
  });
  const enlarged = {
    colour: enlargeBicubic(around.colour, scale),
    alpha: around.alpha && enlargeBicubic(around.alpha, scale),
  };
  return cutLayer(enlarged, scaled({ ...box, top: box.top - top, left: box.left - left }, scale));
}

const size = ({ width, height }: Planes) => `${width} x ${height}`;
const tidy = (v: number) => String(Number(v.toFixed(2)));
const signed = (v: number) => `${v < 0 ? '' : '+'}${v.toFixed(2)}`;
const confidenceInWords = (v: number) =>
  `${Math.round(100 * v)} % (probability that it restores a better picture than the plain bicubic one)`;

function describeChannels({ grey, layer }: Picture): string {
  return `${grey ? 'grey' : 'colour'}${layer.alpha ? ' with alpha' : ''}`;
}
