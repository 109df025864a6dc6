/**
 * A worker process like the helper's own whose result can be told by hand: each pixel becomes scale x scale pixels of the
 * inverted colour and the same alpha. So a test sees from any pixel of the inserted layer where it came from and that it has
 * been to the helper.
 *
 * While there is a file `hold` in the helper's home, the job stays half done in its phase `kernel`: tests interrupt it there.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makePlanes, type Planes, planeOf } from '../../helper/image/planes.ts';
import type { Job, JobContext } from '../../helper/job.ts';
import { type Layer, PHASES, type Phase } from '../../helper/kernelfusion/method.ts';
import { createMeter } from '../../helper/progress.ts';
import { serveOneJob } from '../../helper/server/worker.ts';
import { readVersions } from '../../helper/versions.ts';
import { bicubicKernel } from '../../shared/kernel.ts';
import type { UpscaleOptions } from '../../shared/options.ts';

const holdFile = path.join(process.env.KERNELFUSION_HOME!, 'hold');

async function exact({ colour, alpha }: Layer, { scale }: UpscaleOptions, context: JobContext = {}): Promise<Job> {
  const meter = createMeter();
  const kernel = context.kernel ?? bicubicKernel(scale);
  const inverted = enlarged({ ...colour, data: colour.data.map((value) => 1 - value) }, scale);
  const step = (phase: Phase, number: number) => {
    const progress = {
      ...{ phase, step: number, steps: 2, done: (PHASES.indexOf(phase) + number / 2) / PHASES.length },
      ...(phase === 'kernel' && { kernel }),
      ...(phase === 'image' && { piece: { colour: inverted, top: 0, left: 0 } }),
    };
    context.onProgress?.(progress, meter.record(progress));
  };
  for (const phase of PHASES) {
    step(phase, 1);
    while (phase === 'kernel' && existsSync(holdFile)) await wait(20);
    step(phase, 2);
  }
  return {
    result: {
      layer: { colour: inverted, alpha: alpha && enlarged(alpha, scale) },
      ...{ kernel, kernelSource: context.kernel ? 'given' : 'estimated', kernels: [], notes: [] },
      confidence: context.kernel ? null : 0.87,
      ...{ noise: 0.8, lrConsistency: 46.2, losses: [] },
    },
    ...{ timings: meter.timings(), versions: readVersions(), executor: 'none', threads: 1 },
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

serveOneJob(exact);
