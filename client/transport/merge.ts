/** The values of several sources, as they come. Leaving the loop, or an error of one, ends them all. */
export async function* merged<T>(sources: AsyncGenerator<T>[]): AsyncGenerator<T> {
  if (sources.length === 1) return yield* sources[0];
  const next = (source: AsyncGenerator<T>) => source.next().then((step) => ({ source, step }));
  const waiting = new Map(sources.map((source) => [source, next(source)]));
  try {
    while (waiting.size > 0) {
      const { source, step } = await Promise.race(waiting.values());
      if (step.done) {
        waiting.delete(source);
      } else {
        yield step.value;
        waiting.set(source, next(source));
      }
    }
  } finally {
    // A source that waits for its next value ends after that; its signal wakes it.
    for (const [source, step] of waiting) {
      step.catch(() => {});
      source.return(undefined).catch(() => {});
    }
  }
}
