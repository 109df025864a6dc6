/**
 * Who gets a socket: lines 1, 2, 3, 6 and 11 of the list of attacks the helper was designed against, over real connections.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { listen } from '../../helper/server/http-server.ts';
import { createLog } from '../../helper/server/log.ts';
import { servePairing } from '../../helper/server/pairing-dialogue.ts';
import { ABSENT, CHROME, everythingFrom, FIREFOX, raw, startGatehouse, statusOf, upgradeRequest } from './gatehouse.ts';

/** Whether a port can be reached at an address. */
function reaches(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.setTimeout(500, () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

test('1: the helper can be reached at 127.0.0.1 and at no other address of this computer', async (t) => {
  const { port } = await startGatehouse(t);
  assert.equal(await reaches('127.0.0.1', port), true);
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const others = own.map(({ address }) => address).filter((address) => address !== '127.0.0.1');
  for (const host of [...others, '::1', '127.0.0.2']) assert.equal(await reaches(host, port), false, host);
});

test('2: only requests to a name of this computer are answered: a foreign one was led here by its own DNS', async (t) => {
  const { port } = await startGatehouse(t);
  const ask = async (...hosts: string[]) =>
    statusOf(
      await raw(
        port,
        upgradeRequest(
          port,
          hosts.map((host) => ['Host', host] as const),
        ),
      ),
    );
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LocalHost:${port}`, `[::1]:${port}`]) {
    assert.equal(await ask(host), 101, host);
  }
  const foreign = ['evil.example', '127.evil.example', 'localhost.evil.example', 'me@127.0.0.1', '0.0.0.0', '[::]'];
  for (const name of foreign) assert.equal(await ask(`${name}:${port}`), 421, name);
  assert.equal(await ask('127.0.0.1'), 421, 'without the port');
  assert.equal(await ask(`127.0.0.1:${port + 1}`), 421, 'with another port');
  // Whether Node or the gate refuses these, they are refused.
  for (const hosts of [[ABSENT], [`127.0.0.1:${port}`, 'evil.example'], ['evil.example', `127.0.0.1:${port}`]]) {
    assert.ok([400, 421].includes(await ask(...hosts)), hosts.join());
  }
  assert.equal(statusOf(await raw(port, upgradeRequest(port, [['Host', ABSENT]], 'GET /panel HTTP/1.0'))), 421);
});

test('3: only our own extension in Chrome, and extensions of Firefox, get a socket', async (t) => {
  const { port } = await startGatehouse(t);
  const ask = async (...origins: string[]) =>
    statusOf(
      await raw(
        port,
        upgradeRequest(
          port,
          origins.map((origin) => ['Origin', origin] as const),
        ),
      ),
    );
  for (const origin of [CHROME, FIREFOX]) assert.equal(await ask(origin), 101, origin);
  const foreign = [
    ['null', 'https://www.photopea.com', 'http://localhost', `http://127.0.0.1:${port}`, 'file://', '*'],
    [`chrome-extension://${'b'.repeat(32)}`, `${CHROME}.evil.example`, 'moz-extension://evil', ABSENT, ''],
  ].flat();
  for (const origin of foreign) assert.equal(await ask(origin), 403, origin);
  assert.equal(await ask(CHROME, 'https://evil.example'), 403, 'two of them');
});

test('6: plain HTTP tells nothing: no word, no cookie, no permission for other sites', async (t) => {
  const { port } = await startGatehouse(t);
  const host = `Host: 127.0.0.1:${port}\r\n`;
  const lines = [
    `GET / HTTP/1.1\r\n${host}`,
    `GET /panel HTTP/1.1\r\n${host}Origin: ${CHROME}\r\n`,
    `HEAD /favicon.ico HTTP/1.1\r\n${host}`,
    `POST /panel HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\n{}`,
    `OPTIONS /panel HTTP/1.1\r\n${host}Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n` +
      'Access-Control-Request-Private-Network: true\r\n',
    `GET /panel HTTP/1.1\r\nHost: evil.example\r\n`,
    `PRI * HTTP/2.0\r\n\r\nSM\r\n`,
    `CONNECT evil.example:80 HTTP/1.1\r\n${host}`,
    'not HTTP at all',
  ];
  for (const line of lines) {
    const answer = await raw(port, `${line}\r\n`);
    assert.ok([0, 400, 404].includes(statusOf(answer)), `${line}: ${answer}`);
    assert.doesNotMatch(answer, /access-control|set-cookie|server:|kernel|node|pair/i, line);
    assert.equal(answer.split('\r\n\r\n')[1] ?? '', '', 'a body');
  }
});

test('6: a refused socket tells no more', async (t) => {
  const { port } = await startGatehouse(t);
  const refused = [
    upgradeRequest(port, [['Origin', 'https://evil.example']]),
    upgradeRequest(port, [['Host', 'evil.example']]),
    upgradeRequest(port, [['Sec-WebSocket-Protocol', 'other']]),
    upgradeRequest(port, [['Sec-WebSocket-Protocol', `kernelfusion.v1, token.${'A'.repeat(43)}`]]),
    upgradeRequest(port, [], 'GET /other HTTP/1.1'),
    upgradeRequest(port, [], 'POST /panel HTTP/1.1'),
  ];
  for (const request of refused) {
    const answer = await raw(port, request);
    assert.match(answer, /^HTTP\/1\.1 4\d\d [^\r]+\r\nConnection: close\r\nContent-Length: 0\r\n\r\n$/);
  }
});

test('of the subprotocols only the version is selected: the token is not sent back', async (t) => {
  const { port, tokens } = await startGatehouse(t);
  const { token } = await tokens.add(CHROME);
  const protocols = ['Sec-WebSocket-Protocol', `token.${token}, kernelfusion.v1`] as const;
  const answer = await raw(port, upgradeRequest(port, [protocols]));
  assert.equal(statusOf(answer), 101);
  assert.match(answer, /\r\nSec-WebSocket-Protocol: kernelfusion\.v1\r\n/);
  assert.doesNotMatch(answer, /extensions/i, 'no compression');
  assert.ok(!answer.includes(token));
});

test('11: sockets that say nothing, or say it slowly, are cut off within seconds and keep nobody out', async (t) => {
  const { port, tokens, enter } = await startGatehouse(t);
  const { token } = await tokens.add(CHROME);
  const began = performance.now();
  const slow = Array.from({ length: 40 }, (_, i) => {
    const socket = connect(port, '127.0.0.1');
    const ended = everythingFrom(socket).then(() => (performance.now() - began) / 1000);
    if (i % 2 === 0) return { ended, drip: () => undefined };
    socket.write('GET /panel HTTP/1.1\r\n');
    return { ended, drip: () => socket.writable && socket.write(`X-${Math.random()}: 1\r\n`) };
  });
  const dripping = setInterval(() => {
    for (const { drip } of slow) drip();
  }, 400);
  await wait(200);
  const panel = await enter(CHROME, token);
  panel.socket.close();
  const seconds = await Promise.all(slow.map(({ ended }) => ended));
  clearInterval(dripping);
  assert.ok(Math.max(...seconds) < 7, `the last one was cut off after ${Math.max(...seconds)} s`);
  assert.ok(Math.min(...seconds) > 4, `the first one was cut off after ${Math.min(...seconds)} s already`);
});

test('11: a request that is far too long is cut off before its end', async (t) => {
  const { port } = await startGatehouse(t);
  const answer = await raw(port, upgradeRequest(port, [['X-Padding', 'x'.repeat(100_000)]]));
  assert.ok([0, 431].includes(statusOf(answer)), answer);
});

test('11: a paired panel that never says hello is sent away', async (t) => {
  const { tokens, enter } = await startGatehouse(t);
  const { token } = await tokens.add(CHROME);
  const panel = await enter(CHROME, token);
  assert.equal(await panel.closed, 4401);
});

test('11: whoever may only pair and does not is sent away, and there is room for few of them', async (t) => {
  const { enter, knock, tokens } = await startGatehouse(t);
  const waiting = await Promise.all(Array.from({ length: 4 }, () => enter(FIREFOX)));
  assert.equal(await knock(FIREFOX), 503);
  const { token } = await tokens.add(CHROME);
  const panel = await enter(CHROME, token); // They take no panel's place.
  waiting[0].socket.close();
  await waiting[0].closed;
  await wait(50);
  const next = await enter(FIREFOX);
  for (const { socket } of [...waiting, panel, next]) socket.terminate();
});

test('11: there is room for sixteen panels, and for another when one has left', async (t) => {
  const { enter, knock, tokens } = await startGatehouse(t);
  const { token } = await tokens.add(CHROME);
  const panels = await Promise.all(Array.from({ length: 16 }, () => enter(CHROME, token)));
  assert.equal(await knock(CHROME, token), 503);
  panels[0].socket.close();
  await panels[0].closed;
  let next = await knock(CHROME, token);
  while (next === 503) next = await knock(CHROME, token); // The helper hears of the end a little later.
  assert.ok(typeof next !== 'number');
  for (const { socket } of [...panels, next]) socket.terminate();
});

test('11: a pairing is closed when its time is over', async (t) => {
  const { tokens } = await startGatehouse(t);
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  server.on('connection', (socket) => {
    servePairing(socket, FIREFOX, { redeem: async () => {}, tokens, log: createLog('silent') }, 100);
  });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
  const [said] = await once(client, 'message');
  assert.deepEqual([JSON.parse(said).type, JSON.parse(said).code], ['error', 'NO_CODE']);
  assert.equal((await once(client, 'close'))[0], 4402);
});

test('a port that is taken is told', async (t) => {
  const { tokens } = await startGatehouse(t);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  const options = { port, chromeIds: new Set<string>(), tokens, redeem: async () => {}, log: createLog('silent') };
  await assert.rejects(listen(options), {
    code: 'PORT_IN_USE',
    message: /another program: choose another with --port/,
  });
});
