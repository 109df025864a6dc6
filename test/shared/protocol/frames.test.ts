import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeFrame,
  decodePreview,
  encodeFrame,
  encodePreview,
  type Frame,
  type FrameType,
  HEADER,
} from '../../../shared/protocol/frames.ts';
import { CHUNK, LARGEST_PREVIEW } from '../../../shared/protocol/limits.ts';

const JOB = 'abcdefghijklmnopqrstuvwxyz';
const frame: Frame = { type: 'layer', job: JOB, sequence: 3, offset: 3 * CHUNK, payload: Uint8Array.of(1, 2, 3) };

const jobs = fc.string({
  unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789'),
  minLength: 26,
  maxLength: 26,
});
const parts = {
  type: fc.constantFrom<FrameType>('layer', 'result', 'preview'),
  job: jobs,
  sequence: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  offset: fc.maxSafeNat(),
  payload: fc.uint8Array({ minLength: 1, maxLength: 300 }),
};
const frames: fc.Arbitrary<Frame> = fc.record(parts, { noNullPrototype: true });

test('a frame is laid out as its table says', () => {
  const bytes = encodeFrame({ ...frame, sequence: 0x01020304, offset: 0x01_0203_0405_0607 });
  const head = [0x4b, 1, 1, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 3];
  assert.deepEqual([...bytes], [...head, ...Buffer.from(JOB, 'ascii'), 0, 0, 1, 2, 3]);
});

test('what was encoded is decoded, wherever it lies in its buffer', () => {
  fc.assert(
    fc.property(frames, fc.nat(7), (sent, before) => {
      const encoded = encodeFrame(sent);
      const padded = new Uint8Array(before + encoded.length + 5);
      padded.set(encoded, before);
      assert.deepEqual(decodeFrame(padded.subarray(before, before + encoded.length)), sent);
    }),
  );
});

test('the largest frame passes, the payload is not copied', () => {
  const encoded = encodeFrame({ ...frame, payload: new Uint8Array(CHUNK).fill(9), offset: Number.MAX_SAFE_INTEGER });
  const { payload, offset } = decodeFrame(encoded);
  assert.equal(payload.length, CHUNK);
  assert.equal(payload.buffer, encoded.buffer);
  assert.equal(offset, Number.MAX_SAFE_INTEGER);
});

test('random bytes are a frame or BAD_MESSAGE, never anything else', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const damaged = fc.tuple(frames, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([sent, place, change]) => {
    const encoded = encodeFrame(sent);
    encoded[place % HEADER] ^= change;
    return encoded;
  });
  fc.assert(
    fc.property(fc.oneof(bytes, damaged), (input) => {
      try {
        // Only a well-formed frame gets here, and the format leaves no second way to write it.
        assert.deepEqual(encodeFrame(decodeFrame(input)), input);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'BAD_MESSAGE');
      }
    }),
    { numRuns: 1000 },
  );
});

test('every damaged part of a header is named', () => {
  const cases: [string, number, number[], RegExp][] = [
    ['magic', 0, [0x4c], /no frame/],
    ['version', 1, [2], /version/],
    ['type', 2, [0], /type/],
    ['type', 2, [4], /type/],
    ['reserved', 3, [1], /zero/],
    ['offset', 8, [0, 0x20, 0, 0, 0, 0, 0, 0], /offset/],
    ['offset', 8, [255, 255, 255, 255, 255, 255, 255, 255], /offset/],
    ['length', 16, [0, 0, 0, 2], /length/],
    ['length', 16, [255, 255, 255, 255], /length/],
    ['job', 20, [0x2e, 0x2e, 0x2f], /no job/],
    ['reserved', 46, [0, 1], /zero/],
  ];
  for (const [part, at, values, sentence] of cases) {
    const bytes = encodeFrame(frame);
    bytes.set(values, at);
    assert.throws(() => decodeFrame(bytes), { code: 'BAD_MESSAGE', message: sentence }, part);
  }
});

test('a frame without payload, cut short or too long is refused', () => {
  const bytes = encodeFrame(frame);
  for (const length of [0, 1, HEADER - 1, HEADER, bytes.length - 1]) {
    assert.throws(() => decodeFrame(bytes.subarray(0, length)), { code: 'BAD_MESSAGE' }, `${length} bytes`);
  }
  assert.throws(() => decodeFrame(new Uint8Array(HEADER + CHUNK + 1)), { code: 'BAD_MESSAGE' });
});

test('a frame that cannot be is not encoded', () => {
  const wrong: Partial<Frame>[] = [
    { job: `${JOB}a` },
    { job: '../../../../etc/passwd0000' },
    { sequence: -1 },
    { sequence: 2 ** 32 },
    { sequence: 0.5 },
    { offset: -1 },
    { offset: 2 ** 53 },
    { offset: Number.NaN },
    { payload: new Uint8Array(0) },
    { payload: new Uint8Array(CHUNK + 1) },
  ];
  for (const part of wrong) assert.throws(() => encodeFrame({ ...frame, ...part }), RangeError, JSON.stringify(part));
});

test('a preview is decoded to what it was', () => {
  const pictures = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
    .chain(([width, height]) =>
      fc
        .uint8Array({ minLength: width * height * 4, maxLength: width * height * 4 })
        .map((rgba) => ({ width, height, rgba })),
    );
  fc.assert(fc.property(pictures, (picture) => assert.deepEqual(decodePreview(encodePreview(picture)), picture)));
  const largest = LARGEST_PREVIEW ** 2 * 4;
  assert.equal(
    encodePreview({ width: LARGEST_PREVIEW, height: LARGEST_PREVIEW, rgba: new Uint8Array(largest) }).length,
    largest + 4,
  );
});

test('a preview whose pixels do not fill its size is refused, and not made', () => {
  const cases: [number, number, number][] = [
    [2, 2, 15],
    [2, 2, 17],
    [0, 4, 0],
    [LARGEST_PREVIEW + 1, 1, (LARGEST_PREVIEW + 1) * 4],
  ];
  for (const [width, height, length] of cases) {
    assert.throws(() => encodePreview({ width, height, rgba: new Uint8Array(length) }), RangeError);
    const payload = new Uint8Array(4 + length);
    new DataView(payload.buffer).setUint32(0, width * 65536 + height);
    assert.throws(() => decodePreview(payload), { code: 'BAD_MESSAGE' }, `${width} x ${height}, ${length} bytes`);
  }
  assert.throws(() => decodePreview(Uint8Array.of(0, 1, 0)), { code: 'BAD_MESSAGE' });
});
