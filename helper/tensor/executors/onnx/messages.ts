/**
 * What the executor and its thread say to each other: one request, then its reply, then the next. Buffers are transferred, never cloned.
 */
import type { ErrorCode } from '../../../../shared/errors.ts';
import type { Shape } from '../../shape.ts';

/** What the thread is started with (`workerData`). */
export interface ThreadOptions {
  readonly threads: number;
  readonly providers: readonly string[];
  /** One shared number: 1 while the thread serves a request, else 0. */
  readonly busy: Int32Array;
}

/**
 * `shapes` holds every input's and output's; `state` maps input to output names, as in CompileOptions. `download`: a model that
 * returns its inputs, the state, as they are: where state stays on a device, the only way to have it that never aborts.
 */
export interface CompileRequest {
  readonly kind: 'compile';
  readonly program: number;
  readonly model: Uint8Array<ArrayBuffer>;
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly state: Readonly<Record<string, string>>;
  readonly download: Uint8Array<ArrayBuffer> | null;
}

export type Request =
  | CompileRequest
  | { readonly kind: 'run' | 'writeState'; readonly program: number; readonly values: Record<string, Float32Array> }
  | { readonly kind: 'readState' | 'release'; readonly program: number }
  /** Replies with how many programs the thread holds. */
  | { readonly kind: 'count' }
  /** Releases everything and ends the thread. */
  | { readonly kind: 'close' };

export type Reply =
  /** `count`: programs the thread holds. */
  | { readonly values: Record<string, Float32Array>; readonly count: number }
  /** `detail` is for developers: it may name files of the runtime. */
  | { readonly code: ErrorCode; readonly detail: string };

/** The buffers of a message's arrays, for `postMessage`'s transfer list. */
export function buffersOf(values: Readonly<Record<string, Float32Array>>): ArrayBuffer[] {
  return Object.values(values).map((array) => array.buffer as ArrayBuffer);
}
