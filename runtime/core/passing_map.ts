// A map of what comes and goes. A Map of V8 leaves a copy of its table behind whenever it makes room, each
// copy points to the next one, and once one of them has become old, all that is in the younger ones counts as
// alive. So a Map that many values pass through keeps a good part of them until the next full garbage
// collection, with all that they refer to. Here a table has cells, and a cell is emptied when its value goes.

interface Cell<V> {
  value: V | undefined;
}

export class PassingMap<K, V> {
  readonly #cells = new Map<K, Cell<V>>();

  get size(): number {
    return this.#cells.size;
  }

  get(key: K): V | undefined {
    return this.#cells.get(key)?.value;
  }

  has(key: K): boolean {
    return this.#cells.has(key);
  }

  set(key: K, value: V): void {
    const cell = this.#cells.get(key);
    if (cell) cell.value = value;
    else this.#cells.set(key, { value });
  }

  delete(key: K): boolean {
    const cell = this.#cells.get(key);
    if (!cell) return false;
    cell.value = undefined;
    return this.#cells.delete(key);
  }

  keys(): MapIterator<K> {
    return this.#cells.keys();
  }

  *[Symbol.iterator](): Generator<[K, V]> {
    for (const [key, { value }] of this.#cells) yield [key, value!];
  }

  *values(): Generator<V> {
    for (const { value } of this.#cells.values()) yield value!;
  }
}
