import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { directories, makePrivateFolder } from '../../../helper/server/directories.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kf-directories-'));
});
after(() => rmSync(folder, { recursive: true }));

test('each system has its own places', () => {
  assert.deepEqual(directories({}, 'linux', '/home/ada'), {
    config: '/home/ada/.config/kernelfusion',
    state: '/home/ada/.local/state/kernelfusion',
  });
  assert.deepEqual(directories({}, 'darwin', '/Users/ada'), {
    config: '/Users/ada/Library/Application Support/kernelfusion/config',
    state: '/Users/ada/Library/Application Support/kernelfusion/state',
  });
  const windows = {
    config: 'C:\\Users\\ada\\AppData\\Local\\kernelfusion\\config',
    state: 'C:\\Users\\ada\\AppData\\Local\\kernelfusion\\state',
  };
  assert.deepEqual(directories({}, 'win32', 'C:\\Users\\ada'), windows);
  assert.deepEqual(directories({ LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local' }, 'win32', 'D:\\x'), windows);
});

test('the XDG variables count where they are absolute', () => {
  assert.deepEqual(directories({ XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' }, 'linux', '/home/ada'), {
    config: '/c/kernelfusion',
    state: '/s/kernelfusion',
  });
  const relative = directories({ XDG_CONFIG_HOME: 'c', XDG_STATE_HOME: '' }, 'linux', '/home/ada');
  assert.deepEqual(relative, directories({}, 'linux', '/home/ada'));
});

test('KERNELFUSION_HOME goes before all, and has to be absolute', () => {
  const env = { KERNELFUSION_HOME: '/k', XDG_CONFIG_HOME: '/c' };
  assert.deepEqual(directories(env, 'linux', '/home/ada'), { config: '/k/config', state: '/k/state' });
  assert.throws(() => directories({ KERNELFUSION_HOME: 'k' }, 'linux', '/'), { code: 'BAD_OPTION' });
});

test("a private folder is its owner's alone, even where it was everybody's", {
  skip: process.platform === 'win32' ? 'Windows has no modes' : false,
}, async () => {
  const made = path.join(folder, 'a', 'b');
  await makePrivateFolder(made);
  const open = path.join(folder, 'open');
  mkdirSync(open, { mode: 0o755 });
  await makePrivateFolder(open);
  for (const name of [made, open]) assert.equal(statSync(name).mode & 0o777, 0o700);
});

test('a folder that cannot be is told without its path', async () => {
  writeFileSync(path.join(folder, 'file'), '');
  await assert.rejects(makePrivateFolder(path.join(folder, 'file', 'x')), (error: Error & { code: string }) => {
    assert.equal(error.code, 'SETTINGS_UNAVAILABLE');
    assert.ok(!error.message.includes(folder));
    return true;
  });
});
