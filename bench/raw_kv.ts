// Raw Deno KV on the same machine: Errand's figures are compared with these.

import { inLanes, type Measurement, withFile } from "./measure.ts";

/** One `kv.set` after the other, with `lanes` in flight. */
export function rawSets(count: number, lanes: number): Promise<Measurement> {
  return withFile(async (path) => {
    using kv = await Deno.openKv(path);
    const value = { text: "x".repeat(200) };
    const started = performance.now();
    await inLanes(count, lanes, async (i) => void await kv.set(["bench", i], value));
    const seconds = (performance.now() - started) / 1_000;
    return { name: `kv.set, ${lanes} in flight`, count, seconds };
  });
}

/** The native queue: enqueue and drain with a handler that does nothing. It stores no results. */
export function nativeQueue(count: number, lanes: number): Promise<Measurement> {
  return withFile(async (path) => {
    const kv = await Deno.openKv(path);
    let seen = 0;
    const drained = Promise.withResolvers<void>();
    const listening = kv.listenQueue(() => {
      if (++seen === count) drained.resolve();
    });
    const started = performance.now();
    await inLanes(count, lanes, async (i) => void await kv.enqueue({ a: i, b: 2 }));
    await drained.promise;
    const seconds = (performance.now() - started) / 1_000;
    kv.close();
    await listening.catch(() => {});
    return { name: "native KV queue, no-op handler", count, seconds };
  });
}
