/** What the pieces of a search are made of. That they come to the same in threads: task-threads.test.ts. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Searched } from '../../../helper/kernelfusion/diffusion-search.ts';
import { compileWindowProduct, windowsAtOnce } from '../../../helper/kernelfusion/kernel-solver.ts';
import { startKernel } from '../../../helper/kernelfusion/kernel-starts.ts';
import { SEARCH_TASKS } from '../../../helper/kernelfusion/search-tasks.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { flip, type Kernel } from '../../../shared/kernel.ts';
import { edgesOf } from '../../support/edges.ts';
import { everywhere } from '../../support/everywhere.ts';
import { blurred, HOOK, rectangles } from '../../support/scene.ts';

const onnx = await createOnnxExecutor({ threads: 1 });
/** All layers here are of its size. */
const LAYER = blurred(rectangles(58, 4), HOOK);
const { product, release } = await compileWindowProduct(onnx, HOOK.size, windowsAtOnce(LAYER));
after(async () => {
  await release();
  await onnx.close();
});

/** Three steps from a spot, for a layer that was blurred by `kernel`. */
function fit(kernel: Kernel, isUsable: (row: number, column: number) => boolean) {
  const y = blurred(rectangles(58, 4), kernel);
  const usable = everywhere(y).map((_, i) => (isUsable(Math.floor(i / y.width), i % y.width) ? 1 : 0));
  const { size, scale } = kernel;
  const searched: Searched = { y, usable, edges: edgesOf(y), size, scale, sigma: 0.01, lumaSigma: 0.01 };
  const asked = { searched, seed: 5, start: startKernel('spot', size, scale), steps: 3 };
  return SEARCH_TASKS.fit(asked, { product, onStep: () => {} });
}

test('kernels are fitted to differences between neighbours under gradients: where no two may be used a layer tells nothing', async () => {
  const chessboard = (row: number, column: number) => (row + column) % 2 === 0;
  assert.deepEqual(await fit(HOOK, chessboard), await fit(flip(HOOK), chessboard));
  const always = () => true;
  assert.notDeepEqual(await fit(HOOK, always), await fit(flip(HOOK), always));
});
