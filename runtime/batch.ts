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

  /** Rejects with a RangeError what can never fit one commit. */
  add(item: Item): Promise<Outcome> {
    if (isOver(item.cost, item.cost.shared.length, this.limits)) {
      return Promise.reject(new RangeError("this is more than one commit takes"));
    }
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
    const load = new Load();
    let count = 0;
    for (const { item: { cost } } of this.#waiting) {
      if (load.owns(cost)) break;
      load.add(cost);
      if (count > 0 && load.exceeds(this.limits)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

/** What a commit holds so far. */
export class Load implements Omit<Cost, "shared" | "owns"> {
  checks = 0;
  mutations = 0;
  bytes = 0;
  keyBytes = 0;
  readonly #shared = new Set<string>();
  readonly #owned = new Set<string>();

  add({ checks, shared, mutations, bytes, keyBytes, owns }: Cost): void {
    this.checks += checks;
    this.mutations += mutations;
    this.bytes += bytes;
    this.keyBytes += keyBytes;
    for (const name of shared) this.#shared.add(name);
    for (const id of owns) this.#owned.add(id);
  }

  /** True if it changes one of these records already. */
  owns(cost: Cost): boolean {
    return cost.owns.some((id) => this.#owned.has(id));
  }

  exceeds(limits: KvLimits): boolean {
    return isOver(this, this.#shared.size, limits);
  }
}

function isOver(load: Omit<Cost, "shared" | "owns">, shared: number, limits: KvLimits): boolean {
  return load.checks + shared > limits.checks || load.mutations > limits.mutations ||
    load.bytes > limits.bytes || load.keyBytes > limits.keyBytes;
}
