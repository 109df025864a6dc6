/**
 * The benchmark of the helper: what it measures is measured on real processes here too, but not judged.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { benchCancel, PLACES } from '../../../helper/commands/bench-cancel.ts';
import { type BenchServerRequest, benchServer } from '../../../helper/commands/bench-server.ts';
import { benchTransfer } from '../../../helper/commands/bench-transfer.ts';
import { figuresOfCancel, figuresOfTransfer, serverTable } from '../../../helper/commands/server-table.ts';
import { noProc } from '../../support/processes.ts';

const cli = fileURLToPath(new URL('../../../helper/cli.js', import.meta.url));

/** Temporary files of this test go to a folder of their own, where what is left can be seen. */
const temporary = mkdtempSync(path.join(tmpdir(), 'kf-bench-server-'));
process.env.TMPDIR = temporary;
after(() => rm(temporary, { recursive: true }));
const homes = async () => (await readdir(temporary)).filter((name) => name.startsWith('kernelfusion-bench-'));

async function setUp() {
  const outDir = await mkdtemp(path.join(temporary, 'out-'));
  const lines: string[] = [];
  const asked: string[] = [];
  const run = (changes: Partial<BenchServerRequest> = {}) =>
    benchServer({
      ...{ side: 4096, rounds: 3, cancelSide: 64, outDir, print: (line: string) => lines.push(line) },
      transfer: async () => ({ bytes: 100, growth: 250, rounds: [{ up: 2, down: 1, echo: 1 }] }),
      cancel: async ({ places }) => {
        asked.push(...places);
        return places.map((place) => ({ place, seconds: place === 'alpha' ? null : 0.25 }));
      },
      ...changes,
    });
  return { outDir, lines, asked, run, table: () => readFile(path.join(outDir, 'server.md'), 'utf8') };
}

test('every figure stands beside its bar, met, missed or not measured', async () => {
  const { run, table, lines, asked } = await setUp();
  const { figures } = await run();
  assert.deepEqual(asked, [...PLACES]);
  const rows = (await table()).split('\n').filter((line) => line.startsWith('| '));
  assert.equal(rows.length, 1 + 1 + figures.length);
  for (const row of [
    '| layer to the queue | 2.000 s |  |  |',
    '| both ways, in echoes | 3.000 | at most 3 | met |',
    "| growth of the helper's memory, in layers | 2.500 | at most 2 | missed |",
    '| cancel to silence, kernel | 0.250 s | at most 1 s | met |',
    '| cancel to silence, alpha | not measured | at most 1 s |  |',
  ]) {
    assert.ok(rows.includes(row), `${row} in\n${rows.join('\n')}`);
  }
  assert.equal(lines.length, figures.length);
  assert.match(lines[4], /2\.500 {2}\(at most 2: missed\)$/);
});

test('each round is compared with its own echo, and the median of those is told', () => {
  const rounds = [
    { up: 1, down: 1, echo: 1 },
    { up: 8, down: 2, echo: 2 },
    { up: 3, down: 1, echo: 4 },
  ];
  const figures = figuresOfTransfer({ bytes: 1, rounds, growth: null });
  assert.deepEqual(
    figures.map(({ value }) => value),
    [3, 1, 2, 2, null],
  );
  assert.match(serverTable('', figures), /in layers \| not measured \| at most 2 \| {2}\|/);
  assert.deepEqual(
    figuresOfCancel([{ place: 'image', seconds: 1.5 }]).map(({ name, value, bar }) => [name, value, bar]),
    [['cancel to silence, image', 1.5, 1]],
  );
});

test('what was measured before a failure is in the table', async () => {
  const { run, table } = await setUp();
  const cancel: BenchServerRequest['cancel'] = async () => {
    throw new Error('no');
  };
  await assert.rejects(run({ cancel }), /no/);
  assert.match(await table(), /in echoes \| 3\.000/);
});

test('a side that no layer has is refused before anything is measured', async () => {
  const { run, outDir } = await setUp();
  for (const change of [{ side: 4097 }, { side: 15 }, { cancelSide: 0 }, { cancelSide: 99.5 }]) {
    await assert.rejects(run(change), { code: 'BAD_OPTION', message: /from 16 to 4096/ });
  }
  assert.ok(!existsSync(path.join(outDir, 'server.md')));
});

test('a layer goes to a real helper and a result comes back, beside an echo, and nothing stays', async () => {
  const seen: object[] = [];
  const { bytes, rounds, growth } = await benchTransfer({
    ...{ side: 600, rounds: 2, cli },
    onRound: (round) => seen.push(round),
  });
  assert.equal(bytes, 600 * 600 * 4);
  assert.equal(rounds.length, 2);
  assert.deepEqual(seen, rounds);
  for (const { up, down, echo } of rounds) assert.ok(up > 0 && down > 0 && echo > 0);
  assert.equal(growth === null, noProc() !== false);
  assert.ok(growth === null || growth > 0);
  assert.deepEqual(await homes(), []);
});

test('jobs of a real helper are cancelled where they are to be, and their processes are gone', async () => {
  const places = ['uploading', 'queued', 'prior'] as const;
  const cancelled = await benchCancel({ side: 16, places, cli });
  assert.deepEqual(
    cancelled.map(({ place }) => place),
    places,
  );
  for (const { seconds } of cancelled) assert.ok(seconds !== null && seconds > 0);
  assert.deepEqual(await homes(), []);
});

test('an interrupted benchmark ends at once and takes its helper along', async () => {
  const controller = new AbortController();
  const running = benchCancel({
    ...{ side: 16, places: ['prior', 'alpha'], cli, signal: controller.signal },
    onCancelled: () => controller.abort(),
  });
  await assert.rejects(running, { code: 'CANCELLED' });
  await assert.rejects(benchTransfer({ side: 16, rounds: 1, cli, signal: controller.signal }), { code: 'CANCELLED' });
  assert.deepEqual(await homes(), []);
});

test('a helper that does not come up is told', async () => {
  const notThere = path.join(tmpdir(), 'no-such-script.js');
  await assert.rejects(benchCancel({ side: 16, places: ['prior'], cli: notThere }), { code: 'HELPER_NOT_RUNNING' });
  assert.deepEqual(await homes(), []);
});
