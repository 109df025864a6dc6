/**
 * No connection to anywhere during a job: line 17 of the list of attacks the helper was designed against. One job of the real
 * method is watched in three ways, each of which sees what others cannot:
 *
 *   a trap in Node      every call that would connect or ask a name server, in helper, worker and thread; no native code
 *   strace              every system call of every process and thread, native libraries included; Linux, where installed
 *   /proc               which sockets there are, looked at again and again; what comes and goes in between escapes it
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectPanel } from '../../helper/commands/bench-panel.ts';
import { directories, panelsFolder } from '../../helper/server/directories.ts';
import { openTokenStore } from '../../helper/server/token-store.ts';
import { EXTENSION_ID } from '../../shared/extension-id.ts';
import { noise } from '../helper/cli-process.ts';
import { childrenOf, noProc } from '../support/processes.ts';

const ORIGIN = `chrome-extension://${EXTENSION_ID}`;
const cli = fileURLToPath(new URL('../../helper/cli.js', import.meta.url));
const networkTrap = new URL('../support/network-trap.js', import.meta.url).href;

/** What a process asks the system about sockets. */
const CALLS = 'trace=socket,connect,bind,sendto,sendmsg,sendmmsg';
const canTrace = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', 'true']).status === 0;
const needsStrace = { skip: canTrace ? false : 'strace is not here, or may not watch processes' };

let home = '';
const file = (name: string) => path.join(home, name);
const linesOf = (name: string) => readFileSync(file(name), 'utf8').trim().split('\n');

/** A Node program that is watched: by the trap, and by strace where there is one. */
function watched(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const tracer = canTrace ? ['strace', '-f', '-qq', '-e', CALLS, '-o', file(`${name}.strace`)] : [];
  const [program, ...rest] = [...tracer, process.execPath, ...args];
  return spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env, NODE_OPTIONS: `--import ${networkTrap}`, NETWORK_TRAP: file(`${name}.trap`) },
  });
}

interface Socket {
  readonly pid: number;
  readonly kind: string;
  /** Address and port in hexadecimal, as /proc/net has them. */
  readonly local: string;
}

/** All sockets of the internet families that some processes hold (proc(5)). */
function socketsOf(pids: readonly number[]): Socket[] {
  return pids.flatMap((pid) => {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return ''; // Closed meanwhile.
      }
    });
    return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((kind) => {
      const rows = existsSync(`/proc/${pid}/net/${kind}`) ? readFileSync(`/proc/${pid}/net/${kind}`, 'utf8') : '';
      const columns = rows.split('\n').map((row) => row.trim().split(/\s+/));
      const own = columns.filter((column) => links.includes(`socket:[${column[9]}]`));
      return own.map((column) => ({ pid, kind, local: column[1] }));
    });
  });
}

/** What was seen of the job. */
let port = 0;
let computedPhases: string[] = [];
const seen: Socket[] = [];
const pids = new Set<number>();

before(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'kf-quiet-'));
  const places = directories({ KERNELFUSION_HOME: home });
  const secrets = await openTokenStore(panelsFolder(places)).add(ORIGIN);
  const serve = ['serve', '--port', '0', '--no-code', '--log-level', 'silent'];
  const program = watched('job', [cli, ...serve], { KERNELFUSION_HOME: home });
  const ended = once(program, 'exit');
  try {
    const [said] = await Promise.race([once(program.stdout, 'data'), ended]);
    port = Number(/port (\d+)/.exec(String(said))?.[1]);
    const panel = await connectPanel({ port, origin: ORIGIN, ...secrets });
    const layer = { width: 16, height: 16, channels: 4, depth: 8 } as const;
    const { job } = await panel.ask('started', { type: 'start', layer, options: { kernelSide: 6 } });
    await panel.upload(job, noise(4 * 16 * 16));
    await panel.ask('job', { type: 'uploaded', job });
    const phases = new Set<string>();
    let words = 0;
    await panel.until(() => {
      const { status, progress } = panel.told(job);
      if (progress) phases.add(progress.phase);
      // There are dozens of words a second.
      if (!noProc() && words++ % 20 === 0) {
        const helper = canTrace ? childrenOf(program.pid!)[0] : program.pid!;
        const all = [helper, ...childrenOf(helper)];
        for (const pid of all) pids.add(pid);
        seen.push(...socketsOf(all));
      }
      return status?.state === 'done' || status?.state === 'failed';
    });
    assert.equal(panel.told(job).status?.state, 'done', panel.told(job).status?.error?.sentence);
    computedPhases = [...phases];
    await panel.download(job, new Uint8Array(4 * 32 * 32));
    await panel.close();
    process.kill(canTrace ? childrenOf(program.pid!)[0] : program.pid!, 'SIGTERM');
    await ended;
  } finally {
    program.kill('SIGKILL');
  }
});
after(() => rmSync(home, { recursive: true }));

