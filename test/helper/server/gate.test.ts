/**
 * The gate's rules, one breach at a time. What it does to real requests is in test/security/.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judge, type UpgradeFacts } from '../../../helper/server/gate.ts';

const ID = 'abcdefghijklmnopabcdefghijklmnop';
const CHROME = `chrome-extension://${ID}`;
const FIREFOX = 'moz-extension://11111111-2222-4333-8444-5555555555ff';
const TOKEN = 'A'.repeat(21) + '-_'.repeat(11);
const RULES = { port: 21907, chromeIds: new Set([ID]) };

type Headers = readonly (readonly [name: string, value: string])[];

const GOOD: Headers = [
  ['Host', '127.0.0.1:21907'],
  ['Origin', CHROME],
  ['Sec-WebSocket-Protocol', 'kernelfusion.v1'],
];

const facts = (headers: Headers, change: Partial<UpgradeFacts> = {}): UpgradeFacts => ({
  method: 'GET',
  url: '/panel',
  rawHeaders: headers.flat(),
  ...change,
});

/** The good headers with every one of that name replaced. */
const withHeader = (name: string, ...values: string[]): Headers => [
  ...GOOD.filter(([known]) => known !== name),
  ...values.map((value): [string, string] => [name, value]),
];

const statusOf = (request: UpgradeFacts) => {
  const verdict = judge(request, RULES);
  return verdict.admitted ? 101 : verdict.status;
};

test('our own extension is let in to pair, and with a token of the right form to have it checked', () => {
  assert.deepEqual(judge(facts(GOOD), RULES), { admitted: true, origin: CHROME, token: null });
  for (const protocols of [[`kernelfusion.v1, token.${TOKEN}`], [`token.${TOKEN},kernelfusion.v1`]]) {
    const headers = withHeader('Sec-WebSocket-Protocol', ...protocols);
    assert.deepEqual(judge(facts(headers), RULES), { admitted: true, origin: CHROME, token: TOKEN });
  }
  const twoLines = withHeader('Sec-WebSocket-Protocol', 'kernelfusion.v1', `token.${TOKEN}`);
  assert.deepEqual(judge(facts(twoLines), RULES), { admitted: true, origin: CHROME, token: TOKEN });
});

test('an extension of Firefox is let in under whatever address it was given', () => {
  const verdict = judge(facts(withHeader('Origin', FIREFOX)), RULES);
  assert.deepEqual(verdict, { admitted: true, origin: FIREFOX, token: null });
});

test('the Host has to be one name of this computer, with the port, once', () => {
  for (const host of ['127.0.0.1:21907', 'localhost:21907', 'LOCALHOST:21907', '[::1]:21907']) {
    assert.equal(statusOf(facts(withHeader('Host', host))), 101, host);
  }
  const foreign = [
    ['evil.example:21907', '127.evil.example:21907', 'localhost.evil.example:21907', '127.0.0.1.evil.example:21907'],
    ['127.0.0.1', '127.0.0.1:80', '127.0.0.1:219070', '127.0.0.1:21907/', '127.1:21907', '0.0.0.0:21907', '[::]:21907'],
    ['user@127.0.0.1:21907', 'evil.example#127.0.0.1:21907', '127.0.0.1:21907,127.0.0.1:21907', '', '127.0.0.2:21907'],
  ].flat();
  for (const host of foreign) assert.equal(statusOf(facts(withHeader('Host', host))), 421, host);
  assert.equal(statusOf(facts(withHeader('Host'))), 421);
  assert.equal(statusOf(facts(withHeader('Host', '127.0.0.1:21907', '127.0.0.1:21907'))), 421);
  assert.equal(statusOf(facts([...GOOD, ['hOST', 'evil.example']])), 421);
});

test('the Origin has to be an extension that may come, once', () => {
  const foreign = [
    ['null', '', 'https://evil.example', 'http://localhost', 'http://127.0.0.1:21907', 'file://'],
    [`chrome-extension://${'b'.repeat(32)}`, 'chrome-extension://', `${CHROME}/`, `${CHROME}:80`, `${CHROME}a`],
    [`CHROME-EXTENSION://${ID}`, `safari-web-extension://${ID}`, `https://evil.example/${CHROME}`],
    ['moz-extension://*', 'moz-extension://', `${FIREFOX}/`, FIREFOX.toUpperCase(), `${FIREFOX}0`, ` ${FIREFOX}`],
  ].flat();
  for (const origin of foreign) assert.equal(statusOf(facts(withHeader('Origin', origin))), 403, origin);
  assert.equal(statusOf(facts(withHeader('Origin'))), 403);
  assert.equal(statusOf(facts(withHeader('Origin', CHROME, CHROME))), 403);
});

test('only a GET of the one path leads to a socket', () => {
  for (const method of ['POST', 'OPTIONS', 'get', undefined]) assert.equal(statusOf(facts(GOOD, { method })), 405);
  for (const url of ['/', '', '/panel/', '/panel?token=x', '//panel', '/PANEL', 'http://127.0.0.1:21907/panel', '*']) {
    assert.equal(statusOf(facts(GOOD, { url })), 404, url);
  }
});

test('the subprotocol has to be offered, with one token of the right form or none', () => {
  const ask = (...values: string[]) => statusOf(facts(withHeader('Sec-WebSocket-Protocol', ...values)));
  assert.equal(ask('kernelfusion.v2, kernelfusion.v1'), 101, 'a later panel may offer more');
  for (const value of ['kernelfusion.v2', 'kernelfusion.v10', 'Kernelfusion.v1', `token.${TOKEN}`, '']) {
    assert.equal(ask(value), 400, value);
  }
  assert.equal(ask(), 400);
  for (const token of ['', 'short', `${TOKEN}A`, `${TOKEN.slice(1)}=`, `${TOKEN.slice(1)}+`]) {
    assert.equal(ask(`kernelfusion.v1, token.${token}`), 400, token);
  }
  assert.equal(ask(`kernelfusion.v1, token.${TOKEN}, token.${TOKEN}`), 400);
});

test('whatever headers come, the answer is a verdict, and no Origin is admitted that was not sent alone', () => {
  const header = fc.tuple(
    fc.constantFrom('Host', 'host', 'Origin', 'ORIGIN', 'Sec-WebSocket-Protocol', 'Cookie'),
    fc.oneof(fc.string(), fc.constantFrom('127.0.0.1:21907', CHROME, FIREFOX, 'kernelfusion.v1', 'null')),
  );
  fc.assert(
    fc.property(fc.array(header, { maxLength: 6 }), (headers) => {
      const verdict = judge(facts(headers), RULES);
      if (!verdict.admitted) return;
      const origins = headers.filter(([name]) => name.toLowerCase() === 'origin').map(([, value]) => value);
      assert.deepEqual(origins, [verdict.origin]);
    }),
  );
});
