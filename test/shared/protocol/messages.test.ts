/**
 * What the parsers of control messages take and refuse. docs/protocol.md supplies the messages that are right.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { parseOptions } from '../../../shared/options.ts';
import { LONGEST_TEXT } from '../../../shared/protocol/limits.ts';
import { parseClientMessage, parseHelperMessage } from '../../../shared/protocol/messages.ts';

const page = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');
const examplesOf = (title: string) =>
  [
    ...page
      .split(`## ${title}\n`)[1]
      .split('\n## ')[0]
      .matchAll(/```json\n([^`]*)```/g),
  ].map(([, text]) => JSON.parse(text));
const fromPanel = examplesOf('What the panel says');
const fromHelper = examplesOf('What the helper says');

const layer = { width: 8, height: 6, channels: 4, depth: 8 };
const start = { type: 'start', request: 1, layer, options: {} };
const job = 'abcdefghijklmnopqrstuvwxyz';

const refused = (message: unknown, sentence?: RegExp) =>
  assert.throws(
    () => parseClientMessage(typeof message === 'string' ? message : JSON.stringify(message)),
    { code: 'BAD_MESSAGE', ...(sentence && { message: sentence }) },
    `taken: ${JSON.stringify(message).slice(0, 100)}`,
  );

test('what is no JSON object of a known type is refused', () => {
  const texts = [
    '',
    ' ',
    'hello',
    '{',
    '{"type":"hello"',
    '[]',
    'null',
    '1',
    '"ping"',
    '{}',
    '{"type":null}',
    '\ufeff{}',
  ];
  for (const text of texts) refused(text);
  refused({ type: 'shutdown' }, /type should be/);
  refused({ type: ['ping'] });
  refused({ type: 'welcome', protocol: 1, proof: 'x', helper: 'y' });
});

test('a field too many, too few or of another kind is refused, and named', () => {
  refused({ ...start, path: '/etc/passwd' }, /path/);
  refused({ type: 'list' }, /request/);
  refused({ type: 'cancel', request: 1 }, /job/);
  refused({ type: 'list', request: '1' }, /request/);
  refused({ type: 'list', request: -1 }, /request/);
  refused({ type: 'list', request: 2 ** 32 }, /request/);
  refused({ type: 'ping', request: 1 }, /request/);
  refused({ ...start, options: [1] }, /options/);
  refused({ ...start, options: null }, /options/);
});

test('a size that is not a whole number from 1 up is refused', () => {
  for (const width of ['-1', '0', '1.5', 'null', '"8"', '1e400', '-0', '9007199254740993', '[8]', 'true']) {
    refused(`{"type":"start","request":1,"layer":{"width":${width},"height":6,"channels":4,"depth":8},"options":{}}`);
  }
  refused({ ...start, layer: { ...layer, channels: 3 } }, /layer.channels/);
  refused({ ...start, layer: { ...layer, depth: 16 } }, /layer.depth/);
  // Whether a layer is too large is told with a sentence of its own, by whoever knows the memory.
  const { layer: large } = parseClientMessage(
    JSON.stringify({ ...start, layer: { ...layer, width: 2 ** 31 } }),
  ) as typeof start;
  assert.equal(large.width, 2 ** 31);
});

test('a job is named by 26 characters of a-z0-9 and by nothing else', () => {
  const names = [
    '',
    '..',
    job.slice(1),
    `${job}a`,
    job.toUpperCase(),
    `${job}\n`,
    '../../../../../../etc/shadow',
    `${job.slice(0, 25)}/`,
    `${job.slice(0, 25)}\0`,
  ];
  for (const name of names) refused({ type: 'fetch', request: 1, job: name, offset: 0 }, /job/);
});

test('keys that mean something to JavaScript change nothing, and are no options', () => {
  refused('{"type":"list","request":1,"constructor":{"prototype":{"polluted":1}}}');
  const options = '{"scale":2,"__proto__":{"polluted":1}}';
  const parsed = parseClientMessage(JSON.stringify({ ...start, type: 'estimate' }).replace('{}', options));
  assert.ok(parsed.type === 'estimate' && !('polluted' in parsed.options) && !('polluted' in {}));
  assert.throws(() => parseOptions(parsed.options), { code: 'BAD_OPTION', message: /__proto__/ });
});

test('JSON nested a hundred thousand deep is refused, or passed on as an option of no meaning', () => {
  const deep = '['.repeat(1e5) + ']'.repeat(1e5);
  refused(deep);
  refused(`{"type":"list","request":${deep}}`);
  const options = `{"scale":${deep}}`;
  const text = JSON.stringify(start).replace('"options":{}', `"options":${options}`);
  assert.equal(parseClientMessage(text).type, 'start');
});

test('a text longer than allowed is refused before it is read', () => {
  const padding = ' '.repeat(LONGEST_TEXT - JSON.stringify({ type: 'ping' }).length);
  assert.equal(parseClientMessage(`{"type":"ping"}${padding}`).type, 'ping');
  refused(`{"type":"ping"}${padding} `, /longer/);
});

test('a kernel has at most 64 values a side, 65 at odd scales, all finite', () => {
  const kernel = { size: 64, scale: 2, data: Array(4096).fill(1 / 4096) };
  const odd = { size: 65, scale: 3, data: Array(4225).fill(1 / 4225) };
  for (const fits of [kernel, odd, { ...odd, scale: 1 }]) {
    assert.equal(parseClientMessage(JSON.stringify({ ...start, kernel: fits })).type, 'start');
    assert.equal(parseHelperMessage(JSON.stringify({ type: 'kernel', job, kernel: fits })).type, 'kernel');
  }
  refused({ ...start, kernel: { ...odd, size: 66 } }, /kernel.size/);
  refused({ ...start, kernel: { ...kernel, size: 65 } }, /kernel.size/);
  refused({ ...start, kernel: { ...kernel, scale: 5 } }, /kernel.scale/);
  refused({ ...start, kernel: { ...kernel, data: [...odd.data, 0] } }, /kernel.data/);
  refused({ ...start, kernel: { ...kernel, data: [null] } }, /kernel.data/);
  refused(JSON.stringify({ ...start, kernel: { ...kernel, data: [7] } }).replace('[7]', '[1e999]'), /kernel.data/);
});

test('the hello of a later version gets through with its number', () => {
  const later = { ...fromPanel[0], protocol: 9, wants: { colours: 'more' } };
  const hello = parseClientMessage(JSON.stringify(later));
  assert.ok(hello.type === 'hello' && hello.protocol === 9 && !('wants' in hello));
});

test('the panel overlooks what a newer helper of the same version adds, and takes codes it does not know', () => {
  for (const message of fromHelper) {
    assert.deepEqual(parseHelperMessage(JSON.stringify({ ...message, added: 1 })), message);
  }
  const error = { type: 'error', code: 'NEVER_HEARD_OF', sentence: 'Something new.' };
  assert.deepEqual(parseHelperMessage(JSON.stringify(error)), error);
});

test('the confidence in a kernel is a share or unknown, and an earlier helper of the same version tells none', () => {
  const done = fromHelper.find(({ job }) => job?.result);
  const told = (confidence: unknown) =>
    parseHelperMessage(JSON.stringify({ ...done, job: { ...done.job, result: { ...done.job.result, confidence } } }));
  for (const confidence of [0, 0.5, 1, null, undefined]) {
    const message = told(confidence);
    assert.ok(message.type === 'job');
    assert.equal(message.job.result?.confidence, confidence);
  }
  for (const confidence of [-0.1, 1.1, 87, '0.5']) {
    assert.throws(() => told(confidence), { code: 'BAD_MESSAGE', message: /confidence/ });
  }
});

test('a refusal repeats no value that was sent', () => {
  const secret = 'hunter2hunter2';
  const messages = [{ type: secret }, { type: 'pair', code: secret }, { ...start, layer: secret }, secret];
  for (const text of [...messages.map((message) => JSON.stringify(message)), secret, `{"type":"${secret}`]) {
    assert.throws(
      () => parseClientMessage(text),
      (error: Error) => !inspect(error).includes(secret),
    );
  }
});

test('whatever text comes, a parser takes it or says BAD_MESSAGE', () => {
  const place = fc
    .constantFrom(...fromPanel, ...fromHelper)
    .chain((message) =>
      fc
        .tuple(fc.constantFrom(...Object.keys(message)), fc.jsonValue())
        .map(([key, value]) => JSON.stringify({ ...message, [key]: value })),
    );
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), place);
  fc.assert(
    fc.property(texts, fc.constantFrom(parseClientMessage, parseHelperMessage), (text, parse) => {
      try {
        const message = parse(text);
        // What was taken is said again without loss.
        assert.deepEqual(parse(JSON.stringify(message)), message);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'BAD_MESSAGE', String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
