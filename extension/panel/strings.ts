/**
 * Every word the panel says by itself, in one place, ready for translation. Sentences of failures come with their codes from
 * where they happen (shared/errors.ts).
 */
import type { Preset } from '../../shared/options.ts';
import type { JobProgress } from './helper-client.ts';

const EDITORS: Readonly<Record<string, string>> = { minipaint: 'miniPaint', piskel: 'Piskel', photopea: 'Photopea' };

const PHASES: Readonly<Record<JobProgress['phase'], string>> = {
  prior: 'Learning the picture',
  kernel: 'Estimating the kernel',
  image: 'Sharpening the picture',
  alpha: 'Enlarging the transparency',
};

const PRESET_WORDS: Readonly<Record<Preset, { readonly name: string; readonly about: string }>> = {
  fast: { name: 'Fast', about: 'A quick look: few guesses at the blur, no network trained.' },
  balanced: { name: 'Balanced', about: 'Learns the patches of this layer and tries more guesses at the blur.' },
  best: { name: 'Best', about: 'Learns the patches for longer, for little more: takes nearly twice as long.' },
  paper: {
    name: 'Paper',
    about: 'The method as published, made for graphics cards: about 8 hours for a small layer without one.',
  },
  'paper-small': {
    name: 'Paper, scaled down',
    about:
      'The published method in less than half an hour and 4 GB for a small layer. A reference: Balanced is the better choice.',
  },
};

const percent = (share: number) => `${Math.round(100 * share)} %`;

