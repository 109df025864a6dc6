import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { Phase, Progress } from '../../helper/kernelfusion/method.ts';
import { createMeter, spokenTime } from '../../helper/progress.ts';
import { createDisplay, progressLine } from '../../helper/progress-display.ts';

const at = (phase: Phase, done: number, step = 1, steps = 2): Progress => ({ phase, step, steps, done });

/** A meter whose clock stands where the test puts it. */
function meterWithClock() {
  const clock = { seconds: 100 };
  const meter = createMeter(() => clock.seconds);
  const record = (seconds: number, progress: Progress) => {
    clock.seconds = 100 + seconds;
    return meter.record(progress);
  };
  return { clock, meter, record };
}

test('time between two events belongs to the phase of the later one', () => {
  const { clock, meter, record } = meterWithClock();
  record(2, at('prior', 0.1));
  record(5, at('prior', 0.3));
  record(6, at('kernel', 0.5));
  record(10, at('image', 0.9));
  clock.seconds = 111.5;
  assert.deepEqual(meter.timings(), { prior: 5, kernel: 1, image: 5.5, alpha: 0, total: 11.5 });
});

test('at a steady speed the time left is exact', () => {
  const { record } = meterWithClock();
  record(0.5, at('prior', 0)); // The engine starts.
  for (let i = 1; i <= 8; i++) {
    const reading = record(0.5 + i, at('prior', i / 20));
    assert.ok(Math.abs((reading.remaining ?? 0) - (20 - i)) < 1e-9);
    assert.equal(reading.elapsed, 0.5 + i);
  }
});

test('nothing is foretold from the first step, which waits for the engine', () => {
  const { record } = meterWithClock();
  assert.equal(record(3, at('prior', 0.01)).remaining, null);
  assert.equal(record(4, at('prior', 0.02)).remaining, 98);
});

test('after a change of speed the estimate follows within a few half-lives', () => {
  const { record } = meterWithClock();
  for (let i = 1; i <= 20; i++) record(i, at('image', i * 0.02));
  // Four times slower from here: 0.005 a second.
  let remaining: number | null = null;
  let done = 0.4;
  for (let i = 21; i <= 40; i++) {
    done += 0.005;
    remaining = record(i, at('image', done)).remaining;
  }
  const truth = (1 - done) / 0.005;
  assert.ok(remaining !== null && Math.abs(remaining / truth - 1) < 0.2, `${remaining} against ${truth}`);
});

test('a leap of progress between phases does not count as speed', () => {
  const { record } = meterWithClock();
  record(1, at('prior', 0.01));
  record(2, at('prior', 0.02));
  // Training ends early: 0.38 of the job falls away.
  const reading = record(3, at('kernel', 0.4));
  assert.ok(Math.abs((reading.remaining ?? 0) - 60) < 1e-9);
});

test('times are spoken in the unit that fits them', () => {
  assert.deepEqual([0, 0.2, 59, 59.5, 125, 3599.5, 4790].map(spokenTime), [
    '0 s',
    '1 s',
    '59 s',
    '1 min 00 s',
    '2 min 05 s',
    '1 h 00 min',
    '1 h 20 min',
  ]);
});

test('a progress line names phase, step, share and time left', () => {
  assert.equal(
    progressLine(at('kernel', 0.417, 3, 16), { elapsed: 9, remaining: 12.3 }),
    'finding the blur 3/16 · 41 % · about 13 s left',
  );
  assert.equal(
    progressLine(at('prior', 0, 0, 400), { elapsed: 0, remaining: null }),
    'learning the picture 0/400 · 0 %',
  );
});

test('a pipe gets a line at each new phase and every five seconds, not one a step', () => {
  const pipe = new PassThrough();
  const display = createDisplay(pipe);
  for (let step = 1; step <= 120; step++)
    display.show(at('prior', step / 240, step, 120), { elapsed: step / 10, remaining: 1 });
  display.show(at('kernel', 0.6, 1, 9), { elapsed: 12.1, remaining: 1 });
  display.stop();
  const lines = String(pipe.read()).trim().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(' ·')[0]),
    [
      'learning the picture 1/120',
      'learning the picture 51/120',
      'learning the picture 101/120',
      'finding the blur 1/9',
    ],
  );
});

test('a note is a line of its own, in a pipe and above the bar of a terminal, and none comes after the end', () => {
  for (const isTTY of [false, true]) {
    const stream = Object.assign(new PassThrough(), { isTTY, columns: 120, cursorTo() {} });
    const display = createDisplay(stream);
    display.show(at('image', 0.25, 4, 8), { elapsed: 3, remaining: 9 });
    display.note('The card is gone.');
    display.show(at('image', 0.5, 5, 8), { elapsed: 4, remaining: 9 });
    display.stop();
    display.note('Too late.');
    const text = String(stream.read());
    assert.ok(text.includes(isTTY ? '\r\u001b[KThe card is gone.\n' : '\nThe card is gone.\n'), text);
    assert.doesNotMatch(text, /Too late/);
  }
});

test('a terminal gets a bar with phase, share, step and time left', () => {
  const terminal = Object.assign(new PassThrough(), {
    isTTY: true,
    columns: 120,
    cursorTo() {},
  });
  const display = createDisplay(terminal);
  display.show(at('image', 0.25, 4, 8), { elapsed: 3, remaining: 9 });
  display.stop();
  assert.match(String(terminal.read()), /25 % · restoring the picture 4\/8 · about 9 s left/);
});
