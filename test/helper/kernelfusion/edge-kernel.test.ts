import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlanes } from '../../../helper/image/planes.ts';
import { kernelByEdges } from '../../../helper/kernelfusion/edge-kernel.ts';
import { scoreKernel } from '../../../helper/kernelfusion/metrics.ts';
import { centreOfMass, flip, type Kernel, makeKernel } from '../../../shared/kernel.ts';
import { assertClose } from '../../support/close.ts';
import { edgesOf } from '../../support/edges.ts';
import { blurred, rectangles } from '../../support/scene.ts';

/** A thin hook, 9 pixels a side, which is not its own half-turn. */
const HOOK = makeKernel(
  9,
  1,
  Float64Array.from({ length: 81 }, (_, i) => {
    const [r, c] = [Math.floor(i / 9), i % 9];
    return (c === 2 && r >= 1 && r <= 7) || (r === 7 && c >= 2 && c <= 6) ? 1 : 0;
  }),
);
const y = blurred(rectangles(150, 4), HOOK);
const alike = (kernel: Kernel, truth = HOOK) => scoreKernel(kernel, truth).ncc;

test('a wide, thin kernel is found the right way round, centred, on the side asked for', async () => {
  const kernel = await kernelByEdges(edgesOf(y), 13, 0.03);
  assert.deepEqual([kernel.size, kernel.scale], [13, 1]);
  assert.ok(kernel.data.every((v) => v >= 0));
  assertClose([kernel.data.reduce((a, b) => a + b)], [1], 1e-9);
  assert.ok(centreOfMass(kernel).every((v) => Math.abs(v) <= 0.5 + 1e-9));
  const [right, turned] = [alike(kernel), alike(kernel, flip(HOOK))];
  assert.ok(right > 0.85 && right > turned + 0.1, `alike to ${right}, turned to ${turned}`);
});

test('pixels that tell nothing have no say', async () => {
  const view = edgesOf(y);
  const usable = view.usable.map((_, i) => (i % view.width < 100 ? 1 : 0));
  // Strong edges of another blur: stripes.
  const spoilt = view.y.map((v, i) => (usable[i] === 1 ? v : (i % view.width) % 8 < 4 ? 1 : -1));
  const found = alike(await kernelByEdges({ ...view, y: spoilt, usable }, 13, 0.03));
  const taken = alike(await kernelByEdges({ ...view, y: spoilt }, 13, 0.03));
  assert.ok(found > 0.8 && found > taken + 0.1, `alike to ${found}, with the stripes to ${taken}`);
});

test('where there are no edges some kernel comes out all the same, also on the smallest sides', async () => {
  const view = edgesOf(makePlanes(40, 30, 1));
  for (const side of [1, 3, 13]) {
    const kernel = await kernelByEdges(view, side, 0.03);
    assert.equal(kernel.size, side);
    assertClose([kernel.data.reduce((a, b) => a + b)], [1], 1e-9);
  }
});

test('a cancel is heard', async () => {
  await assert.rejects(kernelByEdges(edgesOf(y), 13, 0.03, AbortSignal.abort()), { code: 'CANCELLED' });
});
