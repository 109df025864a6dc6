/**
 * A helper with quick workers in a process of its own (soak-helper.ts), its paired panels, and ways to look at what it holds.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connectPanel, type Panel } from '../../../helper/commands/bench-panel.ts';
import { directories, panelsFolder } from '../../../helper/server/directories.ts';
import { openTokenStore, type PairingSecrets } from '../../../helper/server/token-store.ts';
import { childrenOf, endsWithin } from '../../support/processes.ts';
import type { Held } from './soak-helper.ts';

const CHROME_ID = 'abcdefghijklmnopabcdefghijklmnop';
export const ORIGINS = [`chrome-extension://${CHROME_ID}`, 'moz-extension://11111111-2222-4333-8444-555555555555'];

export interface House {
  connect(origin: string): Promise<Panel>;
  /** Ends all processes of jobs with -9; returns how many there were. */
  killWorkers(): number;
  /** What the helper holds, seen from inside and outside. */
  look(): Promise<Held & { workers: number[]; descriptors: number; folders: string[] }>;
  /** Waits until the last connection's ends have been dealt with. */
  settle(): Promise<void>;
  /** Kills the helper with -9, and starts another in its home once its workers are gone. */
  restart(): Promise<void>;
  /** Asks the helper to end, which it has to do by itself. */
  end(): Promise<void>;
}

/** A helper with a paired panel for each Origin; killed and deleted at the end of the test. */
export async function openHouse(t: TestContext): Promise<House> {
  const home = mkdtempSync(path.join(tmpdir(), 'kf-soak-'));
  const places = directories({ KERNELFUSION_HOME: home });
  const store = openTokenStore(panelsFolder(places));
  const secrets = new Map<string, PairingSecrets>();
  for (const origin of ORIGINS) secrets.set(origin, await store.add(origin));
  const jobs = path.join(places.state, 'jobs');

  let helper: ChildProcess;
  let pid = 0;
  let port = 0;
  const start = async () => {
    helper = fork(new URL('./soak-helper.js', import.meta.url), [CHROME_ID], {
      env: { ...process.env, KERNELFUSION_HOME: home },
      execArgv: ['--expose-gc'],
    });
    pid = helper.pid!;
    [port] = (await once(helper, 'message')) as [number];
  };
  t.after(() => {
    helper.kill('SIGKILL');
    rmSync(home, { recursive: true });
  });
  await start();

  const look: House['look'] = async () => {
    helper.send('look');
    const [held] = (await once(helper, 'message')) as [Held];
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    return { ...held, workers: childrenOf(pid), descriptors, folders: readdirSync(jobs) };
  };
  return {
    connect: (origin) => connectPanel({ port, origin, ...secrets.get(origin)! }),
    killWorkers: () => childrenOf(pid).filter(kill).length,
    look,
    async settle() {
      let last = '';
      const deadline = Date.now() + 20_000;
      for (let alike = 0; alike < 3; await wait(100)) {
        assert.ok(Date.now() < deadline, `it does not come to rest: ${last}`);
        const { workers, descriptors, timers, folders } = await look();
        const now = JSON.stringify({ workers, descriptors, timers, folders });
        alike = now === last ? alike + 1 : 0;
        last = now;
      }
    },
    async restart() {
      const workers = childrenOf(pid);
      const killed = once(helper, 'exit');
      helper.kill('SIGKILL');
      await killed;
      for (const worker of workers) assert.ok(await endsWithin(worker, 2000), 'a worker outlives its helper');
      await start();
    },
    async end() {
      const ended = once(helper, 'exit');
      const limit = AbortSignal.timeout(5000);
      helper.send('end');
      const [code, signal] = await Promise.race([ended, once(limit, 'abort').then(() => ['never'])]);
      assert.deepEqual([code, signal], [0, null], 'the helper ends by itself');
      assert.ok(!existsSync(path.join(places.state, 'helper.json')));
    },
  };
}

/** Whether it was still there to be killed. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
