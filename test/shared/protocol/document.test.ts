/**
 * docs/protocol.md against the code: every message has one example there and passes its schema unchanged, the frame decodes to
 * what the text says it is, the numbers are those of limits.ts.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CLOSE_CODES } from '../../../shared/protocol/close-codes.ts';
import { decodeFrame, HEADER } from '../../../shared/protocol/frames.ts';
import * as limits from '../../../shared/protocol/limits.ts';
import {
  CLIENT_TYPES,
  HELPER_TYPES,
  parseClientMessage,
  parseHelperMessage,
} from '../../../shared/protocol/messages.ts';
import { proofText } from '../../../shared/protocol/proof.ts';

const page = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');

function section(title: string): string {
  const [, found] = page.split(`\n## ${title}\n`);
  assert.ok(found, `there is no section "${title}"`);
  return found.split('\n## ')[0];
}

const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^\`]*)\`\`\``, 'g'))].map((match) => match[1]);

/** Examples with the name the paragraph before them begins with. */
const examples = (title: string) =>
  [...section(title).matchAll(/\n`([a-z]+)`: [^`]*(?:`[^`]+`[^`]*)*```json\n([^`]*)```/g)].map(([, name, text]) => ({
    name,
    text,
  }));

const SIDES = [
  { title: 'What the panel says', types: CLIENT_TYPES, parse: parseClientMessage },
  { title: 'What the helper says', types: HELPER_TYPES, parse: parseHelperMessage },
];

for (const { title, types, parse } of SIDES) {
  test(`"${title}" has one example of each message, in the order of the code`, () => {
    assert.deepEqual(
      examples(title).map(({ name }) => name),
      types,
    );
    assert.equal(blocks(section(title), 'json').length, types.length);
  });

  test(`"${title}": every example passes its schema, and nothing of it is lost`, () => {
    for (const { name, text } of examples(title)) {
      const message = parse(text);
      assert.equal(message.type, name);
      assert.deepEqual(message, JSON.parse(text));
    }
  });
}

test('the proof in the example is the right one for the nonce and the key in the examples', () => {
  const field = (name: string) => page.match(new RegExp(`"${name}": "([^"]+)"`))?.[1] ?? '';
  const key = Buffer.from(field('helperKey'), 'base64url');
  const proof = createHmac('sha256', key)
    .update(proofText(field('nonce'), 41797))
    .digest('base64url');
  assert.equal(proof, field('proof'));
});

test('the frame in the example is what the text says', () => {
  const [hex] = blocks(page, 'hex');
  const frame = decodeFrame(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
  assert.deepEqual(
    { ...frame, payload: [...frame.payload] },
    {
      type: 'result',
      job: '4k0c2hq7x1m9zt5v8e6w3rnbya',
      sequence: 1,
      offset: limits.CHUNK,
      payload: [255, 0, 0, 128],
    },
  );
});

test('the numbers in the text are those of the code', () => {
  const stated = [
    `Every frame of a layer carries ${limits.CHUNK} bytes`,
    `At most ${limits.WINDOW} bytes may be`,
    `at least every ${limits.ACKNOWLEDGE_EVERY} bytes`,
    `At most ${limits.MOST_REQUESTS} requests may wait`,
    `at least ${limits.LEAST_SIDE} pixels wide and high`,
    `at most ${limits.MOST_PIXELS} pixels, its result at most ${limits.MOST_RESULT_PIXELS}.`,
    `A header of ${HEADER} bytes`,
    `of the payload, 1 to ${limits.CHUNK}`,
    `${limits.LARGEST_PREVIEW} at most`,
    `subprotocols \`${limits.SUBPROTOCOL}\` and \`${limits.TOKEN_PREFIX}TOKEN\``,
  ];
  for (const words of stated) assert.ok(page.replace(/\n/g, ' ').includes(words), words);
  for (const code of Object.values(CLOSE_CODES)) assert.match(section('The way of a job'), new RegExp(`\\b${code}\\b`));
});
