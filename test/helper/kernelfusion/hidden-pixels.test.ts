import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hideInTurn, hidePixels } from '../../../helper/kernelfusion/hidden-pixels.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { assertClose } from '../../support/close.ts';

const hiddenIn = (shown: Float32Array) => shown.reduce((sum, v) => sum + 1 - v, 0);

test('about the share of the pixels asked for is hidden, the same ones for the same seed', () => {
  const hidden = (share: number) => {
    const shown = hidePixels(40_000, makeRandom(1), share);
    assert.ok(shown.every((v) => v === 0 || v === 1));
    return hiddenIn(shown) / shown.length;
  };
  assertClose([hidden(0.1), hidden(0.6)], [0.1, 0.6], 0.01);
  assert.deepEqual(hidePixels(400, makeRandom(1), 0.5), hidePixels(400, makeRandom(1), 0.5));
  assert.notDeepEqual(hidePixels(400, makeRandom(1), 0.5), hidePixels(400, makeRandom(2), 0.5));
});

test('every pixel is hidden in one turn, with its whole square, and all turns hide as many squares', () => {
  // The last row and column of squares are cut off.
  const [width, height, side, folds] = [31, 17, 3, 4];
  const turns = hideInTurn({ width, height }, { side, turns: folds }, makeRandom(1));
  assert.equal(turns.length, folds);
  const turnOf = Array.from({ length: width * height }, (_, i) => {
    const hidingIt = turns.flatMap((shown, turn) => (shown[i] === 0 ? [turn] : []));
    assert.equal(hidingIt.length, 1);
    return hidingIt[0];
  });
  const corner = (i: number) =>
    Math.floor(Math.floor(i / width) / side) * side * width + Math.floor((i % width) / side) * side;
  assert.ok(turnOf.every((turn, i) => turn === turnOf[corner(i)]));
  const squares = turns.map((shown) => shown.filter((v, i) => v === 0 && corner(i) === i).length);
  assert.equal(
    squares.reduce((a, b) => a + b),
    11 * 6,
  );
  assert.ok(Math.max(...squares) - Math.min(...squares) <= 1, `${squares}`);
});

test('which squares are hidden together is a matter of chance', () => {
  const size = { width: 60, height: 60 };
  const turns = (seed: number) => hideInTurn(size, { side: 3, turns: 4 }, makeRandom(seed));
  assert.deepEqual(turns(1), turns(1));
  assert.notDeepEqual(turns(1), turns(2));
  // Neighbouring squares are hidden together as often as others: a quarter of them.
  const [shown] = turns(1);
  const pairs = Array.from({ length: 20 * 19 }, (_, i) => {
    const at = Math.floor(i / 19) * 3 * 60 + (i % 19) * 3;
    return shown[at] === 0 && shown[at + 3] === 0 ? 1 : 0;
  });
  assertClose([pairs.reduce<number>((a, b) => a + b, 0) / pairs.length], [1 / 16], 0.035);
});