/** Seconds as people say them. */
function duration(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

const bytes = (count: number) =>
  count < 1e9 ? `${Math.max(1, Math.round(count / 1e6))} MB` : `${(count / 1e9).toFixed(1)} GB`;
const size = (width: number, height: number) => `${width} × ${height}`;

export const STRINGS = {
  title: 'KernelFusion',
  copy: {
    copy: 'Copy',
    copied: 'Copied',
    notCopied: 'Copy it by hand',
    command: (command: string) => `Copy "${command}"`,
  },
  tryAgain: 'Try again',
  dismiss: 'Dismiss',
  notOpened: 'The panel could not be opened',
  percent,
  size,
  helper: {
    heading: 'Helper',
    connecting: 'Looking for the helper',
    /** What the lamp at the top says. */
    lamp: {
      connecting: 'Looking for the helper',
      absent: 'No helper',
      unpaired: 'Not paired',
      refused: 'Not connected',
      ready: 'Helper connected',
    },
    absent: 'The helper is not running',
    howToStart: 'KernelFusion computes on your own computer, in a small program. Start it in a terminal:',
    startCommand: 'kernelfusion serve',
    whenStarted: 'The panel connects by itself as soon as it runs.',
    unpaired: 'Pair this panel with the helper',
    howToPair: 'The helper shows a code of six digits when it starts. For a new one, run:',
    pairCommand: 'kernelfusion pair',
    code: 'Pairing code',
    port: 'Port',
    pair: 'Pair',
    pairing: 'Pairing',
    outdated: 'Versions do not fit',
    refused: 'Not connected',
    away: 'The helper is away. The job goes on by itself as soon as the panel is connected with it again.',
  },
  editor: {
    heading: 'Layer',
    connecting: 'Looking for an editor',
    none: 'No editor here',
    noPermission: 'Let KernelFusion into this tab',
    editors: 'KernelFusion works in Photopea, miniPaint and Piskel.',
    clickButton: "Bring the editor's tab to the front, then click KernelFusion's button in the toolbar.",
    allowAlways: 'Or allow it for good on',
    allow: (site: string) => `Allow on ${site} for good`,
    noLayer: 'No layer is selected. Select one in the editor.',
    refresh: 'Look again',
    name: (name: string) => EDITORS[name] ?? name,
    thumbnail: (name: string) => `Layer ${name}`,
    becomes: (width: number, height: number) => `becomes ${size(width, height)}`,
    tooSmall: (least: number) => `A layer has to be at least ${least} pixels wide and high.`,
    selfTest: 'Check Photopea',
    selfTestHelp: 'Tries with a temporary document whether Photopea does all that is needed. Yours stays as it is.',
    passed: 'Passed:',
    failed: 'Failed:',
    startSelfTest: 'Start the check',
  },
  options: {
    heading: 'Options',
    scale: 'Scale',
    times: (scale: number) => `${scale}×`,
    tooLong: (longest: number) => `This editor's documents end at ${longest} pixels a side.`,
    tooMany: 'The result would have too many pixels.',
    otherKernel: (scale: number) => `The chosen kernel is for ${scale}×.`,
    preset: 'Preset',
    presets: PRESET_WORDS,
    insertWhenDone: 'Insert when done',
    mode: 'Insert into',
    modes: {
      'enlarge-document': 'the document, enlarged',
      'keep-document': 'the document as it is',
      'new-document': 'a new document',
    },
    kernel: 'Kernel',
    kernelOwn: 'to be found',
    kernelGiven: (name: string) => `from ${name}`,
    kernelTurn: 'Turn the kernel by 180°',
    kernelClear: 'Have it found instead',
    kernelFromFile: 'From a file…',
    kernelRefused: 'This file was not taken',
    kernelUnreadable: 'The browser could not read the file. Choose it once more.',
  },
  estimate: {
    asking: 'Estimating time and memory',
    takes: (seconds: number, memory: number) => `Takes about ${duration(seconds)} and ${bytes(memory)} of memory.`,
  },
  work: {
    heading: 'Progress',
    upscale: 'Upscale',
    cancel: 'Cancel',
    cancelling: 'Cancelling',
    reading: 'Reading the layer',
    uploading: 'Sending the layer',
    queued: (before: number) =>
      before === 0 ? 'Starting' : `Waiting for ${before} other job${before === 1 ? '' : 's'}`,
    short: 'Waiting for room',
    shortHelp: 'The job goes on by itself as soon as there is enough.',
    phase: (phase: JobProgress['phase']) => PHASES[phase],
    fetching: 'Fetching the picture',
    inserting: 'Inserting the layer',
    away: 'Waiting for the helper',
    eta: (seconds: number) => `about ${duration(seconds)} left`,
    preview: 'The picture so far',
    kernel: 'The kernel so far',
    failed: 'It did not work',
    code: (code: string) => `Code ${code}`,
  },
  done: {
    heading: 'Result',
    done: 'The picture is done.',
    inserted: 'The new layer is in the document.',
    insert: 'Insert',
    insertAgain: 'Insert again',
    undo: 'Undo insertion',
    close: 'New picture',
    trouble: {
      keeping: 'The result could not be kept: download it before you go on',
      inserting: 'The new layer was not inserted',
      undoing: 'The insertion was not undone: undo it in the editor',
    },
  },
  result: {
    before: 'Before',
    after: 'After',
    compare: 'Share of the picture that is shown as it was before',
    lens: 'Zoom lens',
    lensAt: (x: number, y: number) => `${percent(x)} from the left, ${percent(y)} from the top`,
    through: (what: string) => `${what}, through the lens`,
    kernelMap: (size: number) => `Blur kernel, ${size} × ${size}`,
    consistency: (decibel: number) => `${decibel.toFixed(1)} dB`,
    consistencyLabel: 'Consistency',
    consistencyHelp: 'How well the picture, blurred and reduced again, gives the layer back.',
    confidenceLabel: 'Confidence in the kernel',
    confidenceHelp: 'How likely it is that this kernel makes a better picture than plain enlarging.',
    uncertain: (preset: Preset) =>
      'The kernel is uncertain: compare the picture before and after. ' +
      (preset === 'fast'
        ? `A larger or sharper layer, or the preset ${PRESET_WORDS.balanced.name}, may give a better one.`
        : 'A larger or sharper layer may give a better one.'),
    seconds: (count: number) => duration(count),
    time: 'Time',
    download: 'Download picture',
    useKernel: 'Use this kernel for another layer',
    exportKernel: 'Export kernel',
    format: 'Format',
    recipe: (tool: string) => `With ${tool}`,
    copyRecipe: 'Copy recipe',
    export: (extension: string) => `Export ${extension}`,
  },
  history: {
    heading: 'History',
    remove: (name: string) => `Remove ${name} from the history`,
    when: (time: number) => new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }),
  },
} as const;
