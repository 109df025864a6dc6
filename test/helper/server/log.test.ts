import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, scrub } from '../../../helper/server/log.ts';
import type { LogLevel } from '../../../helper/server/log-levels.ts';
import { KernelFusionError } from '../../../shared/errors.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void, level: LogLevel = 'trace') {
  let text = '';
  const stream = {
    write: (line: string) => {
      text += line;
    },
  };
  write(createLog(level, stream));
  return text;
}

const SECRET = 'xo3-_'.repeat(8).concat('abc');

test('a line is JSON with time, level and words', () => {
  const { time, ...line } = JSON.parse(logged((log) => log.info({ jobs: 3 }, 'ready')));
  assert.deepEqual(line, { level: 'info', jobs: 3, msg: 'ready' });
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 5000);
});

test('what is below the level is not written', () => {
  const text = logged((log) => {
    log.debug('fine');
    log.warn('coarse');
  }, 'warn');
  assert.deepEqual(
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg),
    ['coarse'],
  );
});

test('secrets are kept out, by their names and by their looks', () => {
  const text = logged((log) => {
    log.info({ token: SECRET, peer: { helperKey: 'short', headers: { cookie: 'c00kie' } } }, `token.${SECRET} came`);
    log.info({ protocols: ['kernelfusion.v1', `token.${SECRET}`] }, `offered:\n${SECRET}`);
  });
  for (const secret of [SECRET, 'short', 'c00kie']) assert.ok(!text.includes(secret), text);
  assert.match(text, /token\.\[secret\] came/);
});

test('of pixels the number of bytes is told, wherever they are', () => {
  const pixels = Uint8Array.of(201, 202, 203, 204);
  const text = logged((log) => {
    log.info({ pixels, frame: { payload: pixels }, list: [pixels, Buffer.from(pixels)], raw: pixels.buffer }, 'came');
    log.info({ many: Array.from({ length: 40 }, () => 201) }, 'came');
  });
  assert.doesNotMatch(text, /201,|"0":/);
  assert.equal(text.match(/\[4 bytes\]/g)?.length, 5);
});

test('paths are kept out, of every system and with spaces, and addresses stay', () => {
  const paths = [
    `ENOENT: no such file or directory, open '/home/ada/My Pictures/cat.png'`,
    'at /home/ada/cat.png:12 and /tmp/x',
    'C:\\Users\\ada\\cat.png',
    '"C:/Users/ada/My Pictures/cat.png"',
    '\\\\server\\ada\\cat.png',
    'file:///home/ada/cat.png',
    'a tab\t/home/ada/cat.png',
  ];
  const text = logged((log) => {
    for (const words of paths) log.info({ where: words }, words);
    log.info({ file: '/home/ada/My Pictures/cat.png' }, 'field');
  });
  assert.doesNotMatch(text, /ada|cat|Pictures/);
  for (const kept of ['chrome-extension://abcdef', 'ws://127.0.0.1:21907/panel', '3/4 MB/s', 'and/or', 'a / b / c']) {
    assert.equal(scrub(kept), kept);
  }
});

test('our own errors tell their sentence, others only what they are and where: their words may hold anything', () => {
  const other = Object.assign(new Error("open '/home/ada/cat.png', token hunter2"), { code: 'ENOENT' });
  const ours = new KernelFusionError('SPOOL_FULL', 'The spool is full.', { cause: other });
  const text = logged((log) => {
    log.error({ err: ours }, 'refused');
    log.error(other);
    log.error({ err: other });
    log.error({ err: 'hunter2' }, 'thrown');
  });
  assert.doesNotMatch(text, /ada|hunter2/);
  const [refused, bare] = text.split('\n', 2).map((line) => JSON.parse(line));
  assert.equal(refused.err.sentence, 'The spool is full.');
  assert.deepEqual([refused.err.code, refused.err.cause.code], ['SPOOL_FULL', 'ENOENT']);
  assert.match(bare.err.at[0], /^[^/\\]*log\.test\.js:\d+$/);
});
