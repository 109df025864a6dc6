import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRandom, type Random } from '../../../helper/kernelfusion/random.ts';

const draw = (count: number, next: () => number) => Array.from({ length: count }, next);
const uniforms = (random: Random, count: number) => draw(count, random.uniform);

/** Mean, variance and fourth moment about the mean over the square of the variance. */
function moments(values: ArrayLike<number>) {
  const list = Array.from(values);
  const mean = list.reduce((sum, v) => sum + v, 0) / list.length;
  const about = (power: number) => list.reduce((sum, v) => sum + (v - mean) ** power, 0) / list.length;
  return { mean, variance: about(2), kurtosis: about(4) / about(2) ** 2 };
}

test('the same seed gives the same numbers, another seed others', () => {
  assert.deepEqual(uniforms(makeRandom(7), 50), uniforms(makeRandom(7), 50));
  assert.deepEqual(makeRandom(7).normals(51), makeRandom(7).normals(51));
  assert.notDeepEqual(uniforms(makeRandom(7), 5), uniforms(makeRandom(8), 5));
});

test('streams of one seed share no number, the first is the seed alone, and none depends on how far another was drawn', () => {
  const streams = [0, 1, 2, 3].map((stream) => uniforms(makeRandom(7, stream), 200));
  assert.equal(new Set(streams.flat()).size, 800);
  assert.deepEqual(streams[0], uniforms(makeRandom(7), 200));
});

test('the ends of the range of seeds are different seeds', () => {
  const first = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff].map((seed) => makeRandom(seed).uniform());
  assert.equal(new Set(first).size, first.length);
});

test('uniform numbers fill [0, 1) evenly', () => {
  const values = uniforms(makeRandom(1), 20_000);
  assert.ok(values.every((v) => v >= 0 && v < 1));
  for (let tenth = 0; tenth < 10; tenth++) {
    const count = values.filter((v) => Math.floor(10 * v) === tenth).length;
    // Binomial(20000, 1/10) has a standard deviation of 42.
    assert.ok(Math.abs(count - 2000) < 5 * 42, `${count} values in tenth ${tenth}`);
  }
});

test('the very first number of small seeds is as evenly spread as any', () => {
  const first = Array.from({ length: 1000 }, (_, seed) => makeRandom(seed).uniform());
  const { mean, variance } = moments(first);
  assert.ok(Math.abs(mean - 1 / 2) < 0.05, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.01, `variance ${variance}`);
});

test('below(n) gives each of 0 .. n-1 alike, and only 0 for n = 1', () => {
  const random = makeRandom(3);
  const counts = [0, 0, 0];
  for (const i of draw(9000, () => random.below(3))) counts[i]++;
  for (const count of counts) assert.ok(Math.abs(count - 3000) < 5 * 45, `${counts}`);
  assert.equal(random.below(1), 0);
});

test('normal numbers have mean 0, variance 1, a kurtosis of 3, and no neighbour in common', () => {
  const values = makeRandom(5).normals(40_001);
  const { mean, variance, kurtosis } = moments(values);
  assert.ok(Math.abs(mean) < 0.025, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.035, `variance ${variance}`);
  assert.ok(Math.abs(kurtosis - 3) < 0.13, `kurtosis ${kurtosis}`);
  const products = values.subarray(1).map((v, i) => v * values[i]);
  assert.ok(Math.abs(moments(products).mean) < 0.025);
});

test('any number of normal numbers is given, odd and none too', () => {
  for (const length of [0, 1, 2, 7]) assert.equal(makeRandom(1).normals(length).length, length);
});
