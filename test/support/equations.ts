import {
  compileWindowProduct,
  makeNormalEquations,
  type NormalEquationsBuilder,
} from '../../helper/kernelfusion/kernel-solver.ts';
import type { Support } from '../../helper/kernelfusion/support.ts';
import type { Executor } from '../../helper/tensor/executor.ts';
import type { Scale } from '../../shared/kernel.ts';

/** Multiplied at once: fewer than most tests have. */
const WINDOWS = 1000;

/** Kernels of this side that may have taps everywhere. */
export const wholeSquare = (size: number): Support => ({
  size,
  places: Int32Array.from({ length: size * size }, (_, i) => i),
});

/** The equations of kernels of `size` taps a side, on an executor; to be released. */
export async function openEquations(
  executor: Executor,
  size: number,
  scale: Scale,
): Promise<{ readonly build: NormalEquationsBuilder; release(): Promise<void> }> {
  const { product, release } = await compileWindowProduct(executor, size, WINDOWS);
  return { build: makeNormalEquations(product, size, scale, WINDOWS), release };
}
