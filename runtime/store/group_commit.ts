// Group commit: while one commit is under way, the next one fills with the units that arrive. A commit costs
// nearly the same for one task as for fifty, and an idle system still commits at once
// (docs/decisions/0004-group-commit.md). Where commits go to a server, several are under way at once; each
// beside the first one leaves when it is full.

import type { KvLimits } from "../platform/kv.ts";

/** The shared check of new records. Commits that are under way together may each have it. */
export const FRESH = "fresh";

export interface Cost {
  checks: number;
  /** Counters that the commit steps once for all of its units. */
  shared: string[];
  mutations: number;
  bytes: number;
  keyBytes: number;
  listed: ListedId[];
  /** Records that it changes: two changes of one record in a commit would both pass its check. */
  owns: string[];
}

/** An id that the commit writes into a block of ids: one key for so many of a list. */
export interface ListedId {
  list: string;
  perBlock: number;
}

/** The keys of a shared counter: the counter, an outbox entry and a timer. */
const SHARED = { mutations: 3, bytes: 1_500, keyBytes: 180 };
/** The key of a block; its ids are in the bytes of the unit. */
const BLOCK = { mutations: 1, bytes: 320, keyBytes: 128 };

interface Waiting<Item, Outcome> {
  item: Item;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

export class GroupCommit<Item extends { cost: Cost }, Outcome> {
  #waiting: Waiting<Item, Outcome>[] = [];
  /** What the commits under way own or share: no other commit may have it at the same time. */
  readonly #held = new Set<string>();
  readonly #flights = new Set<Promise<void>>();
  #starting = false;
  /** There was no full commit at the last look: the next look comes when so many wait. */
  #lookAgainAt = 0;

  /** @param run returns one outcome for each item, in order */
  constructor(
    private readonly run: (items: Item[]) => Promise<Outcome[]>,
    private readonly limits: KvLimits,
  ) {}

  /** Rejects with a RangeError if one commit cannot take the item. */
  add(item: Item): Promise<Outcome> {
    if (!surelyFits(item.cost, this.limits) && loadOf(item.cost).exceeds(this.limits)) {
      return Promise.reject(new RangeError("this is more than one commit takes"));
    }
    const outcome = new Promise<Outcome>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
    });
    if (!this.#starting) {
      this.#starting = true;
      // One turn of the microtask queue: items that a caller adds one after the other share the first commit.
      Promise.resolve().then(() => {
        this.#starting = false;
        this.#start();
      });
    }
    return outcome;
  }

  async idle(): Promise<void> {
    while (this.#starting || this.#flights.size > 0) {
      await (this.#flights.size > 0 ? Promise.race(this.#flights) : Promise.resolve());
    }
  }

  #start(): void {
    while (this.#waiting.length > 0 && this.#flights.size < this.limits.flights) {
      const isFirst = this.#flights.size === 0;
      if (!isFirst && this.#waiting.length < this.#lookAgainAt) return;
      const { batch, left, isFull } = this.#take();
      if (batch.length === 0 || !isFirst && !isFull) {
        this.#lookAgainAt = this.#waiting.length + this.limits.checks;
        return;
      }
      this.#waiting = left;
      this.#fly(batch);
    }
  }

  #fly(batch: Waiting<Item, Outcome>[]): void {
    const names = this.limits.flights > 1 ? batch.flatMap(({ item }) => namesOf(item.cost)) : [];
    for (const name of names) this.#held.add(name);
    const flight = this.#commit(batch).then(() => {
      for (const name of names) this.#held.delete(name);
      this.#flights.delete(flight);
      this.#lookAgainAt = 0;
      this.#start();
    });
    this.#flights.add(flight);
  }

  async #commit(batch: Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, i) => resolve(outcomes[i]));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Changes of one record stay in their order. */
  #take(): { batch: Waiting<Item, Outcome>[]; left: Waiting<Item, Outcome>[]; isFull: boolean } {
    const load = new Load();
    const batch: Waiting<Item, Outcome>[] = [];
    const passed: Waiting<Item, Outcome>[] = [];
    const passedOwns = new Set<string>();
    for (let i = 0; i < this.#waiting.length; i++) {
      const waiting = this.#waiting[i];
      const { cost } = waiting.item;
      const isHeld = this.#held.size > 0 && namesOf(cost).some((name) => this.#held.has(name));
      if (isHeld || load.owns(cost) || cost.owns.some((id) => passedOwns.has(id))) {
        passed.push(waiting);
        for (const id of cost.owns) passedOwns.add(id);
        continue;
      }
      load.add(cost);
      if (batch.length > 0 && load.exceeds(this.limits)) {
        return { batch, left: [...passed, ...this.#waiting.slice(i)], isFull: true };
      }
      batch.push(waiting);
    }
    return { batch, left: passed, isFull: false };
  }
}

/** Counted from above, without the sets of a load: nearly every item is far from every limit. */
function surelyFits({ checks, shared, mutations, bytes, keyBytes, listed }: Cost, limits: KvLimits): boolean {
  const [counters, blocks] = [shared.length, listed.length];
  const sum = (own: number, counter: number, block: number) => own + counters * counter + blocks * block;
  return sum(checks, 1, 0) <= limits.checks &&
    sum(mutations, SHARED.mutations, BLOCK.mutations) <= limits.mutations &&
    sum(bytes, SHARED.bytes, BLOCK.bytes) <= limits.bytes &&
    sum(keyBytes, SHARED.keyBytes, BLOCK.keyBytes) <= limits.keyBytes;
}

function namesOf({ owns, shared }: Cost): string[] {
  return [...owns, ...shared.filter((name) => name !== FRESH)];
}

/** The sum of costs. */
export class Load {
  checks = 0;
  mutations = 0;
  bytes = 0;
  keyBytes = 0;
  readonly #shared = new Set<string>();
  readonly #owned = new Set<string>();
  /** How many ids of each list there are. */
  readonly #listed = new Map<string, number>();

  add(cost: Cost): void {
    this.checks += cost.checks;
    this.#addWrites(cost);
    for (const name of cost.shared) {
      if (this.#shared.has(name)) continue;
      this.#shared.add(name);
      this.checks++;
      if (name !== FRESH) this.#addWrites(SHARED);
    }
    for (const { list, perBlock } of cost.listed) {
      const count = this.#listed.get(list) ?? 0;
      if (count % perBlock === 0) this.#addWrites(BLOCK);
      this.#listed.set(list, count + 1);
    }
    for (const id of cost.owns) this.#owned.add(id);
  }

  #addWrites({ mutations, bytes, keyBytes }: Pick<Cost, "mutations" | "bytes" | "keyBytes">): void {
    this.mutations += mutations;
    this.bytes += bytes;
    this.keyBytes += keyBytes;
  }

  owns(cost: Cost): boolean {
    return cost.owns.some((id) => this.#owned.has(id));
  }

  exceeds(limits: KvLimits): boolean {
    return this.checks > limits.checks || this.mutations > limits.mutations || this.bytes > limits.bytes ||
      this.keyBytes > limits.keyBytes;
  }
}

export function loadOf(...costs: Cost[]): Load {
  const load = new Load();
  for (const cost of costs) load.add(cost);
  return load;
}
