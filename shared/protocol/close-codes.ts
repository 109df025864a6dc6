/**
 * Why a socket was closed: the codes of RFC 6455 that are used, and those of the range it leaves to applications (4000-4999).
 * Wherever the other side can still be talked to, an `error` with a sentence goes before.
 */
export const CLOSE_CODES = {
  /** The helper is stopping; jobs go on when it is started again. */
  GOING_AWAY: 1001,
  /** A mistake of the helper's. */
  INTERNAL: 1011,
  /** A message or frame was no part of the protocol. */
  BAD_MESSAGE: 4400,
  /** No `hello` came in time. */
  NO_HELLO: 4401,
  /** A connection that may only pair did not do so in time. */
  NO_PAIRING: 4402,
  /** The panel's token was revoked while it was connected. */
  REVOKED: 4403,
  /** One side has to be updated. */
  OUTDATED: 4406,
  /** Nothing was said for long, and no job was waited for. */
  IDLE: 4408,
} as const;
