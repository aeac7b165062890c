// What units take of the limits of a commit, each alone and all together.

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
/** A group may have one more outbox entry. */
const GROUP = { mutations: 1, bytes: 150, keyBytes: 60 };
/** Each character that the name of a counter has beyond those of an id: the keys of limits may be long. */
const NAME = { of: 60, bytes: 20, keyBytes: 6 };
/** The key of a block; its ids are in the bytes of the unit. */
const BLOCK = { mutations: 1, bytes: 320, keyBytes: 128 };

/** Counted from above, without the sets of a load: nearly every item is far from every limit. */
export function surelyFits(
  { checks, shared, mutations, bytes, keyBytes, listed }: Cost,
  limits: KvLimits,
): boolean {
  const [counters, blocks] = [shared.length, listed.length];
  let more = 0;
  let groups = 0;
  for (const name of shared) {
    more += moreOf(name);
    groups += Number(isGroup(name));
  }
  const sum = (own: number, counter: number, block: number) => own + counters * counter + blocks * block;
  return sum(checks, 1, 0) <= limits.checks &&
    sum(mutations, SHARED.mutations, BLOCK.mutations) + groups * GROUP.mutations <= limits.mutations &&
    sum(bytes, SHARED.bytes, BLOCK.bytes) + groups * GROUP.bytes + more * NAME.bytes <= limits.bytes &&
    sum(keyBytes, SHARED.keyBytes, BLOCK.keyBytes) + groups * GROUP.keyBytes + more * NAME.keyBytes <=
      limits.keyBytes;
}

/** Names of other counters say what these count: `limit/…`, `dependencies/…`. */
function isGroup(name: string): boolean {
  return name !== FRESH && !name.includes("/");
}

function moreOf(name: string): number {
  return Math.max(0, name.length - NAME.of);
}

export function namesOf({ owns, shared }: Cost): string[] {
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
      if (name === FRESH) continue;
      this.#addWrites(SHARED);
      if (isGroup(name)) this.#addWrites(GROUP);
      const more = moreOf(name);
      if (more > 0) {
        this.#addWrites({ mutations: 0, bytes: more * NAME.bytes, keyBytes: more * NAME.keyBytes });
      }
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
