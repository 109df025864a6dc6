import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { MOST_PANELS, openTokenStore } from '../../../helper/server/token-store.ts';

const CHROME = `chrome-extension://${'a'.repeat(32)}`;
const FIREFOX = 'moz-extension://11111111-2222-4333-8444-555555555555';
const noModes = process.platform === 'win32' ? 'Windows has no modes' : false;

let folder = '';
beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'kf-tokens-')), 'panels');
});
afterEach(() => rmSync(path.dirname(folder), { recursive: true }));

const files = () => readdirSync(folder).map((name) => path.join(folder, name));

test('a token is found again with its helper key, by the origin it was given to alone', async () => {
  const store = openTokenStore(folder);
  const { token, helperKey } = await store.add(CHROME);
  for (const secret of [token, helperKey]) assert.match(secret, /^[\w-]{43}$/);
  assert.notEqual(token, helperKey);

  const again = openTokenStore(folder);
  const found = await again.find(CHROME, token);
  assert.deepEqual(found?.helperKey, Buffer.from(helperKey, 'base64url'));
  assert.equal(await again.find(FIREFOX, token), null, 'replayed by somebody else');
  assert.equal(await again.find(CHROME, helperKey), null);
  assert.equal(await again.find(CHROME, ''), null);
  assert.equal(await again.find(CHROME, `${token}A`), null);
});

test('tokens of one origin do not replace each other: two profiles of a browser share it', async () => {
  const store = openTokenStore(folder);
  const first = await store.add(CHROME);
  const second = await store.add(CHROME);
  const ids = [await store.find(CHROME, first.token), await store.find(CHROME, second.token)].map((found) => found?.id);
  assert.equal(new Set(ids).size, 2);
  assert.ok(!ids.includes(undefined));
});

test('what is kept is the hash of the token, in a file of its owner alone', async () => {
  const { token } = await openTokenStore(folder).add(CHROME);
  const [file] = files();
  const kept = readFileSync(file, 'utf8');
  assert.ok(!kept.includes(token));
  assert.equal(JSON.parse(kept).tokenHash, createHash('sha256').update(token).digest('hex'));
  if (noModes) return;
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test('a revoked token is not found, whichever process revoked it, and the others are', async () => {
  const [serving, other] = [openTokenStore(folder), openTokenStore(folder)];
  const kept = await serving.add(FIREFOX);
  const gone = await serving.add(CHROME);
  const id = (await serving.find(CHROME, gone.token))?.id ?? '';
  assert.equal(await serving.has(id), true);
  assert.equal(await other.revoke(id), true);
  assert.equal(await serving.has(id), false);
  assert.equal(await serving.find(CHROME, gone.token), null);
  assert.notEqual(await serving.find(FIREFOX, kept.token), null);
  assert.equal(await other.revoke(id), false);
});

test('what is no id revokes nothing, and least of all another file', async () => {
  const store = openTokenStore(folder);
  await store.add(CHROME);
  writeFileSync(path.join(folder, '..', 'precious.json'), '');
  for (const id of ['', '../precious', '*', '.', 'ABCDEF01']) assert.equal(await store.revoke(id), false);
  assert.equal(files().length, 1);
  assert.ok(readdirSync(path.dirname(folder)).includes('precious.json'));
});

test('the list tells who is paired, since when and when last seen, and no secret', async () => {
  const store = openTokenStore(folder);
  assert.deepEqual(await store.list(), [], 'before anything was paired');
  const before = Date.now();
  const { token } = await store.add(CHROME);
  await store.add(FIREFOX);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await store.find(CHROME, token);
  const listed = await store.list();
  assert.deepEqual(listed.map(({ origin }) => origin).sort(), [CHROME, FIREFOX]);
  for (const panel of listed) {
    assert.deepEqual(Object.keys(panel).sort(), ['created', 'id', 'lastUsed', 'origin']);
    assert.ok(panel.created >= before && panel.created <= Date.now());
  }
  const used = listed.find(({ origin }) => origin === CHROME);
  assert.ok(used && used.lastUsed >= used.created + 10, 'using it was noted');
});

test('there is an end to pairing', async () => {
  const store = openTokenStore(folder);
  for (let i = 0; i < MOST_PANELS; i++) await store.add(CHROME);
  await assert.rejects(store.add(CHROME), { code: 'TOO_MANY_PANELS' });
  assert.equal(files().length, MOST_PANELS);
});

test('a file others could have read is not trusted any more', { skip: noModes }, async () => {
  const store = openTokenStore(folder);
  const { token } = await store.add(CHROME);
  chmodSync(files()[0], 0o640);
  const id = path.basename(files()[0], '.json');
  assert.equal(await store.find(CHROME, token), null);
  assert.equal(await store.has(id), false, 'it counts as revoked');
  const expected = { code: 'SETTINGS_UNAVAILABLE', message: new RegExp(`by other users.*--revoke ${id}`) };
  await assert.rejects(store.list(), expected);
});

test('a damaged file is told in the list, not overlooked, and can be revoked', async () => {
  const store = openTokenStore(folder);
  await store.add(CHROME);
  const [file] = files();
  for (const text of ['', '{', 'null', '{"origin":"x"}', '[]']) {
    writeFileSync(file, text);
    await assert.rejects(store.list(), { code: 'SETTINGS_UNAVAILABLE', message: /damaged/ });
  }
  assert.equal(await store.revoke(path.basename(file, '.json')), true);
  assert.deepEqual(await store.list(), []);
});

test('a file that cannot be used keeps no other panel out, new ones least of all, and is told once', async () => {
  const told: string[] = [];
  const store = openTokenStore(folder, ({ code, message }) => told.push(`${code} ${message}`));
  await store.add(FIREFOX);
  const [damaged] = files();
  const before = await store.add(CHROME);
  writeFileSync(damaged, '{');
  const after = await store.add(CHROME);
  for (const { token } of [before, after]) assert.ok(await store.find(CHROME, token));
  const id = path.basename(damaged, '.json');
  assert.equal(await store.has(id), false);
  assert.equal(told.length, 1);
  assert.match(told[0], new RegExp(`^SETTINGS_UNAVAILABLE .*--revoke ${id}`));
});

test('where files cannot be kept private a panel is not paired, and nothing is left of it', {
  skip: noModes,
}, async (t) => {
  const { rename } = fs;
  // As on a disk that knows no rights: whatever was asked for, everybody may read.
  t.mock.method(fs, 'rename', async (from: string, to: string) => {
    await rename(from, to);
    chmodSync(to, 0o755);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const expected = { code: 'SETTINGS_UNAVAILABLE', message: /other users of this computer: set KERNELFUSION_HOME/ };
  await assert.rejects(openTokenStore(folder).add(CHROME), expected);
  assert.deepEqual(files(), []);
});
