import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { claimInstance, findInstance } from '../../../helper/server/instance.ts';

let folder = '';
let child: ChildProcess | null = null;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kf-instance-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  child = null;
  rmSync(folder, { recursive: true });
});

const note = () => path.join(folder, 'helper.json');
const write = (value: unknown) => writeFileSync(note(), JSON.stringify(value));

/** A process that listens and claims the folder; resolves to its port. */
async function startOther(): Promise<{ process: ChildProcess; port: number }> {
  const module = new URL('../../../helper/server/instance.js', import.meta.url).href;
  const script = `import { createServer } from 'node:net';
    import { claimInstance } from '${module}';
    const server = createServer().listen(0, '127.0.0.1', async () => {
      const { port } = server.address();
      await claimInstance(process.argv[1], port);
      console.log(port);
    });`;
  child = spawn(process.execPath, ['--input-type=module', '--eval', script, folder]);
  const [line] = await once(child.stdout!, 'data');
  return { process: child, port: Number(line) };
}

test('a helper that runs is found and keeps the folder; once it was killed another takes over', async () => {
  const other = await startOther();
  assert.deepEqual(await findInstance(folder), { pid: other.process.pid, port: other.port });
  await assert.rejects(claimInstance(folder, 1), {
    code: 'HELPER_RUNNING',
    message: `A helper is already running, on port ${other.port}.`,
  });

  other.process.kill('SIGKILL');
  await once(other.process, 'close');
  assert.ok(existsSync(note()), 'the killed one could not clean up');
  assert.equal(await findInstance(folder), null);
  const release = await claimInstance(folder, 12345);
  await release();
  assert.ok(!existsSync(note()));
});

test('a process number that belongs to somebody else by now does not count: its port is silent', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  write({ pid: process.ppid, port });
  assert.deepEqual(await findInstance(folder), { pid: process.ppid, port });
  server.close();
  await once(server, 'close');
  assert.equal(await findInstance(folder), null);
});

test('a note that is damaged, or our own from before a restart, is none', async () => {
  for (const value of [{}, { pid: 0, port: 80 }, { pid: -1, port: 80 }, { pid: process.pid, port: 1 }, 'x']) {
    write(value);
    assert.equal(await findInstance(folder), null);
  }
  writeFileSync(note(), '{"pid": 12');
  assert.equal(await findInstance(folder), null);
  await (await claimInstance(folder, 1))();
});
