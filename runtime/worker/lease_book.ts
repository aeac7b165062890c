// Which of its lease blocks a worker still needs: a block is used up once every one of its tasks is settled.
// A block that stays behind in KV does no harm: whoever reads it asks the records. One that goes too early does: so a
// task counts for its block alone. It may stand in several, if it was claimed, taken away, and claimed again.

export class LeaseBook {
  readonly #open = new Map<string, Set<string>>();
  #usedUp: string[] = [];

  /** A claim was committed. */
  open(block: string, ids: string[]): void {
    if (ids.length > 0) this.#open.set(block, new Set(ids));
    else this.#usedUp.push(block);
  }

  /** The task is settled, or no longer this worker's by this block. */
  close(block: string, id: string): void {
    const left = this.#open.get(block);
    if (!left?.delete(id) || left.size > 0) return;
    this.#open.delete(block);
    this.#usedUp.push(block);
  }

  /** A task of it could not be settled: it stays in KV, and whoever finds it there looks after it. */
  lose(block: string): void {
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
