/**
 * Installing the service with stand-ins for systemctl that write down what they were asked.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, type TestContext, test } from 'node:test';
import { installService } from '../../../helper/commands/install-service.ts';
import { assertFails, start } from '../cli-process.ts';

const onLinux = { skip: process.platform === 'linux' ? false : "stands in for Linux's systemctl" };

let home = '';
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'kf-install-'));
  mkdirSync(path.join(home, 'bin'));
});
afterEach(() => rmSync(home, { recursive: true }));

const unit = () => path.join(home, 'config', 'systemd', 'user', 'kernelfusion.service');

/** A systemctl that writes down its arguments, does something and ends with a code. */
function standIn(exitCode: number, doing = ''): void {
  const script = `#!/bin/sh\necho "$@" >> '${path.join(home, 'asked')}'\n${doing}\nexit ${exitCode}\n`;
  writeFileSync(path.join(home, 'bin', 'systemctl'), script, { mode: 0o755 });
}

/** In place of a helper, this process: it lives and has a port that answers. Resolves to what a stand-in has to do. */
async function helperOf(t: TestContext): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const note = path.join(home, 'own', 'state', 'helper.json');
  return `echo '{"pid":${process.pid},"port":${port}}' > '${note}'`;
}

const asked = () => {
  const file = path.join(home, 'asked');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

const COMMANDS = ['daemon-reload', 'enable kernelfusion.service', 'restart kernelfusion.service'].map(
  (command) => `--user ${command}`,
);

const run = (...args: string[]) =>
  start(args, {
    KERNELFUSION_HOME: path.join(home, 'own'),
    XDG_CONFIG_HOME: path.join(home, 'config'),
    PATH: `${path.join(home, 'bin')}:${process.env.PATH}`,
  }).ended;

test('without --yes it says all it would do, and does nothing', onLinux, async () => {
  standIn(0);
  const { code, stdout } = await run('install-service', '--port', '20000');
  assert.equal(code, 0);
  assert.ok(stdout.includes(unit()));
  assert.match(stdout, /ExecStart=.*cli\.js" "serve" "--no-code" "--port" "20000"\n/);
  assert.match(
    stdout,
    /systemctl --user enable kernelfusion\.service\n {2}systemctl --user restart kernelfusion\.service\nNothing was written: --yes does it\.\n$/,
  );
  assert.deepEqual([asked(), readdirSync(home).sort()], [[], ['bin']]);
});

test("what serve takes the service's helper is started with", onLinux, async () => {
  const id = 'a'.repeat(32);
  const options = ['--allow-extension', id, '--device', 'onnx-cpu', '--log-level', 'debug'];
  const { stdout } = await run('install-service', ...options);
  const line = /ExecStart=.*"serve" "--no-code" (.*)\n/.exec(stdout)?.[1];
  assert.equal(line, options.map((word) => `"${word}"`).join(' '));
  assertFails(await run('install-service', '--log-level', 'loud'), 'BAD_OPTION', /--log-level must be one of/);
});

test('with --yes it is written as shown and started; uninstalling takes all of it back', onLinux, async (t) => {
  standIn(0, await helperOf(t));
  const installed = await run('install-service', '--yes');
  assert.equal(installed.code, 0, installed.stderr);
  assert.ok(installed.stdout.includes(readFileSync(unit(), 'utf8')));
  assert.deepEqual(asked(), COMMANDS);
  // systemd refuses a unit whose writable folders are not there.
  assert.deepEqual(readdirSync(path.join(home, 'own')).sort(), ['config', 'state']);
  assert.match(installed.stdout, /The helper runs, and will be started at every login\.\n$/);

  const asking = await run('uninstall-service');
  assert.match(asking.stdout, /Nothing was removed: --yes does it\.\n$/);
  assert.ok(existsSync(unit()));
  const removed = await run('uninstall-service', '--yes');
  assert.equal(removed.code, 0, removed.stderr);
  assert.ok(!existsSync(unit()));
  assert.deepEqual(asked().slice(COMMANDS.length), [
    '--user disable --now kernelfusion.service',
    '--user daemon-reload',
  ]);
  assertFails(await run('uninstall-service', '--yes'), 'SERVICE_FAILED', /No service is installed/);
});

test('where no helper comes up it says so, and where to look', onLinux, async (t) => {
  standIn(0);
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  process.env = {
    ...before,
    KERNELFUSION_HOME: path.join(home, 'own'),
    XDG_CONFIG_HOME: path.join(home, 'config'),
    PATH: `${path.join(home, 'bin')}:${before.PATH}`,
  };
  await assert.rejects(
    installService({ yes: true }, new AbortController().signal, () => {}, 300),
    { code: 'SERVICE_FAILED', message: /is installed, but no helper of its own runs: "journalctl --user --unit/ },
  );
  assert.ok(existsSync(unit()));
});

test('a system that refuses is told, with what has been done so far', onLinux, async () => {
  standIn(1);
  const { stdout: _, ...refused } = await run('install-service', '--yes');
  assertFails({ ...refused, stdout: '' }, 'SERVICE_FAILED', /was written, but "systemctl --user daemon-reload" failed/);
  assert.ok(existsSync(unit()));
  const { stdout: __, ...left } = await run('uninstall-service', '--yes');
  assertFails({ ...left, stdout: '' }, 'SERVICE_FAILED', /was removed, but/);
  assert.ok(!existsSync(unit()), 'it is removed all the same');
});

test('a port that panels cannot know is refused', async () => {
  assertFails(await run('install-service', '--port', '0'), 'BAD_OPTION');
  assertFails(await run('install-service', '--port', '80'), 'BAD_OPTION');
});
