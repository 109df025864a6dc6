import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { heat } from '../../../helper/report/heat-map.ts';
import { kernelPng } from '../../../helper/report/kernel-png.ts';
import { makeKernel } from '../../../shared/kernel.ts';

test('every value is a square of its colour, rows first', async () => {
  const png = await kernelPng(makeKernel(2, 2, [0, 4, 2, -1]), 3);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.format, info.width, info.height, info.channels], ['raw', 6, 6, 3]);
  const pixel = (y: number, x: number) => [...data.subarray(3 * (6 * y + x), 3 * (6 * y + x) + 3)];
  for (let y = 0; y < 6; y++) {
    for (let x = 0; x < 6; x++) {
      const value = [0, 4, 2, -1][2 * Math.floor(y / 3) + Math.floor(x / 3)];
      assert.deepEqual(pixel(y, x), heat(value / 4), `${y}, ${x}`);
    }
  }
  assert.deepEqual(pixel(0, 0), [0, 0, 4]);
  assert.deepEqual(pixel(0, 5), [252, 253, 191]);
});

test('the colours grow lighter with the value, and those below zero are blue', () => {
  const lightness = (t: number) => {
    const [r, g, b] = heat(t);
    return 0.299 * r + 0.587 * g + 0.114 * b;
  };
  for (let i = 0; i < 50; i++) assert.ok(lightness((i + 1) / 50) > lightness(i / 50), `at ${i}`);
  const [r, g, b] = heat(-0.5);
  assert.ok(b > r && b > g);
});

test('a picture of any kernel is large enough to look at and small enough to send', async () => {
  for (const size of [1, 6, 17, 64]) {
    const kernel = makeKernel(size, 1, Array(size * size).fill(1));
    const { width, height } = await sharp(await kernelPng(kernel)).metadata();
    assert.ok(width === height && width >= 300 && width <= 500, `${size}: ${width} x ${height}`);
    assert.equal(width % size, 0);
  }
});
