/**
 * The service files, read by the systems' own tools where they are here, and by independent parsers of their formats.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { describeService, type ServiceFacts } from '../../../helper/server/service-files.ts';
import { needsPython, runPython } from '../../support/python.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kf-service-'));
});
after(() => rmSync(folder, { recursive: true }));

const facts = (change: Partial<ServiceFacts>): ServiceFacts => ({
  platform: 'linux',
  node: process.execPath,
  script: '/opt/kernelfusion/dist/helper/cli.js',
  args: ['serve', '--no-code'],
  home: '/home/ada',
  env: {},
  user: 'ada',
  uid: 1000,
  directories: { config: '/home/ada/.config/kernelfusion', state: '/home/ada/.local/state/kernelfusion' },
  ...change,
});

/** What every tool of a system's makers has to get right: spaces, quotation marks, and each one's own special characters. */
const AWKWARD = `a "b" 'c' %d $e \\f &<g> é`;

const systemd = {
  skip:
    spawnSync('systemd-analyze', ['--version']).status === 0
      ? false
      : 'there is no systemd-analyze to read the unit with',
};

/** What systemd says about a unit: nothing, if all is well (its exit code is 0 even for keys it does not know). */
function verifyUnit(content: string): string {
  const file = path.join(folder, 'kernelfusion.service');
  writeFileSync(file, content);
  const env = { ...process.env, XDG_RUNTIME_DIR: folder };
  return spawnSync('systemd-analyze', ['verify', '--user', file], { env, encoding: 'utf8' }).stderr;
}

test('systemd finds nothing wrong with the unit, and would with another', systemd, () => {
  const { content } = describeService(facts({ env: { KERNELFUSION_HOME: '/home/ada/my files' } }));
  assert.equal(verifyUnit(content), '');
  assert.match(verifyUnit(content.replace('PrivateTmp=', 'PrivateTemp=')), /Unknown key/);
  assert.match(verifyUnit(content.replace(process.execPath, '/nowhere/node')), /not executable/);
});

test('systemd finds a program whose path it has to unescape', systemd, () => {
  // It allows no quotation marks and backslashes there.
  const awkward = path.join(folder, AWKWARD.replace(/["'\\]/g, ''));
  mkdirSync(awkward);
  const node = path.join(awkward, 'node');
  symlinkSync(process.execPath, node);
  const places = { config: awkward, state: path.join(awkward, 'state') };
  assert.equal(verifyUnit(describeService(facts({ node, script: node, directories: places })).content), '');
});

test('what is special to systemd is written so that it stands for itself', () => {
  const { content } = describeService(
    facts({ script: '/a b/%h/$HOME/"q"\\x', env: { KERNELFUSION_HOME: '/100% $x' } }),
  );
  assert.ok(content.includes(String.raw`"/a b/%%h/$$HOME/\"q\"\\x" "serve" "--no-code"`), content);
  assert.ok(content.includes('Environment="KERNELFUSION_HOME=/100%% $x"'), 'there "$" is not special');
});

test('the unit lies where systemd looks for the units of an account', () => {
  assert.equal(describeService(facts({})).file, '/home/ada/.config/systemd/user/kernelfusion.service');
  const elsewhere = describeService(facts({ env: { XDG_CONFIG_HOME: '/c' } }));
  assert.equal(elsewhere.file, '/c/systemd/user/kernelfusion.service');
});

test('the unit says where the helper keeps things, where that is not the custom', () => {
  const settings = (env: ServiceFacts['env']) => describeService(facts({ env })).content.match(/^Environment=.*$/gm);
  assert.equal(settings({}), null);
  const xdg = { XDG_CONFIG_HOME: '/my files/c', XDG_STATE_HOME: '/s' };
  assert.deepEqual(settings(xdg), ['Environment="XDG_CONFIG_HOME=/my files/c"', 'Environment="XDG_STATE_HOME=/s"']);
  assert.equal(settings({ XDG_CONFIG_HOME: 'relative', XDG_STATE_HOME: '' }), null, 'these do not count');
  assert.deepEqual(settings({ ...xdg, KERNELFUSION_HOME: '/k' }), ['Environment="KERNELFUSION_HOME=/k"']);
});

test('the unit lets the helper write its own files and reach this computer, and no more', () => {
  const lines = describeService(facts({})).content.split('\n');
  for (const line of [
    'ReadWritePaths="/home/ada/.config/kernelfusion" "/home/ada/.local/state/kernelfusion"',
    'ProtectSystem=strict',
    'ProtectHome=read-only',
    'NoNewPrivileges=yes',
    'IPAddressDeny=any',
    'IPAddressAllow=localhost',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('the launchd agent is a property list that says the same', needsPython('plistlib'), () => {
  const env = { KERNELFUSION_HOME: `/Users/ada/${AWKWARD}` };
  const service = describeService(facts({ platform: 'darwin', home: '/Users/ada', script: `/opt/${AWKWARD}`, env }));
  assert.equal(service.file, '/Users/ada/Library/LaunchAgents/kernelfusion.helper.plist');
  const program = 'import sys, plistlib, json; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';
  assert.deepEqual(JSON.parse(runPython(program, Buffer.from(service.content))), {
    Label: 'kernelfusion.helper',
    ProgramArguments: [process.execPath, `/opt/${AWKWARD}`, 'serve', '--no-code'],
    EnvironmentVariables: env,
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 30,
    Umask: 0o77,
    StandardErrorPath: '/home/ada/.local/state/kernelfusion/helper.log',
  });
  assert.deepEqual(service.end, [['launchctl', 'bootout', 'gui/1000/kernelfusion.helper']], 'an earlier one');
  assert.deepEqual(service.start, [['launchctl', 'bootstrap', 'gui/1000', service.file]]);
  assert.deepEqual(service.stop, [['launchctl', 'bootout', 'gui/1000/kernelfusion.helper']]);
});

test('the Windows task starts the helper at login, with the rights of its account', needsPython('xml.dom'), () => {
  const service = describeService(
    facts({
      platform: 'win32',
      node: 'C:\\Program Files\\nodejs\\node.exe',
      script: 'C:\\Users\\Ada & Co\\cli.js',
      user: 'DESKTOP\\Ada & Co',
      directories: { config: 'C:\\K\\config', state: 'C:\\K\\state' },
    }),
  );
  assert.deepEqual([service.file, service.encoding], ['C:\\K\\config\\service.xml', 'utf16le']);
  const program = `import sys, json
from xml.etree import ElementTree
task = ElementTree.fromstring(sys.stdin.buffer.read())
print(json.dumps({e.tag.split('}')[1]: e.text for e in task.iter() if len(e) == 0}))`;
  const bytes = Buffer.from(`\ufeff${service.content}`, service.encoding);
  const told = JSON.parse(runPython(program, bytes));
  assert.equal(told.Command, 'conhost.exe');
  assert.equal(
    told.Arguments,
    '--headless "C:\\Program Files\\nodejs\\node.exe" "C:\\Users\\Ada & Co\\cli.js" serve --no-code',
  );
  assert.deepEqual([told.UserId, told.RunLevel], ['DESKTOP\\Ada & Co', 'LeastPrivilege']);
  assert.equal(told.ExecutionTimeLimit, 'PT0S', 'it is not ended after three days');
  assert.deepEqual(service.end, [['schtasks', '/End', '/TN', 'KernelFusion']], 'an earlier one');
});

test('other systems are told that there is no service for them', () => {
  assert.throws(() => describeService(facts({ platform: 'freebsd' })), { code: 'SERVICE_FAILED' });
});
