import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addAdjoint,
  addDiagonal,
  addEnergy,
  DIRECTIONS,
  type Direction,
  makeRoughness,
} from '../../../helper/kernelfusion/differences.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { assertClose } from '../../support/close.ts';

const [ACROSS, DOWN, DIAGONAL, ANTIDIAGONAL] = DIRECTIONS;
/** 1 2 4 / 0 3 9. */
const PLANE = Float32Array.of(1, 2, 4, 0, 3, 9);

/** D x, pixel by pixel: 0 where there is no such neighbour. */
function differences(x: ArrayLike<number>, width: number, height: number, [rows, columns]: Direction): Float64Array {
  return Float64Array.from({ length: width * height }, (_, i) => {
    const [r, c] = [Math.floor(i / width) + rows, (i % width) + columns];
    return r < 0 || r >= height || c < 0 || c >= width ? 0 : x[r * width + c] - x[i];
  });
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);

/** Sizes at which a direction has many places, one, or none. */
const SIZES = [
  [5, 4],
  [37, 11],
  [2, 2],
  [1, 6],
  [6, 1],
] as const;

/** Calls `check` with every size and direction, and values for the pixels. */
function everywhere(
  check: (width: number, height: number, direction: Direction, normals: () => Float32Array) => void,
): void {
  for (const [width, height] of SIZES) {
    const random = makeRandom(width);
    for (const direction of DIRECTIONS) check(width, height, direction, () => random.normals(width * height));
  }
}

test('squared differences stand where they begin: 1 2 4 over 0 3 9, by hand', () => {
  const energy = (direction: Direction) => {
    const out = new Float32Array(6);
    addEnergy(out, PLANE, 3, 2, direction);
    return [...out];
  };
  assert.deepEqual(energy(ACROSS), [1, 4, 0, 9, 36, 0]);
  assert.deepEqual(energy(DOWN), [1, 1, 25, 0, 0, 0]);
  assert.deepEqual(energy(DIAGONAL), [4, 49, 0, 0, 0, 0]);
  assert.deepEqual(energy(ANTIDIAGONAL), [0, 4, 1, 0, 0, 0]);
});

test('energy is added to what is there, by the share asked for', () => {
  const energy = new Float32Array(6).fill(10);
  addEnergy(energy, PLANE, 3, 2, ACROSS, 0.5);
  assert.deepEqual([...energy], [10.5, 12, 10, 14.5, 28, 10]);
});

test('the adjoint gives each difference to its two ends, by hand', () => {
  const out = new Float32Array(6).fill(1);
  addAdjoint(out, Float32Array.of(0, 5, 7, 100, 100, 100), 3, 2, ANTIDIAGONAL);
  assert.deepEqual([...out], [1, -4, -6, 6, 8, 1]);
});

test('<D x, d> = <x, D^T d>', () => {
  everywhere((width, height, direction, normals) => {
    const [x, d] = [normals(), normals()];
    const adjoint = new Float32Array(x.length);
    addAdjoint(adjoint, d, width, height, direction);
    assertClose([dot(x, adjoint)], [dot(differences(x, width, height, direction), d)], 1e-5);
  });
});

/** Weights of one direction alone, of all four. */
const only = (direction: Direction, weight: Float32Array) =>
  DIRECTIONS.map((each) => (each === direction ? weight : weight.map(() => 0)));

test('the roughness is the adjoint of the weighted differences, of each direction, added to what is there', () => {
  everywhere((width, height, direction, normals) => {
    const [x, weight, before] = [normals(), normals(), normals()];
    const weighted = Float32Array.from(differences(x, width, height, direction), (d, i) => weight[i] * d);
    const expected = before.slice();
    addAdjoint(expected, weighted, width, height, direction);
    makeRoughness(only(direction, weight), width, height)(before, x);
    assertClose(before, expected, 1e-5);
  });
});

test('the roughness of all directions is the sum of theirs, whatever was worked out before', () => {
  for (const [width, height] of SIZES) {
    const { normals } = makeRandom(height);
    const plane = () => normals(width * height);
    const weights = DIRECTIONS.map(plane);
    const addRoughness = makeRoughness(weights, width, height);
    for (let time = 0; time < 3; time++) {
      const x = plane();
      const out = new Float32Array(x.length);
      addRoughness(out, x);
      const expected = new Float32Array(x.length);
      for (const [d, direction] of DIRECTIONS.entries()) {
        makeRoughness(only(direction, weights[d]), width, height)(expected, x);
      }
      assertClose(out, expected, 1e-5);
    }
  }
});

test('the diagonal is what the roughness gives back of each single pixel', () => {
  everywhere((width, height, direction, normals) => {
    const weight = normals();
    const addRoughness = makeRoughness(only(direction, weight), width, height);
    const expected = weight.map((_, i) => {
      const out = new Float32Array(weight.length);
      addRoughness(
        out,
        weight.map((_v, j) => (i === j ? 1 : 0)),
      );
      return out[i] + 3;
    });
    const diagonal = new Float32Array(weight.length).fill(3);
    addDiagonal(diagonal, weight, width, height, direction);
    assertClose(diagonal, expected, 1e-6);
  });
});
