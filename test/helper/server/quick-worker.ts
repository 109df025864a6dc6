/**
 * A worker process like the helper's own, with a method that takes as long as the test wants and misbehaves when asked: for
 * tests of what is around the method.
 *
 * The first pixel of the layer says how: red is the milliseconds a step, green the behaviour, blue the phase it shows in.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { makePlanes, type Planes, planeOf } from '../../../helper/image/planes.ts';
import type { Job, JobContext } from '../../../helper/job.ts';
import { makeStage } from '../../../helper/kernelfusion/checkpoint.ts';
import { type Layer, PHASES, type Phase } from '../../../helper/kernelfusion/method.ts';
import { makeRandom } from '../../../helper/kernelfusion/random.ts';
import { createMeter } from '../../../helper/progress.ts';
import { serveOneJob } from '../../../helper/server/worker.ts';
import { readVersions } from '../../../helper/versions.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { bicubicKernel } from '../../../shared/kernel.ts';
import type { UpscaleOptions } from '../../../shared/options.ts';
import { BEHAVIOURS } from './quick-jobs.ts';

const STEPS = 4;

async function quick(layer: Layer, options: UpscaleOptions, context: JobContext = {}): Promise<Job> {
  const [pause, behaviour, place] = [0, 1, 2].map((c) => Math.round(255 * planeOf(layer.colour, c)[0]));
  const meter = createMeter();
  const kernel = context.kernel ?? bicubicKernel(options.scale);
  const computed: Phase[] = [];
  if (context.device) context.onNote?.(`This was to be computed on ${context.device}.`);

  const steps = async (phase: Phase, picture?: Planes) => {
    computed.push(phase);
    if (place === PHASES.indexOf(phase)) misbehave(BEHAVIOURS[behaviour]);
    for (let step = 1; step <= STEPS; step++) {
      await wait(pause);
      const done = (PHASES.indexOf(phase) + step / STEPS) / PHASES.length;
      const progress = {
        ...{ phase, step, steps: STEPS, done },
        ...(phase === 'kernel' && { kernel }),
        ...(picture && { piece: { colour: picture, top: 0, left: 0 } }),
      };
      context.onProgress?.(progress, meter.record(progress));
    }
    return makeRandom(options.seed, PHASES.indexOf(phase)).uniform();
  };

  const stage = makeStage(context);
  const { losses } = await stage('prior', async () => ({
    prior: { width: 1, channels: 1, parameters: new Float32Array(1) },
    losses: [await steps('prior')],
  }));
  const found = await stage('kernel', async () => ({
    kernel,
    kernelSource: context.kernel ? 'given' : 'estimated',
    confidence: context.kernel ? null : 0.75,
    notes: [`drew ${await steps('kernel')}`],
    kernels: [],
  }));
  const colour = await stage('image', async () => {
    const picture = enlarged(layer.colour, options.scale);
    const drawn = await steps('image', picture);
    return { ...picture, data: picture.data.map((v) => (v + drawn + losses[0]) % 1) };
  });
  const drawn = await steps('alpha');
  const alpha = layer.alpha && enlarged(layer.alpha, options.scale);
  return {
    result: {
      ...found,
      layer: { colour, alpha: alpha && { ...alpha, data: alpha.data.map((v) => v * drawn) } },
      notes: [...found.notes, `computed ${computed}`],
      ...{ noise: 0, lrConsistency: 50, losses },
    },
    timings: meter.timings(),
    versions: readVersions(),
    ...{ executor: 'none', threads: 1 },
  };
}

/** Every pixel scale x scale times. */
function enlarged(planes: Planes, scale: number): Planes {
  const out = makePlanes(planes.width * scale, planes.height * scale, planes.channels);
  for (let c = 0; c < planes.channels; c++) {
    const [from, to] = [planeOf(planes, c), planeOf(out, c)];
    for (let i = 0; i < to.length; i++) {
      const [row, column] = [Math.floor(i / out.width), i % out.width];
      to[i] = from[Math.floor(row / scale) * planes.width + Math.floor(column / scale)];
    }
  }
  return out;
}

function misbehave(behaviour: (typeof BEHAVIOURS)[number]): void {
  switch (behaviour) {
    case 'well':
      return;
    case 'fail':
      throw new KernelFusionError('ENGINE_FAILED', 'The engine is out of order.');
    case 'exit':
      process.stderr.write('the floor gave way\n');
      process.exit(3);
      return;
    case 'abort':
      process.abort();
      return;
    case 'full':
      throw new KernelFusionError('SPOOL_FULL', 'Nothing more can be written.');
    case 'hang':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // Never again listens to anything.
      return;
    default:
      behaviour satisfies never;
  }
}

serveOneJob(quick);
