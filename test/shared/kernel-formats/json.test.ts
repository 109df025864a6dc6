import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { KernelFusionError } from '../../../shared/errors.ts';
import { flip, makeKernel } from '../../../shared/kernel.ts';
import { exportKernel, importKernel } from '../../../shared/kernel-formats/index.ts';
import { jsonFormat, readJson } from '../../../shared/kernel-formats/json.ts';
import { needsPython, runPython } from '../../support/python.ts';

const kernel = makeKernel(2, 2, [1, 2, 4, 1]);
const SHA256 = 'ab'.repeat(32);
const text = (options = {}) => Buffer.from(exportKernel(kernel, jsonFormat, options).bytes).toString();
const badKernel = (sentence: RegExp) => (error: unknown) =>
  error instanceof KernelFusionError && error.code === 'BAD_KERNEL' && sentence.test(error.message);

/** A file with some fields changed. */
const changed = (change: object) => Buffer.from(JSON.stringify({ ...JSON.parse(text()), ...change }));

test('a kernel becomes a text with its values in convolution sense, a row a line', () => {
  const expected = `{
  "format": "kernelfusion-kernel",
  "version": 1,
  "size": 2,
  "scale": 2,
  "sense": "convolution",
  "grid": "hr",
  "centring": "found",
  "light": "gamma",
  "source": {"width":64},
  "options": {"name":"\\u00e9"},
  "confidence": 0.875,
  "data": [
    0.125, 0.5,
    0.25, 0.125
  ]
}
`;
  assert.equal(text({ source: { width: 64 }, options: { name: 'é' }, confidence: 0.875 }), expected);
});

test('what is read is exactly what was written', () => {
  const odd = makeKernel(3, 3, [0.1, 1 / 3, 1e-9, 4, 5, 6, 7, 8, -0.25]);
  assert.deepEqual(
    importKernel(exportKernel(odd, jsonFormat).bytes).kernel.data.map(Math.fround),
    odd.data.map(Math.fround),
  );
  const about = { source: { sha256: SHA256, width: 5, height: 7 }, options: { seed: 1, name: 'é' }, confidence: 0 };
  const { source, options, confidence } = readJson(exportKernel(odd, jsonFormat, about).bytes);
  assert.deepEqual({ source, options, confidence }, about);
});

test('a kernel in correlation sense, with a byte order mark, or with fields of a later version is read', () => {
  const turned = changed({ sense: 'correlation', data: [...kernel.data], colour: 'green' });
  for (const file of [turned, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), turned])]) {
    assert.deepEqual(importKernel(file).kernel, kernel);
  }
  assert.deepEqual(importKernel(changed({ data: [...kernel.data] })).kernel, flip(kernel));
});

test('a kernel of another scale is refused, one on the grid of the picture is of scale 1', () => {
  assert.throws(() => importKernel(changed({}), { scale: 4 }), badKernel(/for scale 2, not 4/));
  assert.equal(importKernel(changed({}), { scale: 2 }).kernel.scale, 2);
  assert.equal(importKernel(changed({ grid: 'lr' })).kernel.scale, 1);
});

test('the first field that is wrong is named', () => {
  const cases: [object, RegExp][] = [
    [{ format: 'other' }, /"format"/],
    [{ version: 2 }, /"version"/],
    [{ size: 68 }, /"size"/],
    [{ scale: 5 }, /"scale"/],
    [{ sense: 'both' }, /"sense"/],
    [{ light: 'linear' }, /"light"/],
    [{ data: [1, null, 1, 1] }, /"data\.1"/],
    [{ data: [1, 1, 1] }, /square/],
    [{ data: [1, -2, 1, 0] }, /positive sum/],
    [{ data: [3, -2, 1, -1] }, /sharpens/],
    [{ source: { sha256: 'AB' } }, /"source\.sha256"/],
    [{ confidence: 87 }, /"confidence"/],
  ];
  for (const [change, sentence] of cases) assert.throws(() => importKernel(changed(change)), badKernel(sentence));
  assert.throws(() => readJson(Buffer.from('{')), badKernel(/cannot be parsed/));
  assert.throws(() => readJson(Buffer.from('1')), badKernel(/not an object/));
  assert.throws(() => readJson(Buffer.alloc(2 ** 21, ' ')), badKernel(/too long/));
});

test('a sum other than 1 is divided out and told', () => {
  const { kernel: read, notes } = importKernel(changed({ data: [1, 4, 2, 1] }));
  assert.deepEqual(read, kernel);
  assert.deepEqual(notes, ['The values of the kernel added up to 8; they were divided by that.']);
});

test('the schema in docs says of every file what our reader says', needsPython('jsonschema'), () => {
  const schema = readFileSync(new URL('../../../../docs/kernel.schema.json', import.meta.url), 'utf8');
  const changes = [
    {},
    { later: true },
    { source: { sha256: SHA256, width: 1, height: 1 }, options: {}, confidence: 1 },
    ...['format', 'version', 'size', 'scale', 'sense', 'grid', 'centring', 'light', 'data'].map((name) => ({
      [name]: undefined,
    })),
    ...[{ version: 2 }, { size: 0 }, { size: 68 }, { size: 1.5 }, { scale: 5 }, { sense: 'psf' }, { grid: 'x' }],
    ...[{ centring: 'left' }, { light: 'linear' }, { data: ['1'] }, { data: Array(4490).fill(0) }],
    ...[{ source: { sha256: 'x' } }, { source: { width: 0 } }, { options: 1 }],
    ...[{ confidence: 1.1 }, { confidence: -0.1 }, { confidence: null }],
  ];
  const files = changes.map((change) => changed(change));
  const program = `
import json, sys, jsonschema
schema, files = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(schema)
valid = jsonschema.Draft202012Validator(schema).is_valid
print(json.dumps([valid(json.loads(f)) for f in files]))`;
  const input = Buffer.from(JSON.stringify([JSON.parse(schema), files.map(String)]));
  const ours = files.map((file) => {
    try {
      readJson(file);
      return true;
    } catch {
      return false;
    }
  });
  assert.deepEqual(JSON.parse(runPython(program, input)), ours);
  assert.deepEqual([ours.filter(Boolean).length, ours.length], [3, changes.length]);
});
