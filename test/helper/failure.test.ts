import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { exitCodeOf, failureJson, failureText, toCoded } from '../../helper/failure.ts';
import { KernelFusionError } from '../../shared/errors.ts';

test('a coded error keeps its code, sentence and exit code', () => {
  const error = toCoded(new KernelFusionError('BAD_KERNEL', 'No kernel.'));
  assert.equal(failureText(error, false), 'kernelfusion: BAD_KERNEL: No kernel.\n');
  assert.deepEqual(failureJson(error), { error: { code: 'BAD_KERNEL', message: 'No kernel.' } });
  assert.equal(exitCodeOf(error), 3);
});

test('an unexpected error is our mistake, told in one line', () => {
  const error = toCoded(new TypeError('cannot open /home/me/secret'));
  assert.equal(
    failureText(error, false),
    'kernelfusion: INTERNAL: Something unexpected happened (TypeError). ' +
      'Please report it, with what it says when KERNELFUSION_DEBUG=1 is set.\n',
  );
  assert.equal(exitCodeOf(error), 70);
  assert.equal(toCoded('thrown text').code, 'INTERNAL');
});

test('the stack is told only when debugging', () => {
  const error = toCoded(new TypeError('broken'));
  assert.doesNotMatch(failureText(error, false), /failure\.test/);
  assert.match(failureText(error, true), /TypeError: broken\n\s+at .*failure\.test/);
});

test('an array that does not fit into memory is told as such', () => {
  let caught: unknown;
  try {
    new ArrayBuffer(2 ** 53 - 1);
  } catch (error) {
    caught = error;
  }
  assert.equal(toCoded(caught).code, 'OUT_OF_MEMORY');
});

test('a thread that ended for want of memory is told as such', async () => {
  const worker = new Worker('const all = []; for (;;) all.push(new Array(1e5).fill(all.length));', {
    eval: true,
    resourceLimits: { maxOldGenerationSizeMb: 8 },
  });
  const [error] = await once(worker, 'error').catch((thrown) => [thrown]);
  assert.equal(toCoded(error).code, 'OUT_OF_MEMORY');
});
