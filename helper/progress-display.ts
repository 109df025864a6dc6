/**
 * Progress for a person at a terminal: a bar that redraws itself; or, where the output is a file or a pipe, a plain line
 * at each new phase and now and then between.
 */
import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';
import type { Phase, Progress } from './kernelfusion/method.ts';
import { type Reading, spokenTime } from './progress.ts';

export interface Display {
  show(progress: Progress, reading: Reading): void;
  /** A sentence that stays to be read. */
  note(sentence: string): void;
  /** Leaves the terminal clean; nothing is shown after it. */
  stop(): void;
}

const TITLES: Record<Phase, string> = {
  prior: 'learning the picture',
  kernel: 'finding the blur',
  image: 'restoring the picture',
  alpha: 'restoring transparency',
};

const LINE_EVERY_SECONDS = 5;

const remainingText = ({ remaining }: Reading) => (remaining === null ? '' : `about ${spokenTime(remaining)} left`);

/** One line without a bar: `finding the blur 3/16 · 41 % · about 12 s left`. */
export function progressLine(progress: Progress, reading: Reading): string {
  const parts = [
    `${TITLES[progress.phase]} ${progress.step}/${progress.steps}`,
    `${Math.floor(progress.done * 100)} %`,
  ];
  if (reading.remaining !== null) parts.push(remainingText(reading));
  return parts.join(' · ');
}

export function createDisplay(stream: Writable & { isTTY?: boolean }): Display {
  return stream.isTTY ? barDisplay(stream) : lineDisplay(stream);
}

function barDisplay(stream: Writable): Display {
  const resolution = 1000;
  const bar = new SingleBar(
    {
      stream,
      format: '{bar} {percentage} % · {title} {step}/{steps} · {remaining}',
      barsize: 24,
      gracefulExit: false, // Signals belong to the command line, which stops the display.
      linewrap: true, // Cut at the terminal's width, and nothing to set back if the process is killed.
    },
    Presets.shades_classic,
  );
  let stopped = false;
  const wording = (progress: Progress, reading: Reading) => ({
    title: TITLES[progress.phase],
    step: progress.step,
    steps: progress.steps,
    remaining: remainingText(reading).padEnd(24),
  });
  return {
    show(progress, reading) {
      if (stopped) return;
      const value = Math.floor(progress.done * resolution);
      if (bar.isActive) bar.update(value, wording(progress, reading));
      else bar.start(resolution, value, wording(progress, reading));
    },
    note(sentence) {
      if (stopped) return;
      // The bar, where there is one, is drawn again below.
      stream.write(`\r\x1b[K${sentence}\n`);
    },
    stop() {
      stopped = true;
      bar.stop();
    },
  };
}

function lineDisplay(stream: Writable): Display {
  let phase: Phase | null = null;
  let due = 0;
  let stopped = false;
  return {
    show(progress, reading) {
      if (stopped || (progress.phase === phase && reading.elapsed < due)) return;
      phase = progress.phase;
      due = reading.elapsed + LINE_EVERY_SECONDS;
      stream.write(`${progressLine(progress, reading)}\n`);
    },
    note(sentence) {
      if (!stopped) stream.write(`${sentence}\n`);
    },
    stop() {
      stopped = true;
    },
  };
}
