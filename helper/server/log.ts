/**
 * The helper's log: a JSON line an event (pino), for the person whose computer it is and for reports of trouble, which are
 * shown to strangers. So no line holds a secret, a pixel or a path, whatever was logged: known names are redacted, bytes become
 * their number, errors tell what is safe to tell, and every text of the finished line is searched once more.
 */
import path from 'node:path';
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { KernelFusionError } from '../../shared/errors.ts';
import type { LogLevel } from './log-levels.ts';

const SECRETS = ['token', 'helperKey', 'nonce', 'proof', 'authorization', 'headers'];

/** Writes at once, to standard error unless told otherwise: the last line before an end is the one that is wanted. */
export function createLog(level: LogLevel, stream: DestinationStream = destination({ dest: 2, sync: true })): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
      formatters: { level: (label) => ({ level: label }), log: (fields) => withoutBytes(fields) },
      serializers: { err: describeError },
      hooks: {
        streamWrite: scrubLine,
        // Without words pino takes the error's own.
        logMethod(args, method) {
          const [first, words, ...values] = args as [unknown, unknown, ...unknown[]];
          const fields = first instanceof Error ? { err: first } : first;
          const speaks = typeof fields === 'string' || words !== undefined;
          method.apply(this, [fields, speaks ? words : 'error', ...values] as Parameters<typeof method>);
        },
      },
    },
    stream,
  );
}

/** The same fields, with the number of bytes where there were bytes. */
function withoutBytes(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, inWords(value)]));
}

function inWords(value: unknown): unknown {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.length > 32 ? `[${value.length} values]` : value.map(inWords);
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? withoutBytes(value as Record<string, unknown>) : value;
}

/**
 * Our own sentences are safe to tell; others' words are not (Node's name the file). Where it happened is told by function,
 * file name and line.
 */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, cause } = error;
  const code = (error as NodeJS.ErrnoException).code;
  return {
    type: name,
    ...(typeof code === 'string' && { code }),
    ...(error instanceof KernelFusionError ? { sentence: error.message } : { at: placesOf(error) }),
    ...(cause instanceof Error && { cause: describeError(cause) }),
  };
}

function placesOf({ stack = '' }: Error): string[] {
  const places = stack.matchAll(/^ +at (?:(.*?) \()?([^()]*?):(\d+):\d+\)?$/gm);
  const told = [...places].map(([, name, file, line]) => `${name ?? ''} ${path.basename(file)}:${line}`.trim());
  return told.slice(0, 5);
}

/** How a path begins that leads somewhere by itself. */
const ABSOLUTE = String.raw`(?:file:\/\/)?(?:\/|[A-Za-z]:[\\/]|\\\\)`;
const IS_PATH = new RegExp(`^${ABSOLUTE}`);
/** A path between quotation marks, spaces and all. */
const QUOTED_PATH = new RegExp(String.raw`(["'])${ABSOLUTE}(?:(?!\1)[^\n])+\1`, 'g');
/** One without: at least a folder and a name, and not the end of an address. */
const BARE_PATH = new RegExp(String.raw`(?<![\w:/\\.])${ABSOLUTE}(?:[^\s"'/\\]+[/\\]+)+[^\s"',;)]*`, 'g');
/** 32 bytes in base64url. */
const SECRET = /(?<![\w-])[\w-]{43}(?![\w-])/g;

/** A text without whatever looks like a secret or a path. */
export function scrub(text: string): string {
  if (IS_PATH.test(text)) return '[path]';
  return text.replace(QUOTED_PATH, '$1[path]$1').replace(BARE_PATH, '[path]').replace(SECRET, '[secret]');
}

const scrubLine = (line: string) =>
  `${JSON.stringify(JSON.parse(line), (_, value) => (typeof value === 'string' ? scrub(value) : value))}\n`;
