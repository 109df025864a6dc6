/**
 * Works that take turns: one after the other, in the order in which they were asked for, whether those before succeed or fail.
 */
export interface Turns {
  take<T>(work: () => T | Promise<T>): Promise<T>;
  /** Fulfilled when all that was asked for so far has ended. */
  ended(): Promise<unknown>;
}

export function makeTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return {
    take(work) {
      const turn = last.then(work);
      last = turn.catch(() => {});
      return turn;
    },
    ended: () => last,
  };
}
