// A listener on a KV queue ends with its handle, but a moment later: a test that ends ahead of it leaks it.

import type { KvPort } from "../../runtime/platform/kv.ts";

/** Returns a promise to await after `kv.close()`. Must be called before anything listens. */
export function queueListenersOf({ writer }: Pick<KvPort, "writer">): () => Promise<unknown> {
  const listeners: Promise<void>[] = [];
  const listen = writer.listenQueue.bind(writer);
  writer.listenQueue = (handler) => {
    const listener = listen(handler);
    listeners.push(listener);
    return listener;
  };
  return () => Promise.allSettled(listeners);
}
