/** Works that do not wait for each other. Where one fails the others are cancelled, and what it threw is thrown when all have ended. */

/** What may be cancelled. */
export type Work<T> = (signal: AbortSignal) => Promise<T>;

/** All at once; their results in their order. */
export async function together<T extends readonly unknown[]>(
  works: { readonly [K in keyof T]: Work<T[K]> },
  signal?: AbortSignal,
): Promise<T> {
  const results: unknown[] = [];
  await inOrder<unknown>(works, works.length, (result) => results.push(result), signal);
  return results as unknown as T;
}

/** At most so many at once. `take` gets their results in the order of the works; a work is only asked for when it begins. */
export async function inOrder<T>(
  works: Iterable<Work<T>>,
  most: number,
  take: (result: T) => void,
  signal?: AbortSignal,
): Promise<void> {
  const failing = new AbortController();
  const either = signal ? AbortSignal.any([signal, failing.signal]) : failing.signal;
  let failure: { readonly error: unknown } | null = null;
  const begin = async (work: Work<T>) => {
    try {
      return await work(either);
    } catch (error) {
      failure ??= { error };
      failing.abort();
      throw error;
    }
  };
  const underWay: Promise<T>[] = [];
  const takeFirst = async () => take(await underWay.shift()!);
  try {
    for (const work of works) {
      if (underWay.length === most) await takeFirst();
      const result = begin(work);
      // It is waited for later on.
      result.catch(() => {});
      underWay.push(result);
    }
    while (underWay.length > 0) await takeFirst();
  } catch (error) {
    failing.abort();
    await Promise.allSettled(underWay);
    throw (failure as { readonly error: unknown } | null)?.error ?? error;
  }
}
