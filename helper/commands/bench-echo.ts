/**
 * What `bench server` compares the helper with: a server of the same WebSocket library, as it comes, that sends back whatever it
 * gets. A process of its own, as the helper is; it tells its port to the one that started it, and ends with it.
 */
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('connection', (socket) => {
  socket.on('message', (data) => socket.send(data));
});
server.on('listening', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
