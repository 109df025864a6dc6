/**
 * `npm run experiment -- --pairs FOLDER [--preset NAME] [--only a,b]`: where quality is lost, stage by stage, so that an idea
 * about the kernel can be judged in an hour.
 *
 * For every pair: each kernel that the search met, with its start, its score, its likeness to the true kernel and what the picture
 * restored with it gains over bicubic (by the gradients of natural pictures alone: no prior in the way); then the same for the true
 * kernel, and for it reduced to the grid of the search. One table tells the loss of the search (best met against the true kernel),
 * of the choice (chosen against best met) and of the grid. Kept by content under bench-output/experiments: a pair is done again only
 * when it, the plan or the method's sources have changed.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bicubicOf, readPair } from '../../../helper/commands/bench-pair.ts';
import { mapPlanes, type Planes } from '../../../helper/image/planes.ts';
import { estimateKernel } from '../../../helper/kernelfusion/estimate-kernel.ts';
import {
  CLOSED_FORM_PLANS,
  type ClosedFormPlan,
  carried,
  searchedPart,
} from '../../../helper/kernelfusion/methods/closed-form.ts';
import { noiseOf, opaque, randomOf, toNetwork } from '../../../helper/kernelfusion/methods/layer-work.ts';
import { scoreKernel, scorePicture } from '../../../helper/kernelfusion/metrics.ts';
import { trainPrior } from '../../../helper/kernelfusion/patch-diffusion.ts';
import { FAST_RESTORATION, restoreLayer } from '../../../helper/kernelfusion/restore.ts';
import { tasksHere } from '../../../helper/kernelfusion/tasks.ts';
import type { Executor } from '../../../helper/tensor/executor.ts';
import { createOnnxExecutor } from '../../../helper/tensor/executors/onnx/executor.ts';
import { type Kernel, resizeSide, toScale } from '../../../shared/kernel.ts';
import { parseOptions } from '../../../shared/options.ts';

/** A kernel as the table tells it. */
interface Row {
  readonly start: string;
  readonly score: number | null;
  readonly correlation: number;
  readonly gain: number;
}

const METHOD = path.resolve(import.meta.dirname, '../../../helper/kernelfusion');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { pairs: { type: 'string' }, preset: { type: 'string', default: 'fast' }, only: { type: 'string' } },
  });
  const plan = (CLOSED_FORM_PLANS as Readonly<Record<string, ClosedFormPlan>>)[values.preset];
  if (!values.pairs || !plan) throw new Error(`--pairs FOLDER, --preset ${Object.keys(CLOSED_FORM_PLANS).join('|')}`);
  const only = values.only?.split(',');
  const names = (await readdir(values.pairs)).filter((name) => only?.some((o) => name.startsWith(o)) ?? true).sort();
  const out = path.resolve('bench-output/experiments');
  await mkdir(out, { recursive: true });
  const method = await sources();
  const executor = await createOnnxExecutor();
  const lines = [`# Kernels of preset ${values.preset}`, ''];
  const summary = [
    '| pair | chosen | gain | best met | gain | true, search grid | true |',
    '|---|---|---|---|---|---|---|',
  ];
  try {
    for (const name of names) {
      const folder = path.join(values.pairs, name);
      const key = await hash(method, JSON.stringify(plan), folder);
      const kept = path.join(out, `${name}-${key}.json`);
      const rows: Row[] = await readFile(kept, 'utf8')
        .then(JSON.parse)
        .catch(() => experiment(folder, plan, executor));
      await writeFile(kept, JSON.stringify(rows));
      const text = (row: Row) => `${row.start} ${row.correlation.toFixed(3)} | ${row.gain.toFixed(2)}`;
      const met = rows.filter(({ score }) => score !== null);
      const best = met.reduce((a, b) => (b.gain > a.gain ? b : a));
      const [reduced, truth] = rows.slice(-2);
      summary.push(
        `| ${name} | ${text(rows[0])} | ${text(best)} | ${reduced.gain.toFixed(2)} | ${truth.gain.toFixed(2)} |`,
      );
      console.log(summary.at(-1));
      lines.push(`## ${name}`, '', '| start | score | correlation | gain dB |', '|---|---|---|---|');
      for (const { start, score, correlation, gain } of rows) {
        lines.push(`| ${start} | ${score?.toFixed(3) ?? ''} | ${correlation.toFixed(3)} | ${gain.toFixed(2)} |`);
      }
      lines.push('');
      await writeFile(path.join(out, `${values.preset}.md`), [...lines, ...summary, ''].join('\n'));
    }
  } finally {
    await executor.close();
  }
}

/** The chosen kernel first, then the others met by their scores, then the true one on the search's grid and as it is. */
async function experiment(folder: string, plan: ClosedFormPlan, executor: Executor): Promise<Row[]> {
  const pair = await readPair(folder);
  const { truth, kernel, scale } = pair;
  const { layer } = pair.input;
  const options = parseOptions({ scale });
  const y = mapPlanes(layer.colour, toNetwork);
  const usable = opaque(layer);
  const noise = noiseOf(y, usable, options);
  const sigma = noise.noise / 127.5;
  const tasks = tasksHere();
  const psnr = (colour: Planes) => scorePicture({ colour, alpha: truth.alpha }, truth, scale).psnrYShift;
  const plain = psnr(bicubicOf(pair).colour);
  const gain = async (k: Kernel) => {
    const restored = await restoreLayer(y, k, sigma, null, FAST_RESTORATION, { executor, tasks, onStep: () => {} });
    return psnr(mapPlanes(restored, (v) => Math.min(1, Math.max(0, v)))) - plain;
  };
  const prior = plan.training && (await trainPrior(y, plan.training, executor, randomOf('prior', options), () => {}));
  const searched = searchedPart(y, usable, noise, options);
  const random = randomOf('kernel', options);
  const { chosen, candidates } = await estimateKernel(
    searched,
    prior,
    plan.search,
    random,
    { executor, tasks },
    () => {},
  );
  const rows: Row[] = [];
  for (const met of [chosen, ...candidates.filter((c) => c !== chosen).sort((a, b) => a.score - b.score)]) {
    const k = carried(met.kernel, scale);
    rows.push({ start: met.start, score: met.score, correlation: scoreKernel(k, kernel).ncc, gain: await gain(k) });
  }
  // Sides that are multiples of the scale go over to the search's grid tap by tap.
  const side = Math.ceil(kernel.size / scale) * scale;
  const reduced = toScale(toScale(resizeSide(kernel, side), searched.scale), scale);
  for (const [start, k] of [
    ['true, on the grid of the search', reduced],
    ['true', kernel],
  ] as const) {
    rows.push({ start, score: null, correlation: scoreKernel(k, kernel).ncc, gain: await gain(k) });
  }
  return rows;
}

/** The method's compiled sources as one string. */
async function sources(): Promise<string> {
  const files = (await readdir(METHOD, { recursive: true })).filter((file) => /\.(js|wasm)$/.test(file)).sort();
  return (await Promise.all(files.map((file) => readFile(path.join(METHOD, file), 'latin1')))).join('\n');
}

async function hash(method: string, plan: string, folder: string): Promise<string> {
  const digest = createHash('sha256').update(method).update(plan);
  for (const file of ['lr.png', 'hr.png', 'kernel.npy']) digest.update(await readFile(path.join(folder, file)));
  return digest.digest('hex').slice(0, 12);
}

await main();
