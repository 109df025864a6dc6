/**
 * A worker process seen from the helper: started with a job, heard, ended.
 *
 * It is told to end by a signal (SIGTERM), which is heard in the middle of the longest loop and of a native call too, and
 * which no worker listens to. Should a process outlive that for 3 s, it is killed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Assignment, WorkerMessage } from './worker-messages.ts';

export interface WorkerEnd {
  readonly exitCode: number | null;
  /** What ended it, if a signal did. */
  readonly signal: NodeJS.Signals | null;
  /** The end of what it said on standard error: what native code says before it aborts. */
  readonly lastWords: string;
}

export interface RunningWorker {
  readonly pid: number | undefined;
  /** Resolves when the process is gone, or could not even be started. Never rejects. */
  readonly ended: Promise<WorkerEnd>;
  /** Ends it; resolves with `ended`. May be called again. */
  stop(): Promise<WorkerEnd>;
}

const KILL_AFTER = 3000;
const LAST_WORDS = 2000;

export function startWorker(
  entry: URL,
  assignment: Assignment,
  onMessage: (message: WorkerMessage) => void,
): RunningWorker {
  const child = fork(entry, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Flags of this process are not for the other.
    execArgv: [],
  });
  let lastWords = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS);
  });
  child.on('message', onMessage);
  const ended = endOf(child, () => lastWords);
  // Where it has ended already, `ended` tells.
  child.send(assignment, () => {});

  return {
    pid: child.pid,
    ended,
    async stop() {
      child.kill('SIGTERM');
      const killing = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER);
      return ended.finally(() => clearTimeout(killing));
    },
  };
}

/** The end is when the process is gone and all it said has been heard: its last message may arrive after its exit. */
async function endOf(child: ChildProcess, lastWords: () => string): Promise<WorkerEnd> {
  const silent = new Promise<void>((resolve) => child.once('disconnect', resolve));
  return new Promise((resolve) => {
    child.on('error', ({ message }) => {
      if (child.pid === undefined) resolve({ exitCode: null, signal: null, lastWords: message });
    });
    child.once('close', async (exitCode, signal) => {
      await silent;
      resolve({ exitCode, signal, lastWords: lastWords() });
    });
  });
}
