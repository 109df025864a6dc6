/**
 * How the helper comes up and goes down, with jobs in memory.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { directories, panelsFolder } from '../../../helper/server/directories.ts';
import { startHelper } from '../../../helper/server/helper.ts';
import { answers } from '../../../helper/server/instance.ts';
import { createLog } from '../../../helper/server/log.ts';
import { openTokenStore } from '../../../helper/server/token-store.ts';
import { KernelFusionError } from '../../../shared/errors.ts';
import { socketUrl } from '../../../shared/protocol/address.ts';
import { createFakeJobs } from './fake-jobs.ts';
import { createClient, hello, shape } from './loopback.ts';

const ID = 'abcdefghijklmnopabcdefghijklmnop';
const ORIGIN = `chrome-extension://${ID}`;

let home = '';
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'kf-helper-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const places = () => directories({ KERNELFUSION_HOME: home });
const common = () => ({ directories: places(), port: 0, chromeIds: new Set([ID]), log: createLog('silent') });
const note = () => path.join(home, 'state', 'helper.json');

test('while the jobs are being opened nobody is let in, and the port and folder are held already', async () => {
  const { token } = await openTokenStore(panelsFolder(places())).add(ORIGIN);
  const jobs = createFakeJobs();
  const statuses: (number | undefined)[] = [];
  const helper = await startHelper({
    ...common(),
    openJobs: async () => {
      const { port } = JSON.parse(readFileSync(note(), 'utf8'));
      for (const protocols of [['kernelfusion.v1'], ['kernelfusion.v1', `token.${token}`]]) {
        const socket = new WebSocket(socketUrl(port), protocols, { origin: ORIGIN });
        const [request, response] = await once(socket, 'unexpected-response');
        statuses.push(response.statusCode);
        socket.on('error', () => {});
        request.destroy();
      }
      return jobs;
    },
  });
  assert.deepEqual(statuses, [503, 503]);
  await helper.close();
});

test('where the jobs cannot be opened, port and folder are let go', async () => {
  let port = 0;
  const openJobs = async () => {
    port = JSON.parse(readFileSync(note(), 'utf8')).port;
    throw new KernelFusionError('SPOOL_UNAVAILABLE', 'No.');
  };
  await assert.rejects(startHelper({ ...common(), openJobs }), { code: 'SPOOL_UNAVAILABLE' });
  assert.equal(await answers(port), false);
  assert.ok(!existsSync(note()));
});

test('at the end no job is started any more, then uploads are deleted, then the jobs close, and only then may another helper start', async () => {
  const { token } = await openTokenStore(panelsFolder(places())).add(ORIGIN);
  const jobs = createFakeJobs();
  const seen: unknown[] = [];
  const look = () => seen.push(jobs.list(ORIGIN).length, existsSync(note()));
  const close = async () => {
    look();
  };
  const helper = await startHelper({ ...common(), openJobs: async () => ({ ...jobs, startNoMore: look, close }) });
  const socket = new WebSocket(socketUrl(helper.port), ['kernelfusion.v1', `token.${token}`], { origin: ORIGIN });
  const panel = createClient(socket);
  await once(socket, 'open');
  panel.say(hello());
  await panel.hear('welcome');
  panel.say({ type: 'start', request: 1, layer: shape(600, 600), options: {} });
  await panel.hear('started');
  await helper.close();
  assert.deepEqual(seen, [1, true, 0, true]);
  assert.equal(await panel.closed, 1001);
  assert.ok(!existsSync(note()));
  assert.equal(await answers(helper.port), false);
});
