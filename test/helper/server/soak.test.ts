/**
 * Hundreds of jobs, many of them disturbed: panels cancel, forget, vanish and come back, workers are killed with -9, fail, exit,
 * abort and hang, at moments drawn from a seed. Every job has to end as it should: with the bytes an undisturbed one has, or
 * with a code that fits what was done to it. And the helper must hold no more after the last job than before the first.
 *
 * `npm test` runs a part of the jobs, `npm run test:full` all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRandom, type Random } from '../../../helper/kernelfusion/random.ts';
import type { KernelFusionError } from '../../../shared/errors.ts';
import { CHUNK } from '../../../shared/protocol/limits.ts';
import { noProc } from '../../support/processes.ts';
import { type BEHAVIOURS, pixelsOf, shapeOf } from './quick-jobs.ts';
import { ORIGINS, openHouse } from './soak-house.ts';

const SEED = 20_261_124;
const JOBS = process.env.KERNELFUSION_FULL_TESTS === '1' ? 200 : 32;
const PANELS = 4;
const MIB = 2 ** 20;

/** Layers and options that jobs are made of; the third is of more than one frame, its result of more than a window. */
const KINDS = [
  { side: 16, scale: 2, pause: 0 },
  { side: 48, scale: 3, pause: 5 },
  { side: 600, scale: 3, pause: 0 },
  { side: 128, scale: 1, pause: 20 },
  { side: 96, scale: 4, pause: 10 },
] as const;

const TROUBLES = ['none', 'cancel', 'forget', 'leave', 'kill'] as const;
const MOMENTS = ['uploading', 'queued', 'running', 'fetching'] as const;

interface Plan {
  readonly kind: number;
  readonly origin: string;
  readonly behaviour: (typeof BEHAVIOURS)[number];
  readonly trouble: (typeof TROUBLES)[number];
  readonly moment: (typeof MOMENTS)[number];
  /** Share of the moment that has passed when the trouble comes. */
  readonly at: number;
}

/** What became of a job: `right`, `gone`, `cancelled`, or the code and sentence it failed with. */
type End = string;

function drawPlan({ below, uniform }: Random): Plan {
  const one = <T>(list: readonly T[]) => list[below(list.length)];
  const trouble = one(TROUBLES);
  const moment = one(MOMENTS);
  const common = { kind: below(KINDS.length), origin: one(ORIGINS), trouble, moment };
  // A job that hangs ends only where somebody ends it; that is in its second phase, at a quarter of the way.
  const mayHang = moment === 'running' && (trouble === 'cancel' || trouble === 'forget');
  if (mayHang && uniform() < 0.3) return { ...common, behaviour: 'hang', at: 0.25 };
  const behaviour = uniform() < 0.2 ? one(['fail', 'exit', 'abort'] as const) : 'well';
  return { ...common, behaviour, at: 0.9 * uniform() };
}

