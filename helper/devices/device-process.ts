/**
 * A process that computes on one device for another process, which may outlive its crash: graphics drivers abort, and
 * TensorFlow.js blocks the thread it is called on.
 */
import { toCoded } from '../failure.ts';
import type { Executor, Program, Values } from '../tensor/executor.ts';
import { deviceNamed } from './catalogue.ts';
import type { DeviceReply, DeviceRequest } from './device-messages.ts';
import { softwareAdapter } from './software-adapter.ts';

let executor: Executor | null = null;
const programs = new Map<number, Program>();

// Ctrl+C goes to every process of a terminal; this one ends when the one it works for does.
process.on('SIGINT', () => {});
process.once('disconnect', () => process.exit());

async function serve(request: DeviceRequest): Promise<DeviceReply> {
  const values = (result: Values = {}): DeviceReply => ({ kind: 'values', values: result });
  switch (request.kind) {
    case 'open': {
      const device = deviceNamed(request.device);
      executor = await device.create(request.threads);
      const { name, threads } = executor;
      return { kind: 'opened', name, threads, software: await softwareAdapter(device) };
    }
    case 'compile':
      programs.set(request.program, await executor!.compile(request.graph, request.options));
      return values();
    case 'run':
      return values(await programs.get(request.program)!.run(request.values));
    case 'writeState':
      await programs.get(request.program)!.writeState(request.values);
      return values();
    case 'readState':
      return values(await programs.get(request.program)!.readState());
    case 'release':
      await programs.get(request.program)?.release();
      programs.delete(request.program);
      return values();
    case 'close':
      await executor?.close();
      return values();
    default:
      return request satisfies never;
  }
}

process.on('message', async (request: DeviceRequest) => {
  const reply = await serve(request).catch((error): DeviceReply => {
    const { code, message, cause } = toCoded(error);
    return { kind: 'failed', code, sentence: message, detail: cause instanceof Error ? cause.message : String(error) };
  });
  process.send!(reply, undefined, undefined, () => {
    if (request.kind === 'close') process.exit();
  });
});
