// Group commit: while one commit is under way, the next one fills with whatever arrives. A commit
// costs nearly the same for one task as for fifty (PLATFORM.md A7), so this is where throughput comes from,
// and an idle system still commits at once.

import type { KvLimits } from "./kv.ts";

export interface Cost {
  checks: number;
  /** Checks that a commit needs once, however many of its items name them. */
  shared: string[];
  mutations: number;
  bytes: number;
  /** Bytes of the keys, which have a limit of their own. */
  keyBytes: number;
  /** Records that it changes. Two steps of one record never share a commit: both would pass its check. */
  owns: string[];
}

interface Waiting<Item, Outcome> {
  item: Item;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

export class GroupCommit<Item extends { cost: Cost }, Outcome> {
  #waiting: Waiting<Item, Outcome>[] = [];
  #running: Promise<void> | null = null;

  /** @param run commits a batch and returns one outcome for each item, in order. */
  constructor(
    private readonly run: (items: Item[]) => Promise<Outcome[]>,
    private readonly limits: KvLimits,
  ) {}

  get depth(): number {
    return this.#waiting.length;
  }

  add(item: Item): Promise<Outcome> {
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
    });
    this.#running ??= this.#drain();
    return outcome;
  }

  /** Resolves once everything added so far is committed. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #drain(): Promise<void> {
    // One turn of the microtask queue: what the caller adds in the same breath goes into the first commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const outcomes = await this.run(batch.map((waiting) => waiting.item));
        batch.forEach((waiting, i) => waiting.resolve(outcomes[i]));
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
      }
    }
    this.#running = null;
  }

  #take(): Waiting<Item, Outcome>[] {
    const shared = new Set<string>();
    const owned = new Set<string>();
    let checks = 0, mutations = 0, bytes = 0, keyBytes = 0, count = 0;
    for (const { item: { cost } } of this.#waiting) {
      checks += cost.checks;
      mutations += cost.mutations;
      bytes += cost.bytes;
      keyBytes += cost.keyBytes;
      for (const name of cost.shared) shared.add(name);
      const { limits } = this;
      const over = checks + shared.size > limits.checks || mutations > limits.mutations ||
        bytes > limits.bytes || keyBytes > limits.keyBytes;
      if (count > 0 && (over || cost.owns.some((id) => owned.has(id)))) break;
      for (const id of cost.owns) owned.add(id);
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
