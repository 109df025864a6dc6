/**
 * Where the time of a job went and how much is left, told from its progress events and a monotonic clock.
 *
 * The one idea: a forgetting average. Work done and time spent are both summed with a weight that halves every few
 * seconds, and their ratio is the present speed; so the estimate follows a machine that gets busy or free.
 */
import { PHASES, type Phase, type Progress } from './kernelfusion/method.ts';

/** Seconds spent in each phase (0 where a phase was not needed), and in all. */
export type Timings = Readonly<Record<Phase, number>> & { readonly total: number };

export interface Reading {
  /** Seconds since the meter was made. */
  readonly elapsed: number;
  /** Seconds still to go at the present speed; `null` while nothing is known about the speed. */
  readonly remaining: number | null;
}

export interface Meter {
  /** Takes in an event at the present time. */
  record(progress: Progress): Reading;
  /** Time up to now; what has passed since the last event belongs to the last phase seen. */
  timings(): Timings;
}

const HALF_LIFE = 5;

/** @param now seconds of a clock that never jumps */
export function createMeter(now: () => number = () => performance.now() / 1000): Meter {
  const start = now();
  const spent = Object.fromEntries(PHASES.map((phase) => [phase, 0])) as Record<Phase, number>;
  let last = { time: start, done: 0, phase: null as Phase | null };
  let recentTime = 0;
  let recentDone = 0;

  return {
    record({ phase, done }) {
      const time = now();
      const passed = time - last.time;
      spent[phase] += passed;
      // The first step of a phase tells nothing about speed: before it graphs are made ready, and `done` may leap (training
      // that stopped early).
      if (last.phase === phase) {
        const fade = 0.5 ** (passed / HALF_LIFE);
        recentTime = recentTime * fade + passed;
        recentDone = recentDone * fade + Math.max(0, done - last.done);
      }
      last = { time, done, phase };
      const remaining = recentDone > 0 ? (Math.max(0, 1 - done) * recentTime) / recentDone : null;
      return { elapsed: time - start, remaining };
    },

    timings() {
      const time = now();
      const seconds = { ...spent };
      if (last.phase !== null) seconds[last.phase] += time - last.time;
      return { ...seconds, total: time - start };
    },
  };
}

/** A length of time as a person says it: "4 s", "2 min 05 s", "1 h 20 min". */
export function spokenTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.ceil(whole / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
