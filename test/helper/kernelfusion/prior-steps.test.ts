import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Planes } from '../../../helper/image/planes.ts';
import { bicubicCanvas } from '../../../helper/kernelfusion/degradation.ts';
import { stepsOfPrior, type Trust, USUAL_TRUST } from '../../../helper/kernelfusion/prior-steps.ts';
import { blurred, gaussian, rectangles } from '../../support/scene.ts';

const SIGMA = 2 / 127.5;
const KERNEL = gaussian(6, 2, 1.2, 0.8, 0.6);
const y = blurred(rectangles(44, 4), KERNEL);
const START = bicubicCanvas(y, KERNEL);

/** A prior that wants everything darker. */
const darker = (x: Planes) => ({ ...x, data: x.data.map((v) => v - 0.1) });

function run(times: readonly number[], trust: Trust = USUAL_TRUST) {
  const given: { readonly x: Planes; readonly t: number }[] = [];
  const heard: Planes[] = [];
  const denoise = async (x: Planes, t: number) => {
    given.push({ x, t });
    return darker(x);
  };
  const plan = { times, iterations: 10, trust };
  const result = stepsOfPrior(START, y, { kernel: KERNEL }, SIGMA, { denoise }, plan, (x) => void heard.push(x));
  return result.then((end) => ({ given, heard, end }));
}

test('each step begins where the last one ended, at the times given; the last one is the result', async () => {
  const { given, heard, end } = await run([60, 40, 26]);
  assert.deepEqual(
    given.map(({ t }) => t),
    [60, 40, 26],
  );
  assert.equal(given[0].x, START);
  assert.equal(given[1].x, heard[0]);
  assert.equal(given[2].x, heard[1]);
  assert.equal(end, heard[2]);
  assert.equal((await run([])).end, START);
});

test('the more the prior is trusted, the nearer to its proposal; the more the gradients, the smoother', async () => {
  const distance = async (prior: number) => {
    const { end } = await run([26], { prior, gradients: 0 });
    return Math.hypot(...darker(START).data.map((v, i) => v - end.data[i]));
  };
  assert.ok((await distance(10)) < (await distance(1)) && (await distance(1)) < (await distance(0.1)));
  const roughness = async (gradients: number) => {
    const { data, width } = (await run([26], { prior: 1, gradients })).end;
    return data.reduce((sum, v, i) => sum + (i % width === 0 ? 0 : Math.abs(v - data[i - 1])), 0);
  };
  assert.ok((await roughness(1)) < (await roughness(0)));
});
