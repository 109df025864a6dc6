import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KernelFusionError } from '../../shared/errors.ts';
import { DEFAULT_OPTIONS, parseOptions } from '../../shared/options.ts';

/** The sentence of the refusal. */
function refusal(input: unknown): string {
  try {
    parseOptions(input);
  } catch (error) {
    assert.ok(error instanceof KernelFusionError && error.code === 'BAD_OPTION', String(error));
    return error.message;
  }
  return assert.fail(`${JSON.stringify(input)} was taken`);
}

test('nothing chosen gives the defaults, which are valid themselves', () => {
  assert.deepEqual(parseOptions({}), DEFAULT_OPTIONS);
  assert.deepEqual(parseOptions(DEFAULT_OPTIONS), DEFAULT_OPTIONS);
});

test('what is chosen is kept, the rest filled in; the result cannot be changed', () => {
  const options = parseOptions({ scale: 4, seed: 0xffffffff, kernelSide: 20, noise: 2.5 });
  assert.deepEqual(options, { ...DEFAULT_OPTIONS, scale: 4, seed: 0xffffffff, kernelSide: 20, noise: 2.5 });
  assert.ok(Object.isFrozen(options));
  assert.throws(() => Object.assign(options, { seed: 2 }), TypeError);
});

test('the widest kernel is twelve LR pixels, or what the parity leaves of them', () => {
  for (const [scale, kernelSide] of [
    [1, 11],
    [2, 24],
    [3, 35],
    [4, 48],
  ]) {
    assert.equal(parseOptions({ scale, kernelSide }).kernelSide, kernelSide);
  }
});

test('options read back from JSON are the same', () => {
  const options = parseOptions({ scale: 3, kernelSide: 21, noise: 0 });
  assert.deepEqual(parseOptions(JSON.parse(JSON.stringify(options))), options);
});

const refused: readonly [unknown, RegExp][] = [
  [undefined, /object/],
  [null, /object/],
  ['scale=2', /object/],
  [[], /object/],
  [{ scael: 2 }, /no option "scael"/],
  [{ constructor: 1 }, /no option "constructor"/],
  [JSON.parse('{"__proto__": {}}'), /no option "__proto__"/],
  ...[0, 5, 2.5, '2', null, Number.NaN].map((scale): [unknown, RegExp] => [{ scale }, /^scale/]),
  ...['slow', '', null, 2].map((preset): [unknown, RegExp] => [{ preset }, /^preset.*fast/]),
  ...[-1, 1.5, 2 ** 32, '1', null, Number.NaN].map((seed): [unknown, RegExp] => [{ seed }, /^seed/]),
  ...[13, 2, 30, 12.5, '12', Number.NaN].map((kernelSide): [unknown, RegExp] => [{ kernelSide }, /^kernelSide.*even/]),
  [{ scale: 3, kernelSide: 20 }, /^kernelSide.*odd/],
  [{ scale: 1, kernelSide: 1 }, /^kernelSide.*odd/],
  // Fourteen LR pixels at most.
  [{ scale: 1, kernelSide: 15 }, /^kernelSide.*odd number from 3 to 13 /],
  [{ scale: 3, kernelSide: 43 }, /^kernelSide.*odd number from 3 to 41 /],
  [{ scale: 4, kernelSide: 58 }, /^kernelSide.*even number from 4 to 56 /],
  ...[-0.1, 64.5, '2', Number.NaN, Number.POSITIVE_INFINITY].map((noise): [unknown, RegExp] => [{ noise }, /^noise/]),
];

for (const [input, sentence] of refused) {
  const shown = JSON.stringify(input, (_, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  test(`refused with a sentence that names the option: ${shown}`, () => assert.match(refusal(input), sentence));
}

test('a name of any length is cut in the sentence', () => {
  assert.ok(refusal({ ['x'.repeat(1e5)]: 1 }).length < 100);
});

test('whatever comes in is either refused as a bad option or valid', () => {
  const field = fc.anything();
  const anything = fc.oneof(
    fc.anything(),
    fc.record({ scale: field, seed: field, kernelSide: field, noise: field, preset: field }, { requiredKeys: [] }),
  );
  fc.assert(
    fc.property(anything, (input) => {
      try {
        const options = parseOptions(input);
        assert.deepEqual(parseOptions(options), options);
      } catch (error) {
        assert.ok(error instanceof KernelFusionError && error.code === 'BAD_OPTION', String(error));
      }
    }),
  );
});