test('17: neither helper nor worker nor thread calls anything of Node that connects or asks for a name', () => {
  const lines = linesOf('job.trap');
  const set = lines.filter((line) => line.endsWith(' set')).map((line) => line.split(' '));
  assert.ok(new Set(set.map(([pid]) => pid)).size >= 2, 'the trap was set in helper and worker');
  assert.ok(
    set.some(([, thread]) => thread !== '0'),
    'and in the thread that runs the engine',
  );
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' set')),
    [],
  );
  assert.ok(computedPhases.includes('prior') && computedPhases.includes('image'), computedPhases.join());
});

test(
  '17: of all system calls of all processes one makes a socket of the internet: that which listens',
  needsStrace,
  () => {
    const lines = linesOf('job.strace').filter((line) => /AF_INET|sin6?_addr/.test(line));
    const calls = lines.map((line) => line.replace(/^\d+ +/, ''));
    assert.deepEqual(
      calls.map((call) => call.slice(0, call.indexOf('('))),
      ['socket', 'bind'],
      lines.join('\n'),
    );
    assert.match(calls[0], /^socket\(AF_INET, SOCK_STREAM/);
    assert.match(calls[1], /sin_addr=inet_addr\("127\.0\.0\.1"\)/);
  },
);

test('17: whenever they were looked at, all sockets were on the one port of 127.0.0.1', { skip: noProc() }, () => {
  assert.ok(pids.size >= 2, 'helper and worker were looked at');
  assert.ok(seen.length > 0);
  // Of the address the least significant byte comes first on most processors.
  const own = [`0100007F:${hex(port)}`, `7F000001:${hex(port)}`];
  assert.deepEqual(
    seen.filter(({ kind, local }) => kind !== 'tcp' || !own.includes(local)),
    [],
  );
});

const hex = (value: number) => value.toString(16).toUpperCase().padStart(4, '0');

test('the trap and strace do see a program that connects', async () => {
  // To a port of this computer where nobody is; of names and addresses elsewhere the trap lets nothing through.
  const program = `
    const tried = async (what) => { try { await what() } catch {} };
    await tried(() => fetch('http://kernelfusion.invalid/'));
    await tried(async () => (await import('node:net')).connect(1, '127.0.0.1'));
    await tried(async () => (await import('node:dns')).promises.lookup('kernelfusion.invalid'));
    await tried(async () => (await import('node:dgram')).createSocket('udp4').send('x', 1, '127.0.0.1'));
    const { TCP, constants, TCPConnectWrap } = process.binding('tcp_wrap');
    new TCP(constants.SOCKET).connect(new TCPConnectWrap(), '127.0.0.1', 1);
    setTimeout(() => process.exit(), 50);`;
  const child = watched('control', ['--no-deprecation', '--input-type=module', '--eval', program]);
  await once(child, 'exit');
  const called = linesOf('control.trap').map((line) => line.split(' ').at(-1));
  assert.deepEqual(new Set(called), new Set(['set', 'net.Socket.connect', 'dns.promises.lookup', 'dgram.Socket.send']));
  if (canTrace) assert.match(readFileSync(file('control.strace'), 'utf8'), /connect\(.*AF_INET.*127\.0\.0\.1/);
});
