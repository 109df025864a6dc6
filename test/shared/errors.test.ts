import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT_CODES, KernelFusionError, throwIfCancelled } from '../../shared/errors.ts';

test('a failure carries its code, its sentence, its cause and a name', () => {
  const cause = new Error('below');
  const failure = new KernelFusionError('BAD_KERNEL', 'A kernel must be square.', { cause });
  assert.ok(failure instanceof Error);
  assert.deepEqual(
    [failure.code, failure.message, failure.name],
    ['BAD_KERNEL', 'A kernel must be square.', 'KernelFusionError'],
  );
  assert.equal(failure.cause, cause);
});

test('every exit code can be told from success and fits into a byte; a cancel ends as Ctrl+C does', () => {
  for (const [code, exit] of Object.entries(EXIT_CODES))
    assert.ok(Number.isInteger(exit) && exit > 0 && exit < 256, code);
  // 128 + SIGINT.
  assert.equal(EXIT_CODES.CANCELLED, 130);
});

test('a signal that has fired cancels, with its reason as the cause', () => {
  const abort = new AbortController();
  throwIfCancelled(abort.signal);
  abort.abort('enough');
  assert.throws(() => throwIfCancelled(abort.signal), { code: 'CANCELLED', cause: 'enough' });
});

test('no signal, no cancel', () => {
  assert.equal(throwIfCancelled(undefined), undefined);
});
