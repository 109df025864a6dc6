/**
 * What this process and one that computes for it (device-process.ts) say to each other: one request, then its reply, then the
 * next. Graphs are plain data, so they travel as they are.
 */
import type { ErrorCode } from '../../shared/errors.ts';
import type { CompileOptions, Values } from '../tensor/executor.ts';
import type { Graph } from '../tensor/graph.ts';

export type DeviceRequest =
  /** The first. */
  | { readonly kind: 'open'; readonly device: string; readonly threads: number | undefined }
  | { readonly kind: 'compile'; readonly program: number; readonly graph: Graph; readonly options: CompileOptions }
  | { readonly kind: 'run' | 'writeState'; readonly program: number; readonly values: Values }
  | { readonly kind: 'readState' | 'release'; readonly program: number }
  /** Frees everything; the process then ends. */
  | { readonly kind: 'close' };

export type DeviceReply =
  | { readonly kind: 'opened'; readonly name: string; readonly threads: number; readonly software: string | null }
  | { readonly kind: 'values'; readonly values: Values }
  /** `detail` is for developers: it may name files. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly sentence: string; readonly detail: string };
