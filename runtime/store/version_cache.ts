// Values that many commits change, as this process last wrote them: so a commit need not read them first. The commit
// checks that nobody else has written since.

import type { KvPort, Write } from "../platform/kv.ts";

/** What a commit adds for all of its units together. */
export interface Merged {
  checks: Deno.AtomicCheck[];
  writes: Write[];
  /** To be called when the commit was applied. */
  applied(versionstamp: string): void;
}

export interface Known<T> {
  value: T;
  versionstamp: string;
}

export class VersionCache<T> {
  readonly #known = new Map<string, Known<T>>();

  constructor(
    private readonly kv: KvPort,
    private readonly keyOf: (id: string) => Deno.KvKey,
    private readonly most: number,
  ) {}

  /** Those that are there. */
  async load(ids: string[]): Promise<Map<string, Known<T>>> {
    const loaded = new Map<string, Known<T>>();
    for (const id of ids) {
      const known = this.#known.get(id);
      if (known) loaded.set(id, known);
    }
    // What is known is taken before anything is waited for: meanwhile it may be forgotten.
    const missing = ids.filter((id) => !loaded.has(id));
    const found = missing.length > 0 ? await this.kv.getMany<T>(missing.map(this.keyOf)) : [];
    found.forEach(({ value, versionstamp }, i) => {
      if (value !== null) loaded.set(missing[i], { value, versionstamp: versionstamp! });
    });
    return loaded;
  }

  /** As this process last wrote it, if it is remembered. */
  get(id: string): Known<T> | undefined {
    return this.#known.get(id);
  }

  remember(id: string, known: Known<T>): void {
    this.#known.delete(id);
    this.#known.set(id, known);
    if (this.#known.size > this.most) this.#known.delete(this.#known.keys().next().value!);
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  /** Forgets everything: a commit failed, so somebody else may have written. */
  distrust(): void {
    this.#known.clear();
  }
}
