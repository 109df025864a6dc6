import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlanes, type Planes, planeOf } from '../../../helper/image/planes.ts';
import { consistency } from '../../../helper/kernelfusion/consistency.ts';
import { canvasMargin, makeDegradation } from '../../../helper/kernelfusion/degradation.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { bicubicKernel } from '../../../shared/kernel.ts';
import { gaussian } from '../../support/scene.ts';

const KERNEL = gaussian(8, 2, 1.6, 0.9, 0.4);
const random = makeRandom(4);
const drawn = (width: number, height: number, channels: number): Planes =>
  makePlanes(
    width,
    height,
    channels,
    Float32Array.from({ length: width * height * channels }, () => random.uniform()),
  );

/** The layer that a result explains exactly, known where the kernel's window stays inside; elsewhere it is wrong on purpose. */
function explained(result: Planes): Planes {
  const size = KERNEL.size;
  const [width, height] = [result.width / 2, result.height / 2];
  const margin = canvasMargin(size, 2);
  const border = Math.ceil(margin / 2);
  const y = makePlanes(width, height, result.channels, new Float32Array(width * height * result.channels).fill(9));
  const inner = makeDegradation(KERNEL, width - 2 * border, height - 2 * border);
  for (let c = 0; c < result.channels; c++) {
    const from = planeOf(result, c);
    const canvas = new Float32Array(inner.canvasWidth * inner.canvasHeight);
    const start = 2 * border - margin;
    for (let i = 0; i < canvas.length; i++) {
      const [row, column] = [Math.floor(i / inner.canvasWidth), i % inner.canvasWidth];
      canvas[i] = 2 * from[(start + row) * result.width + start + column] - 1;
    }
    inner.apply(canvas).forEach((value, i) => {
      const [row, column] = [Math.floor(i / (width - 2 * border)), i % (width - 2 * border)];
      planeOf(y, c)[(border + row) * width + border + column] = value;
    });
  }
  return y;
}

test('a result that explains its layer does so to rounding, however many rows there are; the border does not count', () => {
  for (const rows of [40, 64, 75, 150]) {
    const result = drawn(60, 2 * rows, 3);
    const y = explained(result);
    assert.ok(consistency(y, result, KERNEL) > 119, `${rows} rows`);
  }
});

test('a layer that is off by a hundredth of its range is matched to 40 dB', () => {
  const result = drawn(60, 300, 1);
  const y = explained(result);
  const off = { ...y, data: y.data.map((v) => v + 0.02) };
  assert.ok(Math.abs(consistency(off, result, KERNEL) - 40) < 0.01);
});

test('a layer no larger than the kernel still has a figure', () => {
  const result = drawn(32, 32, 1);
  assert.ok(Number.isFinite(consistency(drawn(16, 16, 1), result, bicubicKernel(2))));
});
