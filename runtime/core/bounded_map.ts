// A map that keeps the entries that were set last.

/** The oldest entries go together: a Map passes over each hole that was left at its head. */
const SHARE_THAT_GOES = 0.25;

export class BoundedMap<K, V> extends Map<K, V> {
  /** @param most so many are always kept, and at times a quarter more */
  constructor(private readonly most: number) {
    super();
  }

  /** Also an entry that was there counts as new. */
  override set(key: K, value: V): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > this.most * (1 + SHARE_THAT_GOES)) this.#forgetOldest(this.size - this.most);
    return this;
  }

  #forgetOldest(count: number): void {
    let left = count;
    for (const key of this.keys()) {
      if (left-- === 0) return;
      this.delete(key);
    }
  }
}