test(`${JOBS} jobs, cancelled, forgotten, left and killed at random, end as they should and leave nothing behind`, {
  skip: noProc(),
  timeout: 600_000,
}, async (t) => {
  const house = await openHouse(t);
  const references = new Map<number, Uint8Array>();
  let kills = 0;

  const layerOf = ({ kind, behaviour }: Pick<Plan, 'kind' | 'behaviour'>) => {
    const { side, pause } = KINDS[kind];
    return pixelsOf(shapeOf(side), { pause, behaviour, phase: 'kernel' });
  };
  const bytesOfResult = (kind: number) => 4 * (KINDS[kind].side * KINDS[kind].scale) ** 2;

  /** One job from beginning to end, on as many connections as it takes. */
  async function live(plan: Plan): Promise<End> {
    const { kind, origin, trouble, moment, at } = plan;
    const { side, scale } = KINDS[kind];
    const troubleAt = (when: Plan['moment']) => (when === moment ? trouble : 'none');
    const connect = () => house.connect(origin);
    let panel = await connect();
    let job = '';

    /** Whether there is no such job, once what is known of it is more than that its layer was on its way. */
    const isGone = async () => {
      try {
        await panel.until(() => panel.told(job).gone || panel.told(job).status?.state !== 'uploading');
        await panel.ask('job', { type: 'resume', job });
        return false;
      } catch (error) {
        assert.equal((error as KernelFusionError).code, 'NO_SUCH_JOB');
        return true;
      }
    };
    const comeBack = async () => {
      panel.cut();
      panel = await connect();
    };
    const kill = () => {
      kills += house.killWorkers();
    };
    const stop = async (how: 'cancel' | 'forget') => {
      await panel.ask('ok', { type: how, job });
      return !(await isGone());
    };

    try {
      const layer = layerOf(plan);
      const options = { scale };
      job = (await panel.ask('started', { type: 'start', layer: shapeOf(side), options })).job;
      const isCut = ['leave', 'cancel', 'forget'].includes(troubleAt('uploading'));
      await panel.upload(job, isCut ? layer.subarray(0, CHUNK) : layer);
      switch (troubleAt('uploading')) {
        case 'leave':
          await comeBack();
          // The helper finds out after the panel is back, perhaps.
          while (!(await isGone())) assert.equal(panel.told(job).status?.state, 'uploading');
          return 'gone';
        case 'cancel':
        case 'forget':
          assert.equal(await stop(trouble as 'cancel' | 'forget'), false, 'half a layer is no job');
          return 'gone';
        case 'kill':
          kill();
      }
      await panel.ask('job', { type: 'uploaded', job });

      const state = () => panel.told(job).status?.state ?? 'uploading';
      const hasEnded = () => ['done', 'failed', 'cancelled'].includes(state());
      const comes = () => {
        if (moment === 'queued') return state() === 'queued' || state() === 'running';
        return moment === 'running' && (panel.told(job).progress?.fraction ?? 0) >= at;
      };
      await panel.until(() => hasEnded() || comes());
      if (!hasEnded()) {
        if (trouble === 'kill') kill();
        if (trouble === 'leave') {
          await comeBack();
          await panel.ask('job', { type: 'resume', job });
        }
        if (trouble === 'cancel' || trouble === 'forget') {
          const isLeft = await stop(trouble);
          assert.equal(isLeft, trouble === 'cancel');
          if (!isLeft) return 'gone';
          assert.ok(hasEnded(), 'a cancelled job has ended when that is answered');
        }
      }
      await panel.until(hasEnded);
      const { error, result } = panel.told(job).status!;
      if (!result) {
        await panel.ask('ok', { type: 'forget', job });
        return error ? `${error.code}: ${error.sentence}` : 'cancelled';
      }

      const into = new Uint8Array(bytesOfResult(kind));
      if (troubleAt('fetching') === 'leave') {
        const enough = Math.floor(at * into.length);
        await panel.download(job, into, 0, enough);
        await comeBack();
        await panel.download(job, into, enough);
      } else if (troubleAt('fetching') === 'forget') {
        await panel.download(job, into, 0, 1);
        await panel.ask('ok', { type: 'forget', job });
        return 'gone';
      } else {
        if (troubleAt('fetching') === 'kill') kill();
        await panel.download(job, into);
      }
      const reference = references.get(kind);
      if (reference) assert.ok(Buffer.from(into).equals(reference), 'the bytes of a job that nobody disturbed');
      else references.set(kind, into);
      await panel.ask('ok', { type: 'forget', job });
      return 'right';
    } finally {
      await panel.close();
    }
  }

  /** Whether a plan may end so. */
  function fits(end: End, { behaviour, trouble, moment }: Plan): boolean {
    const isStopped = trouble === 'cancel' || trouble === 'forget';
    if (end === 'gone') return isStopped || (trouble === 'leave' && moment === 'uploading');
    if (end === 'cancelled') return trouble === 'cancel' && ['queued', 'running'].includes(moment);
    // Whose worker is killed is chance, and three times are too many.
    if (/^WORKER_DIED: .*ended from outside 3 times/.test(end)) return kills >= 3;
    if (behaviour === 'well') return end === 'right';
    return (behaviour === 'fail' ? /^ENGINE_FAILED: / : /^WORKER_DIED: The computation broke down/).test(end);
  }

  const undisturbed = { behaviour: 'well', trouble: 'none', moment: 'queued', at: 0 } as const;
  for (const kind of KINDS.keys()) {
    assert.equal(await live({ ...undisturbed, kind, origin: ORIGINS[kind % 2] }), 'right');
  }
  await house.settle();
  const before = await house.look();

  const random = makeRandom(SEED);
  const plans = Array.from({ length: JOBS }, () => drawPlan(random));
  const ends = new Map<string, number>();
  let next = 0;
  const work = async () => {
    while (next < plans.length) {
      const plan = plans[next++];
      const told = `job ${next} of seed ${SEED}: ${JSON.stringify(plan)}`;
      const end = await live(plan).catch((cause) => {
        throw new Error(told, { cause });
      });
      assert.ok(fits(end, plan), `${told} ended: ${end}`);
      const name = end.split(':')[0];
      ends.set(name, (ends.get(name) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: PANELS }, work));
  t.diagnostic(`${JSON.stringify(Object.fromEntries(ends))}, ${kills} kills`);
  for (const end of ['right', 'gone', 'cancelled']) assert.ok(ends.has(end), `some job was to end so: ${end}`);
  assert.ok(kills > 0);

  await house.settle();
  const after = await house.look();
  assert.deepEqual(after.warnings, []);
  assert.deepEqual(
    { workers: after.workers, descriptors: after.descriptors, timers: after.timers, folders: after.folders },
    { workers: [], descriptors: before.descriptors, timers: before.timers, folders: [] },
  );
  t.diagnostic(`heap ${before.heap} to ${after.heap}, resident ${before.rss} to ${after.rss}`);
  assert.ok(after.heap - before.heap < 4 * MIB, `the heap grew from ${before.heap} to ${after.heap} bytes`);
  assert.ok(after.rss - before.rss < 64 * MIB, `the process grew from ${before.rss} to ${after.rss} bytes`);
  for (const origin of ORIGINS) {
    const panel = await house.connect(origin);
    assert.deepEqual((await panel.ask('jobs', { type: 'list' })).jobs, []);
    await panel.close();
  }
  await house.end();
});
