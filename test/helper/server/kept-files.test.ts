/**
 * Files that the helper keeps and reads again, with whatever may have become of them: what was written comes back, and anything
 * else is told by a code or counts as absent. Nothing else is ever thrown.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { decodeCheckpoint } from '../../../helper/server/checkpoint-file.ts';
import { findInstance } from '../../../helper/server/instance.ts';
import { JobFolder, type JobRecord } from '../../../helper/server/job-folder.ts';
import { createRedeemer } from '../../../helper/server/pairing.ts';
import { openTokenStore } from '../../../helper/server/token-store.ts';
import { makeKernel } from '../../../shared/kernel.ts';
import { parseOptions } from '../../../shared/options.ts';
import { shapeOf } from './quick-jobs.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'kf-kept-'));
after(() => rmSync(folder, { recursive: true }));
const put = (name: string, bytes: Uint8Array | string) =>
  writeFileSync(path.join(folder, name), bytes, { mode: 0o600 });

/** Bytes, texts, JSON of any kind, and JSON objects with the names that files have. */
const anything: fc.Arbitrary<Uint8Array | string> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string(),
  fc.json(),
  fc
    .dictionary(
      fc.constantFrom(
        'owner',
        'layer',
        'options',
        'kernel',
        'created',
        'error',
        'bytes',
        'code',
        'pid',
        'port',
        'origin',
      ),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(null), fc.integer()),
    )
    .map((value) => JSON.stringify(value)),
);
const unusable = { code: 'SPOOL_UNAVAILABLE' };
const runs = { numRuns: 200 };

const record: fc.Arbitrary<JobRecord> = fc
  .record({
    owner: fc.string(),
    layer: fc.record({ width: fc.integer({ min: 1, max: 4096 }), height: fc.integer({ min: 1, max: 4096 }) }),
    scale: fc.constantFrom(1, 2, 3, 4),
    seed: fc.nat(),
    kernel: fc.option(fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 16, maxLength: 16 })),
    created: fc.nat(),
  })
  .map(({ owner, layer, scale, seed, kernel, created }) => ({
    ...{ owner, created },
    layer: { ...layer, channels: 4, depth: 8 },
    options: parseOptions({ scale, seed }),
    kernel: kernel && makeKernel(4, 2, kernel),
  }));

test('the record of a job comes back as it was written, every bit of its kernel', async () => {
  await fc.assert(
    fc.asyncProperty(record, async (written) => {
      const job = new JobFolder(folder);
      await job.writeRecord(written);
      assert.deepEqual(await job.readRecord(), written);
    }),
    runs,
  );
});

test('whatever a job folder holds, its job is read or said to be damaged', async () => {
  const job = new JobFolder(folder);
  const asked = { owner: 'ada', layer: shapeOf(16), options: parseOptions({}), kernel: null, created: 0 };
  await fc.assert(
    fc.asyncProperty(anything, fc.constantFrom('job.json', 'result.json', 'end.json'), async (bytes, name) => {
      for (const other of ['job.json', 'result.json', 'end.json']) rmSync(path.join(folder, other), { force: true });
      put(name, bytes);
      const read = name === 'job.json' ? job.readRecord() : job.outcome(asked);
      await read.catch((error) => assert.equal(error.code, unusable.code, String(error.stack)));
    }),
    runs,
  );
});

test('whatever bytes a checkpoint has, they are one or none', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => assert.equal(decodeCheckpoint(bytes, ''), null)));
});

test('whatever a pairing holds, it lets nobody in, and the list says that it is damaged', async () => {
  const store = openTokenStore(path.join(folder));
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      put('0123abcd.json', bytes);
      assert.equal(await store.find('chrome-extension://x', 'A'.repeat(43)), null);
      assert.equal(await store.has('0123abcd'), false);
      await assert.rejects(store.list(), { code: 'SETTINGS_UNAVAILABLE' });
    }),
    runs,
  );
});

test('whatever the notes about a helper and a code hold, they are read or count as absent', async () => {
  const redeem = (now: number) => createRedeemer(folder, { wall: () => now, steady: () => now });
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      put('helper.json', bytes);
      assert.equal(await findInstance(folder), null);
      put('pairing.json', bytes);
      await assert.rejects(redeem(0)('000000'), { code: 'NO_CODE' });
    }),
    runs,
  );
});
