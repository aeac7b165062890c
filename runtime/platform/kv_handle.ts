// The part of `Deno.Kv` that the runtime uses.

export interface Kv
  extends Pick<Deno.Kv, "get" | "getMany" | "set" | "delete" | "atomic" | "enqueue" | "listenQueue"> {
  list<T>(selector: Deno.KvListSelector, options?: Deno.KvListOptions): AsyncIterable<Deno.KvEntry<T>>;
  close(): void | Promise<void>;
}
