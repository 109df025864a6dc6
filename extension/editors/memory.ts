/**
 * What an editor's file has to know again later, kept in the page: every panel that connects brings an adapter of its own, and
 * a panel may be closed between reading a layer and inserting its result. It is gone when the page is loaded anew.
 */

/** What is kept in the page under a name; made by `make` when it is asked for the first time. */
export function kept<T extends object>(page: object, name: string, make: () => T): T {
  const store = page as Record<symbol, T | undefined>;
  const key = Symbol.for(`kernelfusion.${name}`);
  store[key] ??= make();
  return store[key];
}
