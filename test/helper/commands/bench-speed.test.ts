import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BenchSpeedResult, benchSpeed, speedTable } from '../../../helper/commands/bench-speed.ts';
import { stepMacs } from '../../../helper/devices/probe.ts';
import { makePlanes } from '../../../helper/image/planes.ts';
import { DEFAULT_WIDTH, trainingGraph } from '../../../helper/kernelfusion/patch-diffusion-net.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { gradient } from '../../../helper/tensor/gradient.ts';
import { GraphBuilder } from '../../../helper/tensor/graph.ts';
import { macsOf } from '../../../helper/tensor/macs.ts';
import { parseOptions } from '../../../shared/options.ts';
import { trainingBriefly } from '../../support/brief-training.ts';

test('multiply-adds are counted: a product, a convolution and both of its gradients', () => {
  const g = new GraphBuilder();
  const a = g.input('a', [5, 3]);
  assert.equal(
    macsOf(g.build({ y: g.matmul(a, g.input('b', [5, 7]), { transposeA: true, transposeB: false }) })),
    3 * 7 * 5,
  );

  const c = new GraphBuilder();
  const [x, w] = [c.input('x', [2, 3, 4, 6]), c.input('w', [5, 3, 3, 3])];
  const y = c.conv2d(x, w);
  const forward = 2 * 5 * 4 * 6 * 3 * 9;
  assert.equal(macsOf(c.build({ y })), forward);
  const loss = c.mean(c.mul(y, y));
  const [dx, dw] = gradient(c, loss, [x, w]);
  assert.equal(macsOf(c.build({ dx, dw })), 3 * forward);
});

test('a training step is three times the net, as the probe has it, but for the first layer and the time', () => {
  const size = { width: DEFAULT_WIDTH, channels: 3, batch: 16, crop: 32 };
  const ratio = macsOf(trainingGraph(size)) / stepMacs(size);
  assert.ok(ratio > 0.98 && ratio < 1.01, `${ratio}`);
});

test('every phase has its share, every program its speed, and the engine is never busier than its phase', async () => {
  const colour = makePlanes(
    20,
    20,
    1,
    Float32Array.from({ length: 400 }, (_, i) => 0.5 + 0.4 * Math.sin(i / 3)),
  );
  const open = async () => trainingBriefly(await createOnnxExecutor({ threads: 1 }));
  const result = await benchSpeed({ layer: { colour, alpha: null }, options: parseOptions({}), open, matrixSide: 64 });
  const share = result.phases.reduce((sum, phase) => sum + phase.share, 0);
  assert.ok(Math.abs(share - 1) < 0.1, `${share}`);
  for (const { seconds, engine } of result.phases) assert.ok(engine <= seconds + 0.01, `${engine} of ${seconds} s`);
  assert.deepEqual(
    result.engine.map(({ work }) => work),
    ['training the net', "the kernel's equations", 'denoising by the net'],
  );
  assert.ok(result.engine.every(({ runs, gflops, ofMatrix }) => runs > 0 && gflops > 0 && ofMatrix > 0));
  assert.equal(result.executor, 'onnx-cpu');
});

test('the tables as they are printed', () => {
  const result: BenchSpeedResult = {
    executor: 'onnx-cpu',
    threads: 2,
    phases: [{ phase: 'prior', seconds: 6, engine: 5, share: 0.75 }],
    engine: [{ work: 'training the net', runs: 450, seconds: 5, gflops: 80, ofMatrix: 0.8 }],
    matrix: 100,
  };
  assert.equal(
    speedTable('Some picture.', result),
    `# Speed

Some picture.

| phase | seconds | share | in the engine | solvers and the rest |
| --- | ---: | ---: | ---: | ---: |
| prior | 6.0 | 75 % | 5.0 | 1.0 |

| in the engine | runs | seconds | GFLOP/s | of a matrix product |
| --- | ---: | ---: | ---: | ---: |
| training the net | 450 | 5.0 | 80.0 | 80 % |

A matrix product on the same executor, between the job's own runs: 100.0 GFLOP/s.
`,
  );
});
