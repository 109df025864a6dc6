/** A thread that works on tasks (task-threads.ts, its other end). */
import type { MessagePort } from 'node:worker_threads';
import { type AnyTask, TASKS } from '../kernelfusion/tasks.ts';
import type { ServiceAnswer, ServiceCall, TaskOrder } from './task-threads.ts';

export default async function work({ name, input, port }: TaskOrder): Promise<unknown> {
  try {
    return await (TASKS[name] as AnyTask)(input, servicesBeyond(port));
  } finally {
    port.close();
  }
}

/** The services at the other end of a port: whatever is called there by name. */
function servicesBeyond(port: MessagePort): unknown {
  const waiting = new Map<number, (value: unknown) => void>();
  let next = 0;
  port.on('message', ({ id, value }: ServiceAnswer) => {
    waiting.get(id)!(value);
    waiting.delete(id);
  });
  const call = (service: string, args: readonly unknown[]) =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      port.postMessage({ id, service, args } satisfies ServiceCall);
    });
  return new Proxy(
    {},
    {
      get:
        (_, service: string) =>
        (...args: unknown[]) =>
          call(service, args),
    },
  );
}
