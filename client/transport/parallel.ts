/** Calls at the same time: as many as a browser has connections to one host. */
const AT_ONCE = 6;

/** What `call` makes of each, in order, with a few calls under way at a time. */
export async function inParallel<T, R>(list: readonly T[], call: (each: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    while (next < list.length) {
      const at = next++;
      results[at] = await call(list[at]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, list.length) }, work));
  return results;
}
