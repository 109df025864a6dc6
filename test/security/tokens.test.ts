/**
 * Who is let in and who may trust whom: lines 4 and 5 of the list of attacks the helper was designed against.
 */
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { proofText } from '../../shared/protocol/proof.ts';
import { type Client, hello } from '../helper/server/loopback.ts';
import { CHROME, FIREFOX, startGatehouse } from './gatehouse.ts';

const wrong = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

/** The code of the `error` a client hears next. */
async function errorOf(client: Client): Promise<string> {
  const before = Date.now();
  for (;;) {
    const at = client.heard.findIndex(({ type }) => type === 'error');
    if (at >= 0) return (client.heard.splice(at, 1)[0] as { code: string }).code;
    assert.ok(Date.now() - before < 5000, 'no error came');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('4: the code makes a panel known: with the token it gets it is let in from then on', async (t) => {
  const { enter, offer } = await startGatehouse(t);
  const code = await offer();
  const stranger = await enter(FIREFOX);
  stranger.say({ type: 'pair', code });
  const { token } = await stranger.hear('paired');
  assert.equal(await stranger.closed, 1000);

  const panel = await enter(FIREFOX, token);
  panel.say(hello());
  await panel.hear('welcome');
  panel.socket.close();
});

test('4: a code is good once', async (t) => {
  const { enter, offer } = await startGatehouse(t);
  const code = await offer();
  const [first, second] = [await enter(CHROME), await enter(FIREFOX)];
  first.say({ type: 'pair', code });
  await first.hear('paired');
  second.say({ type: 'pair', code });
  assert.equal(await errorOf(second), 'NO_CODE');
  second.socket.terminate();
});

test('4: after five wrong codes nobody can try for a while, from whatever socket', async (t) => {
  const { enter, offer } = await startGatehouse(t);
  const code = await offer();
  const [one, other] = [await enter(FIREFOX), await enter(CHROME)];
  for (let i = 0; i < 5; i++) {
    one.say({ type: 'pair', code: wrong(code) });
    assert.equal(await errorOf(one), 'WRONG_CODE');
  }
  for (const client of [one, other]) {
    client.say({ type: 'pair', code });
    assert.equal(await errorOf(client), 'TOO_MANY_TRIES');
    client.socket.terminate();
  }
});

test('4: on a socket without a token nothing but the code is listened to', async (t) => {
  const { enter } = await startGatehouse(t);
  const said: (string | Buffer)[] = [
    JSON.stringify(hello()),
    JSON.stringify({ type: 'list', request: 1 }),
    JSON.stringify({ type: 'pair', code: '12345' }),
    JSON.stringify({ type: 'pair', code: '123456', more: 1 }),
    'not JSON',
    Buffer.from(JSON.stringify({ type: 'pair', code: '123456' })),
  ];
  for (const message of said) {
    const client = await enter(CHROME);
    client.socket.send(message);
    assert.equal(await errorOf(client), 'BAD_MESSAGE');
    assert.equal(await client.closed, 4400);
  }
  const client = await enter(CHROME);
  client.socket.send('x'.repeat(5000));
  assert.equal(await client.closed, 1009);
});

test('4: a token that is wrong, or was given to another, is refused before the socket opens', async (t) => {
  const { knock, tokens } = await startGatehouse(t);
  const { token, helperKey } = await tokens.add(CHROME);
  assert.equal(await knock(CHROME, randomBytes(32).toString('base64url')), 401);
  assert.equal(await knock(CHROME, helperKey), 401);
  assert.equal(await knock(FIREFOX, token), 401);
  assert.equal(await knock('https://evil.example', token), 403);
});

test('4: after five wrong tokens the answer to others comes late, and the right one is let in at once', async (t) => {
  const { enter, knock, log, tokens } = await startGatehouse(t);
  const { token } = await tokens.add(CHROME);
  const guess = () => knock(CHROME, randomBytes(32).toString('base64url'));
  for (let i = 0; i < 5; i++) assert.equal(await guess(), 401);
  const asked = performance.now();
  const late = [guess(), guess()];
  const panel = await enter(CHROME, token);
  assert.ok(performance.now() - asked < 1000);
  panel.socket.close();
  assert.deepEqual(await Promise.all(late), [401, 401]);
  assert.ok(performance.now() - asked >= 999);
  const warnings = log().match(/"level":"warn"/g) ?? [];
  assert.equal(warnings.length, 5, 'whoever tries and tries does not fill the log');
});

test('4: a revoked token is refused, and whoever is connected with it is sent away', async (t) => {
  const { enter, knock, tokens } = await startGatehouse(t);
  const [kept, revoked] = [await tokens.add(CHROME), await tokens.add(CHROME)];
  const [staying, leaving] = [await enter(CHROME, kept.token), await enter(CHROME, revoked.token)];
  for (const panel of [staying, leaving]) {
    panel.say(hello());
    await panel.hear('welcome');
  }
  const id = (await tokens.find(CHROME, revoked.token))?.id ?? '';
  assert.equal(await tokens.revoke(id), true);
  assert.equal(await knock(CHROME, revoked.token), 401);
  assert.equal(await leaving.closed, 4403);
  assert.equal(await errorOf(leaving), 'NOT_PAIRED');
  staying.say({ type: 'ping' });
  await staying.hear('pong');
  staying.socket.close();
});

test('5: the helper shows that it knows the key which only the pairing told, for this nonce and port', async (t) => {
  const { enter, offer, port } = await startGatehouse(t);
  const stranger = await enter(CHROME);
  stranger.say({ type: 'pair', code: await offer() });
  const { token, helperKey } = await stranger.hear('paired');

  const nonces = ['A'.repeat(43), 'E'.repeat(43)];
  for (const nonce of nonces) {
    const panel = await enter(CHROME, token);
    panel.say({ ...hello(), nonce });
    const { proof } = await panel.hear('welcome');
    const sign = (key: string, text: string) =>
      createHmac('sha256', Buffer.from(key, 'base64url')).update(text).digest('base64url');
    assert.equal(proof, sign(helperKey, proofText(nonce, port)));
    // What a program in the helper's place could make of all it gets to see.
    for (const known of [
      sign(token, proofText(nonce, port)),
      sign(helperKey, proofText(nonce, port + 1)),
      nonce,
      token,
    ]) {
      assert.notEqual(proof, known);
    }
    panel.socket.close();
  }
});

test('5: before hello was answered no pixel is taken', async (t) => {
  const { enter, tokens } = await startGatehouse(t);
  const { token } = await tokens.add(CHROME);
  for (const message of [Buffer.alloc(2000), JSON.stringify({ type: 'list', request: 1 })]) {
    const panel = await enter(CHROME, token);
    panel.socket.send(message);
    assert.ok([4400, 4401].includes(await panel.closed));
  }
});
