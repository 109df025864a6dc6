/**
 * What a failure looks like from outside: a stable code, one sentence, an exit code. Whatever is not a coded error is our
 * mistake, and says so.
 */
import { CommanderError } from 'commander';
import { EXIT_CODES, KernelFusionError } from '../shared/errors.ts';
import { isOutOfMemory } from './out-of-memory.ts';

/** An unknown error's own words may hold paths: they are told with the stack only. */
const REPORT_IT = 'Please report it, with what it says when KERNELFUSION_DEBUG=1 is set.';

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

/** Any thrown value as a coded error. */
export function toCoded(error: unknown): KernelFusionError {
  if (error instanceof KernelFusionError) return error;
  if (error instanceof CommanderError) {
    return new KernelFusionError('BAD_OPTION', oneLine(error.message.replace(/^error: /, '')), { cause: error });
  }
  if (isOutOfMemory(error)) {
    return new KernelFusionError('OUT_OF_MEMORY', 'There is not enough memory for this picture at this scale.', {
      cause: error,
    });
  }
  const sentence = `Something unexpected happened (${error instanceof Error ? error.name : typeof error}). ${REPORT_IT}`;
  return new KernelFusionError('INTERNAL', sentence, { cause: error });
}

/** The line on standard error. With `debug`, the stack of the original error follows. */
export function failureText(error: KernelFusionError, debug: boolean): string {
  const line = `kernelfusion: ${error.code}: ${oneLine(error.message)}\n`;
  const origin = error.cause instanceof Error ? error.cause : error;
  return debug ? `${line}${origin.stack}\n` : line;
}

/** The object on standard output where scripts asked for JSON. */
export const failureJson = ({ code, message }: KernelFusionError) => ({ error: { code, message: oneLine(message) } });

export const exitCodeOf = ({ code }: KernelFusionError): number => EXIT_CODES[code];
