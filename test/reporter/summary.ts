/**
 * What a test run prints: a line a test, each failure with its error, and at the very end every skipped test by name with
 * its reason, then `N passed, N failed, N skipped`. So a test that did not run cannot go unnoticed.
 *
 * A reporter of node:test, https://nodejs.org/docs/latest-v20.x/api/test.html#custom-reporters
 */
import path from 'node:path';
import type { TestEvent } from 'node:test/reporters';

type Finished = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>['data'];

/** `build/test/x.test.js` is shown as the file people edit: `test/x.test.ts`. */
function sourceName(file: string | undefined): string {
  if (!file) return '';
  return path
    .relative(process.cwd(), file)
    .replaceAll(path.sep, '/')
    .replace(/^build\//, '')
    .replace(/\.js$/, '.ts');
}

/** node:test reports a file that crashed as a failed test named after the file, and a suite like a test. */
const isFile = ({ name, file }: Finished) => name === file;
const isSuite = ({ details }: Finished) => details.type === 'suite';

const titleOf = (data: Finished) => (isFile(data) ? 'the file itself' : data.name);

/** A suite, or a test with subtests, that failed only because something inside it did, which is counted already. */
function failsByItsParts(data: Finished): boolean {
  const error = 'error' in data.details ? data.details.error : undefined;
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed';
}

/** The error as its author wrote it: node:test wraps what a test threw and keeps it as the cause. */
function describeError(data: Finished): string {
  const error = 'error' in data.details ? (data.details.error as Error) : undefined;
  const cause =
    error?.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error?.cause ?? error);
  return cause.replace(/^/gm, '    ');
}

function skipReason({ skip, todo }: Finished): string | null {
  if (skip !== undefined && skip !== false) return typeof skip === 'string' && skip ? skip : 'no reason given';
  if (todo !== undefined && todo !== false) return typeof todo === 'string' && todo ? `to do: ${todo}` : 'to do';
  return null;
}

export default async function* summary(events: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  let passed = 0;
  const failed: string[] = [];
  const skipped: string[] = [];
  let file: string | undefined;

  for await (const event of events) {
    if (event.type === 'test:stderr' || event.type === 'test:stdout') yield event.data.message;
    if (event.type === 'test:diagnostic' && event.data.file) yield `    ${event.data.message}\n`;
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;

    const { data } = event;
    if (data.file !== file) {
      file = data.file;
      yield `\n${sourceName(file)}\n`;
    }
    const title = `${sourceName(data.file)}: ${titleOf(data)}`;
    const reason = skipReason(data);
    if (event.type === 'test:fail') {
      if (!failsByItsParts(data)) {
        failed.push(title);
        yield `  FAILED ${titleOf(data)}\n${describeError(data)}\n`;
      }
    } else if (reason !== null) {
      skipped.push(`${title} (${reason})`);
      yield `  skipped ${data.name} (${reason})\n`;
    } else if (!isSuite(data) && !isFile(data)) {
      passed++;
      yield `  ok ${data.name} (${Math.round(data.details.duration_ms)} ms)\n`;
    }
  }

  if (failed.length > 0) yield `\nFailed:\n${failed.map((line) => `  ${line}\n`).join('')}`;
  if (skipped.length > 0) yield `\nSkipped:\n${skipped.map((line) => `  ${line}\n`).join('')}`;
  yield `\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped\n`;
}
