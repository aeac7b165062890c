// Which of its lease blocks a worker still needs: a block is used up once every one of its tasks is settled.
// A block that stays behind in KV does no harm: whoever reads it asks the records.

export class LeaseBook {
  readonly #open = new Map<string, Set<string>>();
  readonly #blockOf = new Map<string, string>();
  #usedUp: string[] = [];

  /** A claim was committed. */
  open(block: string, ids: string[]): void {
    this.#open.set(block, new Set(ids));
    for (const id of ids) this.#blockOf.set(id, block);
  }

  /** The task is settled, or no longer this worker's. */
  close(id: string): void {
    const block = this.#blockOf.get(id);
    if (block === undefined) return;
    this.#blockOf.delete(id);
    const left = this.#open.get(block);
    left?.delete(id);
    if (!left || left.size > 0) return;
    this.#open.delete(block);
    this.#usedUp.push(block);
  }

  /** It could not be settled: its block stays in KV, and whoever finds it there looks after it. */
  lose(id: string): void {
    const block = this.#blockOf.get(id);
    if (block === undefined) return;
    this.#blockOf.delete(id);
    // Without the others' names it is never used up.
    this.#open.delete(block);
  }

  holds(block: string): boolean {
    return this.#open.has(block);
  }

  /** Blocks to be deleted, each once, `most` at a time. */
  takeUsedUp(most = Infinity): string[] {
    return this.#usedUp.splice(0, most);
  }
}
