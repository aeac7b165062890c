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
    let checks = 0, mutations = 0, bytes = 0, count = 0;
    for (const { item: { cost } } of this.#waiting) {
      checks += cost.checks;
      mutations += cost.mutations;
      bytes += cost.bytes;
      for (const name of cost.shared) shared.add(name);
      const over = checks + shared.size > this.limits.checks || mutations > this.limits.mutations ||
        bytes > this.limits.bytes;
      if (over && count > 0) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
