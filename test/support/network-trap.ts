/**
 * Loaded before a program (`node --import`), in each of its processes and threads: whatever would lead out of the process by way
 * of Node fails, and is written to the file that NETWORK_TRAP names, as is where the trap was set. Native code can pass it by.
 */
import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { threadId } from 'node:worker_threads';

const note = (what: string) => appendFileSync(process.env.NETWORK_TRAP!, `${process.pid} ${threadId} ${what}\n`);

/** Makes functions of an object fail when they are called. */
function trap(name: string, place: object, wanted: (key: string) => boolean): void {
  for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(place))) {
    if (typeof value !== 'function' || !wanted(key)) continue;
    Reflect.set(place, key, function (this: unknown, ...args: unknown[]) {
      // "listen" has even an address looked up, which asks nobody.
      if (key === 'lookup' && net.isIP(String(args[0]))) return value.apply(this, args);
      note(`called ${name}.${key}`);
      throw new Error(`${name}.${key} was called`);
    });
  }
}

const isQuestion = (key: string) => /^(lookup|resolve|reverse)/.test(key);
// Everything of Node that connects (http, https, tls, fetch) does so by a socket's `connect`.
trap('net.Socket', net.Socket.prototype, (key) => key === 'connect');
trap('dgram.Socket', dgram.Socket.prototype, (key) => key === 'connect' || key === 'send');
trap('dns', dns, isQuestion);
trap('dns.promises', dns.promises, isQuestion);
trap('dns.Resolver', dns.Resolver.prototype, isQuestion);
syncBuiltinESMExports();
note('set');
