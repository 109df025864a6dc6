/**
 * What is left in the log: line 18 of the list of attacks the helper was designed against.
 */
import assert from 'node:assert/strict';
import { chmodSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { hello, shape } from '../helper/server/loopback.ts';
import { CHROME, FIREFOX, raw, startGatehouse, upgradeRequest } from './gatehouse.ts';

test('18: at its most talkative the log holds no token, code, key, nonce, pixel or path', async (t) => {
  const gatehouse = await startGatehouse(t);
  const { enter, knock, offer, port, folder } = gatehouse;
  const code = await offer();
  const stranger = await enter(FIREFOX);
  stranger.say({ type: 'pair', code: code === '999999' ? '000000' : '999999' });
  stranger.say({ type: 'pair', code });
  await stranger.closed;
  const { token, helperKey } = stranger.heard.find(({ type }) => type === 'paired') as unknown as Record<
    string,
    string
  >;

  const panel = await enter(FIREFOX, token);
  const greeting = hello() as { nonce: string };
  panel.say(greeting);
  const { proof } = await panel.hear('welcome');
  const pixels = new Uint8Array(16 * 16 * 4).fill(173);
  await panel.submit(shape(16, 16), pixels);
  panel.socket.send('{"broken": "mysecretword"');
  await panel.closed;

  assert.equal(await knock(CHROME, token), 401);
  await raw(port, upgradeRequest(port, [['Origin', 'https://evil.example/mysecretword']]));
  await raw(port, 'nonsense mysecretword\r\n\r\n');
  if (process.platform !== 'win32') {
    const panels = path.join(folder, 'panels');
    for (const name of readdirSync(panels)) chmodSync(path.join(panels, name), 0o644);
    await raw(port, upgradeRequest(port, [['Sec-WebSocket-Protocol', `kernelfusion.v1, token.${token}`]]));
  }

  const log = gatehouse.log();
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(lines.some(({ msg }) => msg === 'paired') && lines.length >= 5, 'things were logged');
  for (const secret of [token, helperKey, code, greeting.nonce, proof, 'mysecretword', folder, path.basename(folder)]) {
    assert.ok(!log.includes(secret), `${secret} is in ${log}`);
  }
  assert.doesNotMatch(log, /173,\s?173|rK2tra|\/(tmp|home|root|Users)\//);
});
