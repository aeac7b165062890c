// Values that many commits change, as this process last wrote them. A commit need not read them first: it
// checks that no other process has written since.

import { BoundedMap } from "../core/bounded_map.ts";
import type { KvPort, Write } from "../platform/kv.ts";

export interface Merged {
  checks: Deno.AtomicCheck[];
  writes: Write[];
  /** Must be called when the commit is applied. */
  applied(versionstamp: string): void;
}

export interface Known<T> {
  value: T;
  versionstamp: string;
}

export class VersionCache<T> {
  readonly #known: BoundedMap<string, Known<T>>;

  constructor(
    private readonly kv: KvPort,
    private readonly keyOf: (id: string) => Deno.KvKey,
    most: number,
  ) {
    this.#known = new BoundedMap(most);
  }

  async load(ids: string[]): Promise<Map<string, Known<T>>> {
    const loaded = new Map<string, Known<T>>();
    for (const id of ids) {
      const known = this.#known.get(id);
      if (known) loaded.set(id, known);
    }
    // Known values are taken before the read: they may be forgotten during it.
    const missing = ids.filter((id) => !loaded.has(id));
    const found = missing.length > 0 ? await this.kv.getMany<T>(missing.map(this.keyOf)) : [];
    found.forEach(({ value, versionstamp }, i) => {
      if (value !== null) loaded.set(missing[i], { value, versionstamp: versionstamp! });
    });
    return loaded;
  }

  get(id: string): Known<T> | undefined {
    return this.#known.get(id);
  }

  remember(id: string, known: Known<T>): void {
    this.#known.set(id, known);
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  /** Forgets everything: a commit has failed, so another process may have written. */
  distrust(): void {
    this.#known.clear();
  }
}
