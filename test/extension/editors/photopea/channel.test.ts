/** Requests and answers: what counts as one's answer, and what becomes of a request that gets none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { type Limits, PhotopeaChannel } from '../../../../extension/editors/photopea/channel.ts';
import type { Message, PhotopeaPort } from '../../../../extension/editors/photopea/port.ts';
import { inspect, type Script } from '../../../../extension/editors/photopea/scripts.ts';

const LIMITS: Limits = { ping: 200, doubt: 30, script: 200, slow: 400, appear: 200, address: 1e6 };

/** A Photopea that answers pings, and anything else as the test says. `say` is given what follows the prefix. */
function answering(act: (say: (rest: string) => void, send: (message: Message) => void) => void) {
  const state = { open: 0, sent: 0 };
  const port: PhotopeaPort = {
    way: 'shim',
    async open(onAnswer) {
      state.open += 1;
      return {
        send: (message) => {
          state.sent += 1;
          const script = String(message);
          const prefix = /__prefix="([^"]+)"/.exec(script)?.[1] ?? '';
          const say = (rest: string) => setTimeout(() => onAnswer(prefix + rest));
          if (!script.includes('app.documents')) {
            say('{}');
            say('$');
          } else act(say, (other) => setTimeout(() => onAnswer(other)));
        },
        close: () => {
          state.open -= 1;
        },
      };
    },
  };
  return { channel: new PhotopeaChannel([port], LIMITS), state };
}

const NOTHING_OPEN = '{"document":null,"selection":false,"layers":[]}';

test('an answer is known by its prefix among whatever else is sent', async () => {
  const { channel, state } = answering((say, send) => {
    send('done');
    send('MSFAPI#ping');
    send('@other-3:{"document":7}');
    send('@other-3:$');
    send('{"document":7}');
    say(NOTHING_OPEN);
    send('done');
    say('$');
  });
  assert.deepEqual((await channel.run(inspect())).reply, JSON.parse(NOTHING_OPEN));
  assert.equal(state.open, 0, 'nobody listens any more');
  assert.equal(channel.way, 'shim');
});

test('a file is waited for after the end of the script', async () => {
  const script: Script<unknown> = { body: 'app.documents;', reply: v.object({}), sendsFile: true };
  const { channel } = answering((say, send) => {
    say('{}');
    say('$');
    setTimeout(() => send(new Uint8Array([1, 2]).buffer), 40);
  });
  const { file } = await channel.run(script);
  assert.deepEqual([...new Uint8Array(file ?? new ArrayBuffer(0))], [1, 2]);
});

const failures: [string, Parameters<typeof answering>[0], RegExp][] = [
  ['a script that reports an error', (say) => [say('!no such thing'), say('$')], /no such thing/],
  ['a script that is not even read', (_say, send) => send('SyntaxError: Unexpected token'), /SyntaxError/],
  ['a script that dies in silence', () => {}, /ended before it was through/],
  ['an answer of another shape', (say) => [say('{"document":7}'), say('$')], /not what was asked/],
  ['an answer that is no JSON', (say) => [say('{"docu'), say('$')], /not readable/],
];
for (const [what, act, message] of failures) {
  test(`${what} fails at once, with a sentence`, async () => {
    const { channel, state } = answering(act);
    await assert.rejects(channel.run(inspect()), { code: 'EDITOR_FAILED', message });
    assert.equal(state.open, 0);
  });
}

test('what a script cannot do is told as what the user can do about it', async () => {
  const { channel } = answering((say) => [say('{"problem":"no-document"}'), say('$')]);
  await assert.rejects(channel.run(inspect()), { code: 'NO_DOCUMENT', message: /Open one/ });
});

test('a text that the page puts into an error is cut short and put on one line', async () => {
  const { channel } = answering((say) => [say(`!${'x\n'.repeat(5000)}`), say('$')]);
  const error = await channel.run(inspect()).catch((caught: unknown) => caught);
  assert.ok(error instanceof Error && error.message.length < 250 && !error.message.includes('\n'));
});

test('after silence, a ping has to be answered before anything else is asked', async () => {
  let silent = false;
  const sent: string[] = [];
  const port: PhotopeaPort = {
    way: 'shim',
    open: async (onAnswer) => ({
      send: (message) => {
        sent.push(String(message).includes('app.documents') ? 'question' : 'ping');
        const prefix = /__prefix="([^"]+)"/.exec(String(message))?.[1] ?? '';
        if (silent) return;
        const reply = String(message).includes('app.documents') ? NOTHING_OPEN : '{}';
        for (const rest of [reply, '$']) setTimeout(() => onAnswer(prefix + rest));
      },
      close() {},
    }),
  };
  const channel = new PhotopeaChannel([port], LIMITS);
  await channel.run(inspect());
  silent = true;
  await assert.rejects(channel.run(inspect()), { code: 'EDITOR_SILENT' });
  sent.length = 0;
  await assert.rejects(channel.run(inspect()), { code: 'EDITOR_SILENT' });
  assert.ok(sent.length > 0 && sent.every((what) => what === 'ping'), 'no question while nobody answers');
  silent = false;
  await channel.run(inspect());
  assert.equal(sent.at(-1), 'question');
});
