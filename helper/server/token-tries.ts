/**
 * Wrong tokens. Nobody guesses 256 bits, but whoever tries and tries costs a look at every pairing's file and a line of the log
 * each time. So after five wrong ones in a minute the answer to further ones comes late, and while many wait for theirs no token
 * is looked at. The right token is let in at once: nobody can keep a panel out for longer than he goes on asking.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { createLimit } from './limit.ts';

const FREE_TRIES = 5;
const MINUTE = 60_000;
/** Milliseconds. */
const LATE = 1000;
/** Of all the sockets there may be (http-server.ts), those that tokens to be judged may hold. */
const MOST_PENDING = 16;

export type TokenVerdict<Known> =
  | { readonly kind: 'known'; readonly known: Known }
  /** `late`: one of many, not worth a line in the log. */
  | { readonly kind: 'wrong'; readonly late: boolean }
  /** Not looked at. */
  | { readonly kind: 'busy' };

export type JudgeToken = <Known>(look: () => Promise<Known | null>) => Promise<TokenVerdict<Known>>;

/** One for all connections. `look` finds whom a token belongs to; what it throws is thrown. */
export function createTokenTries(late = LATE, steady: () => number = () => performance.now()): JudgeToken {
  const isFree = createLimit(FREE_TRIES, MINUTE, steady);
  let pending = 0;
  return async (look) => {
    if (pending >= MOST_PENDING) return { kind: 'busy' };
    pending++;
    try {
      const known = await look();
      if (known !== null) return { kind: 'known', known };
      if (isFree()) return { kind: 'wrong', late: false };
      await wait(late);
      return { kind: 'wrong', late: true };
    } finally {
      pending--;
    }
  };
}
