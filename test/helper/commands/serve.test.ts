/**
 * The helper as people run it: real processes, each test with a home of its own.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { EXTENSION_ID } from '../../../shared/extension-id.ts';
import { socketUrl } from '../../../shared/protocol/address.ts';
import { assertFails, noise, start } from '../cli-process.ts';
import { type Client, createClient, hello, shape } from '../server/loopback.ts';

const noSignals = process.platform === 'win32' ? 'Windows has no signals to send' : false;

let home = '';
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'kf-serve-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const command = (...args: string[]) => start(args, { KERNELFUSION_HOME: home });
const run = (...args: string[]) => command(...args).ended;

/** Starts a helper and waits until it listens; it is killed at the end of the test. */
async function serve(t: TestContext, ...args: string[]) {
  const helper = command('serve', '--port', '0', ...args);
  t.after(() => helper.child.kill('SIGKILL'));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    helper.child.stdout?.on('data', (text) => {
      said += text;
      if (said.split('\n').length > 2) resolve();
    });
    helper.ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  const port = Number(/port (\d+)/.exec(said)?.[1]);
  const code = /panel, type .*: (\d{3}) (\d{3})$/m.exec(said)?.slice(1).join('');
  return { ...helper, port, code, said };
}

async function connect(port: number, token?: string, id = EXTENSION_ID): Promise<Client> {
  const protocols = ['kernelfusion.v1', ...(token === undefined ? [] : [`token.${token}`])];
  const client = createClient(new WebSocket(socketUrl(port), protocols, { origin: `chrome-extension://${id}` }));
  await once(client.socket, 'open');
  return client;
}

async function pairWith(port: number, code: string | undefined): Promise<string> {
  const stranger = await connect(port);
  stranger.say({ type: 'pair', code });
  return (await stranger.hear('paired')).token;
}

async function enter(port: number, token: string): Promise<Client> {
  const panel = await connect(port, token);
  panel.say(hello());
  await panel.hear('welcome');
  return panel;
}

test('a panel pairs with the code shown, is listed, works, and is sent away when it is revoked', async (t) => {
  const { port, code } = await serve(t);
  const token = await pairWith(port, code);
  const panel = await enter(port, token);
  panel.say({ type: 'list', request: 1 });
  assert.deepEqual((await panel.hear('jobs')).jobs, []);

  const { panels } = JSON.parse((await run('pair', '--list', '--json')).stdout);
  assert.deepEqual([panels.length, panels[0].origin], [1, `chrome-extension://${EXTENSION_ID}`]);
  const listed = await run('pair', '--list');
  assert.match(listed.stdout, new RegExp(`^${panels[0].id}  chrome-extension://${EXTENSION_ID}  paired \\d{4}-`));
  assert.ok(!listed.stdout.includes(token));

  const revoked = await run('pair', '--revoke', panels[0].id);
  assert.deepEqual([revoked.code, revoked.stdout], [0, '1 pairing was revoked.\n']);
  assert.equal(await panel.closed, 4403);
  assertFails(await run('pair', '--revoke', panels[0].id), 'BAD_OPTION', /no such pairing/);
  assert.equal((await run('pair', '--revoke', 'all')).stdout, '0 pairings were revoked.\n');
  assert.equal((await run('pair', '--list')).stdout, 'No panel is paired.\n');
});

test('"pair" shows a new code for a helper that runs, and says so where none does', async (t) => {
  assertFails(await run('pair'), 'HELPER_NOT_RUNNING', /kernelfusion serve/);
  const { port, said, code } = await serve(t, '--no-code');
  assert.equal(code, undefined);
  assert.match(said, /"kernelfusion pair" shows a code/);
  const offered = JSON.parse((await run('pair', '--json')).stdout);
  assert.match(await pairWith(port, offered.code), /^[\w-]{43}$/);
});

test('other Chrome extensions may connect where they are named', async (t) => {
  const id = 'p'.repeat(32);
  const { port } = await serve(t, '--allow-extension', id);
  for (const allowed of [id, EXTENSION_ID]) (await connect(port, undefined, allowed)).socket.terminate();
  await assert.rejects(connect(port, undefined, 'o'.repeat(32)), /403/);
});

test('what cannot be is refused before anything is listened to', async () => {
  for (const port of ['80', '65536', '1.5', 'x', '-1']) {
    assertFails(await run('serve', '--port', port), 'BAD_OPTION', /from 1024 to 65535/);
  }
  assertFails(await run('serve', '--host', '0.0.0.0'), 'BAD_OPTION', /unknown option '--host'/);
  assertFails(await run('serve', '--allow-extension', '*'), 'BAD_OPTION', /32 letters/);
  assertFails(await run('serve', '--log-level', 'all'), 'BAD_OPTION', /must be one of: silent/);
  const elsewhere = process.platform === 'win32' ? 'onnx-coreml' : 'onnx-dml';
  const refused = new RegExp(`${elsewhere} cannot be used: ONNX Runtime has no such provider`);
  assertFails(await run('serve', '--port', '0', '--device', elsewhere), 'ENGINE_UNAVAILABLE', refused);
  assertFails(await run('pair', '--list', '--revoke', 'all'), 'BAD_OPTION');
  assert.deepEqual(readdirSync(home), []);
});

