import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { enlargeBicubic, reduceArea } from '../../../helper/image/enlarge.ts';
import { makePlanes } from '../../../helper/image/planes.ts';
import type { Scale } from '../../../shared/kernel.ts';

const SCALES: readonly Scale[] = [1, 2, 3, 4];
const waves = (n: number) => Float32Array.from({ length: n }, (_, i) => 0.5 + 0.5 * Math.sin(i * i * 0.7));

function assertClose(got: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  assert.equal(got.length, wanted.length);
  for (let i = 0; i < got.length; i++) {
    assert.ok(Math.abs(got[i] - wanted[i]) <= tolerance, `value ${i}: ${got[i]}, not ${wanted[i]}`);
  }
}

test('one bright pixel spreads by the Keys weights worked out by hand', () => {
  const row = makePlanes(8, 1, 1);
  row.data[4] = 1;
  // Output 2i and 2i + 1 lie a quarter pixel beside input i: distances 7/4, 5/4, 3/4, 1/4 and back.
  const side = [-0.0234375, -0.0703125, 0.2265625, 0.8671875];
  const wanted = [0, 0, 0, 0, 0, ...side, ...[...side].reverse(), 0, 0, 0];
  assertClose(enlargeBicubic(row, 2).data.subarray(0, 16), wanted, 1e-7);
});

test('scale 1 gives every value back', () => {
  const planes = makePlanes(7, 5, 3, waves(105));
  assert.deepEqual(enlargeBicubic(planes, 1), planes);
});

test('a flat picture stays flat up to its border, a straight ramp stays straight inside', () => {
  for (const scale of SCALES) {
    const flat = enlargeBicubic(makePlanes(5, 4, 2, new Float32Array(40).fill(0.3)), scale);
    assertClose(flat.data, new Float32Array(40 * scale ** 2).fill(0.3), 1e-7);

    const ramp = makePlanes(
      12,
      2,
      1,
      Float32Array.from({ length: 24 }, (_, i) => (i % 12) / 12),
    );
    const row = enlargeBicubic(ramp, scale).data.subarray(2 * scale, 10 * scale);
    const wanted = Array.from(row, (_, i) => ((2 * scale + i + 0.5) / scale - 0.5) / 12);
    assertClose(row, wanted, 1e-6);
  }
});

test('rows and columns are treated alike', () => {
  const size = 6;
  const planes = makePlanes(size, size, 1, waves(36));
  const turned = makePlanes(size, size, 1);
  planes.data.forEach((v, i) => {
    turned.data[(i % size) * size + Math.floor(i / size)] = v;
  });
  const [a, b] = [enlargeBicubic(planes, 3), enlargeBicubic(turned, 3)];
  const back = a.data.map((_, i) => b.data[(i % a.width) * a.width + Math.floor(i / a.width)]);
  assertClose(a.data, back, 1e-6);
});

const PILLOW = `
import sys, numpy as np
from PIL import Image
w, h, s = map(int, sys.argv[1:])
a = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(h, w)
sys.stdout.buffer.write(np.asarray(Image.fromarray(a).resize((w * s, h * s), Image.BICUBIC), np.float32).tobytes())`;
const hasPillow = spawnSync('/usr/bin/python3', ['-c', 'import PIL, numpy']).status === 0;

test('agrees with Pillow away from the border', { skip: hasPillow ? false : 'needs python3 with Pillow' }, () => {
  const [width, height] = [23, 17];
  const planes = makePlanes(width, height, 1, waves(width * height));
  for (const scale of SCALES) {
    const args = ['-c', PILLOW, `${width}`, `${height}`, `${scale}`];
    const { stdout } = spawnSync('/usr/bin/python3', args, { input: new Uint8Array(planes.data.buffer) });
    const wanted = new Float32Array(new Uint8Array(stdout).buffer);
    const got = enlargeBicubic(planes, scale);
    assert.equal(wanted.length, got.data.length);
    let compared = 0;
    got.data.forEach((v, i) => {
      const [x, y] = [i % got.width, Math.floor(i / got.width)];
      const inner = Math.min(x, y, got.width - 1 - x, got.height - 1 - y) >= 2 * scale;
      if (!inner) return;
      compared++;
      assert.ok(Math.abs(v - wanted[i]) < 1e-6, `x${scale} at ${x}, ${y}: ${v}, not ${wanted[i]}`);
    });
    assert.equal(compared, (width - 4) * (height - 4) * scale ** 2);
  }
});

test('area reduction takes the mean of whole and of cut-off blocks', () => {
  const planes = makePlanes(3, 3, 2, Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 8]));
  assert.deepEqual(
    reduceArea(planes, 2),
    makePlanes(2, 2, 2, Float32Array.from([(1 + 2 + 4 + 5) / 4, (3 + 6) / 2, (7 + 8) / 2, 9, 0, 0, 0, 8])),
  );
  assert.deepEqual(reduceArea(planes, 1), planes);
  assert.throws(() => reduceArea(planes, 1.5), RangeError);
});
