/**
 * Where the helper listens. Only ever on this computer's own address: there is no setting for another.
 */

/** Below the ports systems hand out by themselves, and not registered for anything else. */
export const DEFAULT_PORT = 21907;

/** The only path that leads to a socket. */
export const SOCKET_PATH = '/panel';

/** The numeric address: `localhost` may lead to ::1, where the helper does not listen. */
export const socketUrl = (port: number): string => `ws://127.0.0.1:${port}${SOCKET_PATH}`;
