import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layerOfRgba, rgbaOf } from '../../../helper/image/rgba.ts';

/** Pixels that are all different. */
const pixels = (change: (rgba: Uint8Array, at: number) => void) => {
  const rgba = Uint8Array.from({ length: 4 * 6 * 5 }, (_, i) => (i * 73) % 256);
  for (let at = 0; at < rgba.length; at += 4) change(rgba, at);
  return rgba;
};

test('colours and alpha come back as they were, 5 rows of 6 pixels', () => {
  const rgba = pixels((all, at) => {
    all[at + 3] = 1 + (at % 255);
  });
  const layer = layerOfRgba(rgba, 6, 5);
  assert.deepEqual([layer.colour.channels, layer.colour.width, layer.colour.height], [3, 6, 5]);
  assert.ok(Math.abs(layer.colour.data[30 + 7] - rgba[4 * 7 + 1] / 255) < 1e-6, 'green of pixel 7');
  assert.deepEqual(rgbaOf(layer), rgba);
});

test('an opaque layer has no alpha to work on, and is opaque again', () => {
  const rgba = pixels((all, at) => {
    all[at + 3] = 255;
  });
  const layer = layerOfRgba(rgba, 6, 5);
  assert.equal(layer.alpha, null);
  assert.deepEqual(rgbaOf(layer), rgba);
});

test('a grey layer is one plane of work, and three equal values again', () => {
  const rgba = pixels((all, at) => all.fill(all[at], at, at + 3));
  rgba[3] = 9;
  const layer = layerOfRgba(rgba, 6, 5);
  assert.equal(layer.colour.channels, 1);
  const visible = (values: Uint8Array) => Array.from({ length: 30 }, (_, i) => (values[4 * i + 3] ? values[4 * i] : 0));
  assert.deepEqual(visible(rgbaOf(layer)), visible(rgba));
});

test('colour under transparent pixels is that of their neighbours', () => {
  const rgba = new Uint8Array(4 * 16).fill(200);
  rgba.set([0, 0, 0, 0], 4 * 5);
  const { colour } = layerOfRgba(rgba, 4, 4);
  assert.ok(Math.abs(colour.data[5] - 200 / 255) < 1e-5);
});

test('values outside 0 .. 1 are clipped, halves rounded up', () => {
  const plane = (data: number[]) => ({ width: 2, height: 1, channels: 1, data: Float32Array.from(data) });
  const rgba = rgbaOf({ colour: plane([-0.1, 1.5 / 255]), alpha: plane([1.2, 0]) });
  assert.deepEqual([...rgba], [0, 0, 0, 255, 2, 2, 2, 0]);
});
