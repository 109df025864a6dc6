/**
 * Every failure a user can meet: a stable code and a sentence that says what to do.
 *
 * Codes never change once released; scripts and the panel match on them. Sentences never carry a path or a stack.
 */

/** Stable code of a failure, and the exit code the command line ends with. */
export const EXIT_CODES = {
  BAD_OPTION: 2,
  BAD_KERNEL: 3,
  INPUT_NOT_FOUND: 4,
  INPUT_UNREADABLE: 4,
  INPUT_UNSUPPORTED: 4,
  INPUT_ANIMATED: 4,
  INPUT_TOO_LARGE: 4,
  INPUT_TOO_SMALL: 4,
  OUTPUT_UNWRITABLE: 5,
  OUT_OF_MEMORY: 6,
  ENGINE_UNAVAILABLE: 7,
  ENGINE_FAILED: 7,
  NOT_ENOUGH_MEMORY: 6,
  SPOOL_FULL: 8,
  SPOOL_UNAVAILABLE: 8,
  TOO_MANY_JOBS: 8,
  NO_SUCH_JOB: 8,
  JOB_NOT_DONE: 8,
  BAD_UPLOAD: 8,
  WORKER_DIED: 8,
  BAD_MESSAGE: 8,
  HELPER_OUTDATED: 8,
  PANEL_OUTDATED: 8,
  NO_HELLO: 8,
  TOO_MANY_REQUESTS: 8,
  PORT_IN_USE: 8,
  HELPER_RUNNING: 8,
  HELPER_NOT_RUNNING: 8,
  NOT_THE_HELPER: 8,
  CONNECTION_LOST: 8,
  SETTINGS_UNAVAILABLE: 8,
  NO_CODE: 8,
  WRONG_CODE: 8,
  TOO_MANY_TRIES: 8,
  TOO_MANY_PANELS: 8,
  NOT_PAIRED: 8,
  SERVICE_FAILED: 8,
  NO_EDITOR: 9,
  NO_PERMISSION: 9,
  NO_DOCUMENT: 9,
  NO_SUCH_LAYER: 9,
  LAYER_REFUSED: 9,
  LAYER_TOO_LARGE: 9,
  DOCUMENT_CHANGED: 9,
  EDITOR_SILENT: 9,
  EDITOR_FAILED: 9,
  PAGE_CLOSED: 9,
  BAD_ANSWER: 9,
  STORAGE_FAILED: 9,
  INTERNAL: 70,
  CANCELLED: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/** A failure with a stable `code` and a sentence for the person who met it. */
export class KernelFusionError extends Error {
  override readonly name = 'KernelFusionError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.code = code;
  }
}

/** What `throwIfCancelled` needs of an AbortSignal (declared here because this room knows neither DOM nor Node types). */
interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
}

/** Throws `CANCELLED` when the signal has fired. Call it wherever a long function can stop. */
export function throwIfCancelled(signal: CancelSignal | undefined): void {
  if (signal?.aborted) throw new KernelFusionError('CANCELLED', 'Cancelled.', { cause: signal.reason });
}
