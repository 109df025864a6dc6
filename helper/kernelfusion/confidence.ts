/** How sure one may be of a kernel that was found. */
import type { Estimate } from './estimate-kernel.ts';

export function confidenceOf(_estimate: Estimate): number {
  return 0.5;
}
