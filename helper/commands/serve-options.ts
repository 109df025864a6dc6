/**
 * What can be chosen about a helper: by whoever starts it, and by whoever has it started as a service.
 */
import { KernelFusionError } from '../../shared/errors.ts';
import { CHROME_ID, EXTENSION_ID } from '../../shared/extension-id.ts';
import { DEFAULT_PORT } from '../../shared/protocol/address.ts';
import { LOG_LEVELS, type LogLevel } from '../server/log-levels.ts';

export interface ServeRequest {
  /** 0: any that is free. */
  readonly port?: number;
  /** Ids of further Chrome extensions that may connect. */
  readonly allowExtension?: readonly string[];
  /** Whether a pairing code is shown at the start. */
  readonly code: boolean;
  /** What jobs compute on; by default the fastest. */
  readonly device?: string;
  readonly logLevel?: string;
}

export interface ServeOptions {
  readonly port: number;
  readonly chromeIds: ReadonlySet<string>;
  readonly level: LogLevel;
}

/** Throws `BAD_OPTION`. */
export function checkServeRequest(request: Omit<ServeRequest, 'code' | 'device'>): ServeOptions {
  const { port = DEFAULT_PORT, allowExtension = [], logLevel = 'info' } = request;
  if (!Number.isInteger(port) || (port !== 0 && port < 1024) || port > 65535) {
    throw new KernelFusionError('BAD_OPTION', '--port must be a whole number from 1024 to 65535, or 0 for any.');
  }
  const bad = allowExtension.find((id) => !CHROME_ID.test(id));
  if (bad !== undefined) {
    throw new KernelFusionError('BAD_OPTION', "--allow-extension must be 32 letters from a to p: the extension's id.");
  }
  const level = LOG_LEVELS.find((name) => name === logLevel);
  if (level === undefined) {
    throw new KernelFusionError('BAD_OPTION', `--log-level must be one of: ${LOG_LEVELS.join(', ')}.`);
  }
  return { port, chromeIds: new Set([EXTENSION_ID, ...allowExtension]), level };
}
