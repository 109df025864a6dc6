/**
 * Work that can be done on any thread: functions of plain data, by name. What they need of this thread (the executor, a listener) are
 * services: functions of plain data as well, which a task calls from wherever it is.
 *
 * Who has several tasks that do not wait for each other starts them `together` (together.ts). They are then worked on one after the other in this
 * thread (`tasksHere`), or in threads of their own (threads/task-threads.ts), with the same results to the bit.
 */
import { throwIfCancelled } from '../../shared/errors.ts';
import { makeTurns } from '../turns.ts';
import { restorePiece } from './restore-piece.ts';
import { SEARCH_TASKS } from './search-tasks.ts';

export const TASKS = {
  ...SEARCH_TASKS,
  restorePiece,
};

export type TaskName = keyof typeof TASKS;
type Task<Name extends TaskName> = (typeof TASKS)[Name];
export type TaskInput<Name extends TaskName> = Parameters<Task<Name>>[0];
export type TaskServices<Name extends TaskName> = Parameters<Task<Name>>[1];
export type TaskOutput<Name extends TaskName> = Awaited<ReturnType<Task<Name>>>;

/** Any task, as those see it that bring tasks to threads. */
export type AnyTask = (input: unknown, services: unknown, signal?: AbortSignal) => Promise<unknown>;

export interface Tasks {
  /** How many are worked on at once. */
  readonly width: number;
  /** Throws what the task or one of its services throws, and `CANCELLED`. */
  run<Name extends TaskName>(
    name: Name,
    input: TaskInput<Name>,
    services: TaskServices<Name>,
    signal?: AbortSignal,
  ): Promise<TaskOutput<Name>>;
}

/** Tasks in this thread, one at a time, in the order in which they were asked for. */
export function tasksHere(): Tasks {
  const turns = makeTurns();
  return {
    width: 1,
    run<Name extends TaskName>(
      name: Name,
      input: TaskInput<Name>,
      services: TaskServices<Name>,
      signal?: AbortSignal,
    ): Promise<TaskOutput<Name>> {
      return turns.take(() => {
        throwIfCancelled(signal);
        return (TASKS[name] as AnyTask)(input, services, signal) as Promise<TaskOutput<Name>>;
      });
    },
  };
}
