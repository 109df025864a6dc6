/**
 * `npm run pairs -- --pictures FOLDER --out FOLDER [--scale 4,2] [--count 14] [--side 128] [--seed 1]`: pairs that nothing was
 * fitted to, from any photographs. `--scale`: the pairs' scales, in turn (`4,2,4` makes two in three at x4). `--side`: of the layers.
 */
import { parseArgs } from 'node:util';
import type { Scale } from '../../../shared/kernel.ts';
import { makePairs } from './make-pairs.ts';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string' },
    out: { type: 'string' },
    scale: { type: 'string', default: '4,2' },
    count: { type: 'string', default: '14' },
    side: { type: 'string', default: '128' },
    seed: { type: 'string', default: '1' },
  },
});
const scales = values.scale.split(',').map(Number);
const [count, side, seed] = [values.count, values.side, values.seed].map(Number);
const areFit =
  scales.every((scale) => [1, 2, 3, 4].includes(scale)) &&
  [count, side, seed].every(Number.isInteger) &&
  count >= 1 &&
  side >= 32 &&
  seed >= 0;
if (!values.pictures || !values.out || !areFit) {
  throw new Error('--pictures FOLDER --out FOLDER [--scale 4,2] [--count 14] [--side 128, at least 32] [--seed 1]');
}
await makePairs({
  pictures: values.pictures,
  out: values.out,
  scales: scales as Scale[],
  count,
  side,
  seed,
  print: console.log,
});
