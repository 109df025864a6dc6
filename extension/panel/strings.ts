/**
 * Every word the panel says by itself, in one place, ready for translation. Sentences of failures come with their codes from
 * where they happen (shared/errors.ts).
 */
import type { JobProgress } from './helper-client.ts';

const EDITORS: Readonly<Record<string, string>> = { minipaint: 'miniPaint', piskel: 'Piskel', photopea: 'Photopea' };

const PHASES: Readonly<Record<JobProgress['phase'], string>> = {
  prior: 'Learning the picture',
  kernel: 'Estimating the kernel',
  image: 'Sharpening the picture',
  alpha: 'Enlarging the transparency',
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
  tryAgain: 'Try again',
  dismiss: 'Dismiss',
  percent,
  size,
  helper: {
    heading: 'Helper',
    connecting: 'Looking for the helper',
    connected: 'Helper connected',
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
    away: 'The helper is away. The job goes on by itself as soon as it is back.',
    copy: 'Copy',
    copied: 'Copied',
    copyCommand: (command: string) => `Copy "${command}"`,
  },
  editor: {
    heading: 'Layer',
    connecting: 'Looking for an editor',
    none: 'No editor here',
    noPermission: 'Let KernelFusion into this tab',
    editors: 'KernelFusion works in Photopea, miniPaint and Piskel.',
    clickButton: "Bring the editor's tab to the front, then click KernelFusion's button in the toolbar.",
    allow: (site: string) => `Always allow on ${site}`,
    noLayer: 'No layer is selected. Select one in the editor.',
    refresh: 'Look again',
    name: (name: string) => EDITORS[name] ?? name,
    thumbnail: (name: string) => `Layer ${name}`,
    becomes: (width: number, height: number) => `becomes ${size(width, height)}`,
    tooSmall: (least: number) => `A layer has to be at least ${least} pixels wide and high.`,
    selfTest: 'Check Photopea',
  },
  options: {
    scale: 'Scale',
    times: (scale: number) => `${scale}×`,
    tooLong: (longest: number) => `This editor's documents end at ${longest} pixels a side.`,
    tooMany: 'The result would have too many pixels.',
    insertWhenDone: 'Insert when done',
    mode: 'Insert into',
    modes: {
      'enlarge-document': 'the document, enlarged',
      'keep-document': 'the document as it is',
      'new-document': 'a new document',
    },
    kernel: 'Kernel',
    kernelOwn: 'estimated from the layer',
    kernelGiven: (name: string) => `from ${name}`,
    kernelClear: 'Estimate it instead',
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
    queued: (position: number) => (position === 0 ? 'Starting' : `Waiting: ${position} before it`),
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
    undo: 'Undo insertion',
    close: 'New picture',
    notInserted: 'The new layer was not inserted',
  },
  history: {
    heading: 'History',
    show: (name: string) => `Show ${name}`,
    remove: (name: string) => `Remove ${name} from the history`,
    removeShort: 'Remove',
    clear: 'Clear history',
    when: (time: number) => new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }),
  },
} as const;
