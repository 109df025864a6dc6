import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dirichlet, fourierShift } from '../../../helper/kernelfusion/fourier.ts';

const close = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance = 1e-12) => {
  assert.equal(a.length, b.length);
  for (let i = 0; i < a.length; i++) assert.ok(Math.abs(a[i] - b[i]) < tolerance, `${i}: ${a[i]} is not ${b[i]}`);
};

test('a repeated impulse between samples: hand-worked for 3 and 4 samples', () => {
  // (1 + 2 cos(2 pi x / 3)) / 3 at x = 1/2 and 3/2; (1 + 2 cos(pi x / 2) + cos(pi x)) / 4 at x = 1/2.
  close([dirichlet(0.5, 3), dirichlet(1.5, 3)], [2 / 3, -1 / 3]);
  close([dirichlet(0.5, 4)], [(1 + Math.SQRT2) / 4]);
  close([dirichlet(0, 5), dirichlet(2, 5), dirichlet(5, 5), dirichlet(-8, 4)], [1, 0, 1, 1]);
});

test('a wave that fits the plane is moved exactly, by any fraction, for odd and even sides', () => {
  for (const [width, height] of [
    [15, 8],
    [16, 9],
  ]) {
    const wave = (dy: number, dx: number) =>
      Float64Array.from({ length: width * height }, (_, i) => {
        const y = Math.floor(i / width) - dy;
        const x = (i % width) - dx;
        return Math.cos((2 * Math.PI * 3 * x) / width) + Math.sin((2 * Math.PI * 2 * y) / height + 1);
      });
    close(fourierShift(wave(0, 0), width, height, 0.37, -2.6, 0), wave(0.37, -2.6));
  }
});

test('a shift by whole pixels moves samples down and right, and mirrors the border in', () => {
  const plane = Float64Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  close(fourierShift(plane, 3, 3, 1, 0, 4), [1, 2, 3, 1, 2, 3, 4, 5, 6]);
  close(fourierShift(plane, 3, 3, 0, 1, 4), [1, 1, 2, 4, 4, 5, 7, 7, 8]);
  close(fourierShift(plane, 3, 3, -1, 0, 4), [4, 5, 6, 7, 8, 9, 7, 8, 9]);
});

test('the plane handed in is left as it was, and is not handed back', () => {
  const plane = Float64Array.from([1, 2, 3, 4]);
  const out = fourierShift(plane, 2, 2, 0, 0);
  assert.notEqual(out, plane);
  fourierShift(plane, 2, 2, 0.5, 0.5);
  assert.deepEqual([...plane], [1, 2, 3, 4]);
});
