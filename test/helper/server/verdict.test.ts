import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure, ResultInfo } from '../../../helper/server/jobs.ts';
import { judge } from '../../../helper/server/verdict.ts';

const end = (exitCode: number | null, signal: NodeJS.Signals | null = null) => ({ exitCode, signal, lastWords: '' });
const result = { bytes: 4 } as ResultInfo;
const failure: Failure = { code: 'ENGINE_FAILED', sentence: 'It failed.' };

test('a result on the disk counts, however the process ended', () => {
  for (const how of [end(0), end(1), end(null, 'SIGKILL'), end(null, 'SIGSEGV')]) {
    assert.deepEqual(judge(how, failure, result, false), { kind: 'done', result });
  }
});

test("the worker's own last word comes next", () => {
  assert.deepEqual(judge(end(0), failure, null, false), { kind: 'failed', error: failure });
});

test('a last word of memory or disk that is short does not fail the job for good', () => {
  for (const code of ['NOT_ENOUGH_MEMORY', 'SPOOL_FULL'] as const) {
    const shortage: Failure = { code, sentence: 'There is too little.' };
    assert.deepEqual(judge(end(0), shortage, null, false), { kind: 'short', shortage });
  }
});

test('a process ended from outside says nothing against its job', () => {
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    assert.deepEqual(judge(end(null, signal), null, null, false), { kind: 'interrupted' });
  }
  assert.deepEqual(
    judge(end(0xc000013a), null, null, false),
    { kind: 'interrupted' },
    'Windows: its console was closed',
  );
});

test('while the helper ends, no end is held against a job but a failure it has told', () => {
  for (const how of [end(0), end(3), end(null, 'SIGSEGV'), end(null)]) {
    assert.deepEqual(judge(how, null, null, true), { kind: 'interrupted' });
  }
  assert.deepEqual(judge(end(0), null, result, true), { kind: 'done', result });
  assert.deepEqual(judge(end(0), failure, null, true), { kind: 'failed', error: failure });
});

test('whatever else ends it is a crash, told by how it ended', () => {
  for (const [how, words] of [
    [end(null, 'SIGSEGV'), 'SIGSEGV'],
    [end(null, 'SIGABRT'), 'SIGABRT'],
    [end(134), 'exit code 134'],
    [end(0), 'exit code 0'],
    [end(null), 'could not be started'],
  ] as const) {
    const verdict = judge(how, null, null, false);
    assert.ok(verdict.kind === 'failed' && verdict.error.code === 'WORKER_DIED');
    assert.ok(verdict.error.sentence.includes(words), verdict.error.sentence);
  }
});
