import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlaneTransform } from '../../../helper/kernelfusion/fourier-plane.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { assertClose } from '../../support/close.ts';

const SIDE = 8;
const plane = Float64Array.from(makeRandom(3).normals(SIDE * SIDE));

test('the spectrum is the sum of its definition, row-major', () => {
  const spectrum = makePlaneTransform(SIDE).forward(plane);
  for (const [fy, fx] of [
    [0, 0],
    [0, 1],
    [2, 0],
    [3, 6],
  ]) {
    let [re, im] = [0, 0];
    for (const [i, v] of plane.entries()) {
      const angle = (-2 * Math.PI * (fy * Math.floor(i / SIDE) + fx * (i % SIDE))) / SIDE;
      re += v * Math.cos(angle);
      im += v * Math.sin(angle);
    }
    const at = 2 * (fy * SIDE + fx);
    assertClose([spectrum[at], spectrum[at + 1]], [re, im], 1e-12);
  }
});

test('the inverse gives the plane back, and what is given is written into', () => {
  const transform = makePlaneTransform(SIDE);
  const [spectrum, back] = [new Float64Array(2 * SIDE * SIDE), new Float64Array(SIDE * SIDE)];
  assert.equal(transform.forward(plane, spectrum), spectrum);
  assert.equal(transform.inverse(spectrum, back), back);
  assertClose(back, plane, 1e-12);
});
