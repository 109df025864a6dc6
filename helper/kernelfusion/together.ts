/** Works that do not wait for each other. */

/**
 * The results of works that do not wait for each other, in their order. Where one fails the others are cancelled, and what it threw is
 * thrown when they have ended, too: nothing of them is left behind.
 */
export async function together<T extends readonly unknown[]>(
  works: { readonly [K in keyof T]: (signal: AbortSignal) => Promise<T[K]> },
  signal?: AbortSignal,
): Promise<T> {
  const failing = new AbortController();
  const either = signal ? AbortSignal.any([signal, failing.signal]) : failing.signal;
  let failure: { readonly error: unknown } | null = null;
  const results = await Promise.allSettled(
    works.map(async (work) => {
      try {
        return await work(either);
      } catch (error) {
        failure ??= { error };
        failing.abort();
        throw error;
      }
    }),
  );
  if (failure) throw (failure as { readonly error: unknown }).error;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
