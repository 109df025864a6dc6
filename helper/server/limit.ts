/** Bounds how often something happens: says yes at most `most` times in any `span` of `now`; being told no does not count. */
export function createLimit(most: number, span: number, now: () => number): () => boolean {
  let taken: number[] = [];
  return () => {
    const time = now();
    taken = taken.filter((earlier) => time - earlier < span);
    if (taken.length >= most) return false;
    taken.push(time);
    return true;
  };
}
