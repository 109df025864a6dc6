/**
 * Tasks (kernelfusion/tasks.ts) in threads of their own: on a computer with many cores the solvers take as much of a job as the executor does, and
 * they keep one core busy each.
 *
 * A thread gets a task's input and a port to its services. It works on one task at a time, also while it waits for a service.
 * What is cancelled ends with its thread; the next task gets a new one.
 */
import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { throwIfCancelled } from '../../shared/errors.ts';
import {
  type TaskInput,
  type TaskName,
  type TaskOutput,
  type TaskServices,
  type Tasks,
  tasksHere,
} from '../kernelfusion/tasks.ts';

/** What a thread is told to do; the port to the services comes with it. */
export interface TaskOrder {
  readonly name: TaskName;
  readonly input: unknown;
  readonly port: MessagePort;
}

/** A call of a service. */
export interface ServiceCall {
  readonly id: number;
  readonly service: string;
  readonly args: readonly unknown[];
}

/** What it returned. A service that fails is not answered: its task fails with it. */
export interface ServiceAnswer {
  readonly id: number;
  readonly value: unknown;
}

export interface TaskThreads extends Tasks {
  /** Ends all threads; tasks under way are rejected. */
  close(): Promise<void>;
}

/** More threads than that find nothing to do most of the time. */
const MOST = 4;

/** How many threads the tasks of a job are worth that may use so many. */
export const usefulThreads = (threads = availableParallelism()): number => Math.min(threads, MOST);

/** At most `most` threads, begun when there is work for them; one is this thread. */
export function openTasks(most: number): TaskThreads {
  if (most === 1) return { ...tasksHere(), close: async () => {} };
  const pool = new Piscina({
    filename: new URL('./task-worker.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: most,
    idleTimeout: Number.POSITIVE_INFINITY,
    // A thread that waits for its next task would hear nothing else.
    atomics: 'disabled',
    recordTiming: false,
    // Flags of this process are not for the threads.
    execArgv: [],
  });

  async function run<Name extends TaskName>(
    name: Name,
    input: TaskInput<Name>,
    services: TaskServices<Name>,
    signal?: AbortSignal,
  ): Promise<TaskOutput<Name>> {
    throwIfCancelled(signal);
    const { port1: here, port2: port } = new MessageChannel();
    const stop = new AbortController();
    const stopping = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const serviceFailed = new Promise<never>((_, reject) => {
      here.on('message', async ({ id, service, args }: ServiceCall) => {
        try {
          const value = await (services as Record<string, (...args: readonly unknown[]) => unknown>)[service](...args);
          here.postMessage({ id, value } satisfies ServiceAnswer);
        } catch (error) {
          reject(error);
          stop.abort();
        }
      });
    });
    const order: TaskOrder = { name, input, port };
    try {
      return await Promise.race([
        serviceFailed,
        pool.run(order, { transferList: [port], signal: stopping }) as Promise<TaskOutput<Name>>,
      ]);
    } catch (error) {
      throwIfCancelled(signal);
      throw error;
    } finally {
      // What is still on its way is not heard.
      here.close();
    }
  }

  return { width: most, run, close: () => pool.destroy() };
}
