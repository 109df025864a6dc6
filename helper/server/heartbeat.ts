/**
 * Finds out that a peer is gone although its socket is not: pings it, and cuts the connection at the second ping that brought
 * nothing. Whatever the peer says counts as an answer.
 */
import type { WebSocket } from 'ws';

const MOST_MISSED = 2;

/** @param every milliseconds between pings. Returns what stops it. */
export function startHeartbeat(socket: WebSocket, every: number): () => void {
  let unanswered = 0;
  const answered = () => {
    unanswered = 0;
  };
  socket.on('pong', answered).on('message', answered);
  const timer = setInterval(() => {
    if (unanswered === MOST_MISSED) return socket.terminate();
    unanswered++;
    socket.ping();
  }, every);
  return () => clearInterval(timer);
}
