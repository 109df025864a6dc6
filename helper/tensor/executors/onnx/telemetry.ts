/**
 * ONNX Runtime's official builds send usage data to their maker since 1.29 on Linux, and earlier on Windows. Nothing may leave
 * this computer, so it is switched off, by the variable the library itself reads when it starts.
 */

/**
 * Call it before the library is first used, in the process's main thread: a worker's `process.env` is a copy that native
 * code never sees.
 */
export function disableTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY = '1';
}