test('a second helper says that there is one, on that port as on others; another program is called so', async (t) => {
  const { port } = await serve(t);
  const expected = new RegExp(`already running, on port ${port}`);
  assertFails(await run('serve', '--port', String(port)), 'HELPER_RUNNING', expected);
  const { stderr, ...second } = await run('serve', '--port', '0', '--log-level', 'silent');
  assertFails({ stderr, ...second }, 'HELPER_RUNNING', expected);

  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const taken = (other.address() as { port: number }).port;
  assertFails(await run('serve', '--port', String(taken)), 'PORT_IN_USE', /another program/);
});

test('told to end, a helper ends in order within five seconds, whatever its panels do', {
  skip: noSignals,
}, async (t) => {
  const { port, code, child, ended } = await serve(t);
  const token = await pairWith(port, code);
  const panels = [await enter(port, token), await enter(port, token), await connect(port)];
  // One does not even read, and leaves an upload in the middle.
  panels[1].say({ type: 'start', request: 1, layer: shape(512, 512), options: {} });
  await panels[1].hear('started');
  panels[1].socket.pause();
  const asked = performance.now();
  child.kill('SIGTERM');
  const { code: exit, stdout, stderr } = await ended;
  const seconds = (performance.now() - asked) / 1000;
  assert.ok(seconds < 5, `it took ${seconds} s`);
  assert.deepEqual([exit, stdout.trim().split('\n').at(-1)], [0, 'The helper has ended.'], stderr);
  assert.equal(await panels[0].closed, 1001);
  panels[1].socket.terminate();
  assert.ok(!existsSync(path.join(home, 'state', 'helper.json')), 'it no longer says that it runs');
  assert.ok(!existsSync(path.join(home, 'state', 'pairing.json')), 'the code is withdrawn');
  assert.deepEqual(readdirSync(path.join(home, 'state', 'jobs')), [], 'the upload is gone');
});

test('told to end in the middle of a job, it leaves no process behind, and the next helper goes on with the job', {
  skip: process.platform === 'linux' ? false : 'looks for processes in /proc',
}, async (t) => {
  const first = await serve(t);
  const token = await pairWith(first.port, first.code);
  const panel = await enter(first.port, token);
  const job = await panel.submit(shape(48, 48), noise(48 * 48 * 4));
  await panel.hear('progress');
  const { pid } = first.child;
  const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  assert.match(workers.join(), /^\d+$/);
  first.child.kill('SIGTERM');
  const { code, stderr } = await first.ended;
  assert.equal(code, 0, stderr);
  assert.ok(!existsSync(`/proc/${workers[0]}`), 'the worker is gone');

  const second = await serve(t);
  const again = await enter(second.port, token);
  again.say({ type: 'resume', request: 1, job });
  assert.ok(['queued', 'running'].includes((await again.hear('job')).job.state));
  again.say({ type: 'cancel', request: 2, job });
  await again.hear('ok');
  again.socket.close();
});

test('after kill -9 the next helper takes over, and the panel is still paired', { skip: noSignals }, async (t) => {
  const first = await serve(t);
  const token = await pairWith(first.port, first.code);
  first.child.kill('SIGKILL');
  await first.ended;
  assert.ok(existsSync(path.join(home, 'state', 'helper.json')));
  const second = await serve(t);
  (await enter(second.port, token)).socket.close();
});

test("all the helper keeps is its owner's alone", {
  skip: process.platform === 'win32' ? 'Windows has no modes' : false,
}, async (t) => {
  const { port, code } = await serve(t);
  const token = await pairWith(port, code);
  const panel = await enter(port, token);
  panel.say({ type: 'start', request: 1, layer: shape(16, 16), options: {} });
  await panel.hear('started');
  assert.equal((await run('pair')).code, 0);
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' });
  assert.ok(names.length >= 7, names.join());
  for (const name of names) {
    const { mode } = statSync(path.join(home, name));
    assert.equal(mode & 0o077, 0, `${name} can be opened by others`);
  }
  panel.socket.terminate();
});

test('doctor tells of helper, pairing and spool, and makes nothing', async (t) => {
  const before = JSON.parse((await run('doctor', '--json')).stdout);
  assert.notEqual(before.helper.state, 'running');
  assert.deepEqual([before.pairing, before.spool.ok, before.spool.jobs], [{ ok: true, panels: 0 }, true, 0]);
  assert.ok(before.spool.freeBytes > 0);
  assert.deepEqual(readdirSync(home), []);

  const { port, code } = await serve(t);
  const panel = await enter(port, await pairWith(port, code));
  panel.say({ type: 'start', request: 1, layer: shape(16, 16), options: {} });
  await panel.hear('started');
  const after = JSON.parse((await run('doctor', '--json')).stdout);
  assert.deepEqual(after.helper, { ok: true, port, state: 'running' });
  assert.deepEqual([after.pairing.panels, after.spool.jobs], [1, 1]);
  panel.socket.terminate();
});
