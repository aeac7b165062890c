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
  /** What was not there at the last read. */
  readonly #absent: BoundedMap<string, true>;

  /** @param mostAbsent of so many it is known that they are not there. Commits must check that, too. */
  constructor(
    private readonly kv: KvPort,
    private readonly keyOf: (id: string) => Deno.KvKey,
    most: number,
    private readonly mostAbsent = 0,
  ) {
    this.#known = new BoundedMap(most);
    this.#absent = new BoundedMap(mostAbsent);
  }

  async load(ids: string[]): Promise<Map<string, Known<T>>> {
    const loaded = new Map<string, Known<T>>();
    for (const id of ids) {
      const known = this.#known.get(id);
      if (known) loaded.set(id, known);
    }
    // Known values are taken before the read: they may be forgotten during it.
    const missing = ids.filter((id) => !loaded.has(id) && !this.#absent.has(id));
    const found = missing.length > 0 ? await this.kv.getMany<T>(missing.map(this.keyOf)) : [];
    found.forEach(({ value, versionstamp }, i) => {
      if (value !== null) loaded.set(missing[i], { value, versionstamp: versionstamp! });
      else if (this.mostAbsent > 0) this.#absent.set(missing[i], true);
    });
    return loaded;
  }

  get(id: string): Known<T> | undefined {
    return this.#known.get(id);
  }

  remember(id: string, known: Known<T>): void {
    this.#known.set(id, known);
    this.#absent.delete(id);
  }

  forget(id: string): void {
    this.#known.delete(id);
    this.#absent.delete(id);
  }

  /** Forgets everything: a commit has failed, so another process may have written. */
  distrust(): void {
    this.#known.clear();
    this.#absent.clear();
  }
}
