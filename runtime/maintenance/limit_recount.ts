// Counts anew who has a slot of a limit and who waits for one, while the reconciler goes through all tasks. A
// counter is compared if it has not changed during the whole walk: then no task has got or given back a slot
// of it meanwhile.

import { heldBy, parkedAt } from "../core/limits.ts";
import type { Entry } from "../core/task.ts";
import { after, keys, parse, prefixes } from "../platform/keys.ts";
import { limitSubject } from "../platform/outbox_subject.ts";
import { hasRoom, type LimitCounter } from "../store/limit_tally.ts";
import type { Store } from "../store/store.ts";

/** More limits than these are not compared in one walk. */
const MOST_COMPARED = 1_000;

interface Compared {
  counter: Deno.KvEntry<LimitCounter>;
  held: number;
  waiting: number;
}

export class LimitRecount {
  readonly #compared = new Map<string, Compared>();
  #behind: Deno.KvKey | null = null;

  constructor(private readonly store: Store) {}

  /** A walk begins. Each walk takes the next limits. */
  async begin(): Promise<void> {
    const prefix = prefixes.allLimits;
    const selector = this.#behind ? { prefix, start: this.#behind } : { prefix };
    const found = await this.store.kv.list<LimitCounter>(selector, { limit: MOST_COMPARED });
    this.#behind = found.length < MOST_COMPARED ? null : after(found[found.length - 1].key);
    this.#compared.clear();
    for (const counter of found) {
      this.#compared.set(parse.limit(counter.key), { counter, held: 0, waiting: 0 });
    }
  }

  see(active: readonly Entry[]): void {
    if (this.#compared.size === 0) return;
    for (const { record } of active) {
      if (record.limits === undefined) continue;
      for (const name of heldBy(record)) this.#of(name, (compared) => compared.held++);
      const waitsAt = parkedAt(record);
      if (waitsAt !== null) this.#of(waitsAt, (compared) => compared.waiting++);
    }
  }

  /** Nothing is compared in this walk. */
  abandon(): void {
    this.#compared.clear();
  }

  #of(name: string, count: (compared: Compared) => void): void {
    const compared = this.#compared.get(name);
    if (compared) count(compared);
  }

  /** The walk is over. @returns the limits whose counters were wrong. */
  async finish(): Promise<string[]> {
    const all = [...this.#compared];
    const wrong = all.filter(([, { counter: { value }, held, waiting }]) => {
      return value.held !== held || value.waiting !== waiting || value.waiting > 0 && hasRoom(value);
    });
    const repaired: string[] = [];
    for (const [name, { counter: { key, value, versionstamp }, held, waiting }] of wrong) {
      const isCounted = value.held === held && value.waiting === waiting;
      const outbox = { key: keys.outbox(limitSubject(name)), versionstamp: null };
      // A counter that is right, and has room, needs its outbox entry: the commit of a step writes it.
      const checks = [{ key, versionstamp }, ...isCounted ? [outbox] : []];
      if (
        (await this.store.kv.getMany(checks.map(({ key }) => key))).some((found, i) => {
          return found.versionstamp !== checks[i].versionstamp;
        })
      ) continue;
      const step = { name, held: held - value.held, waiting: waiting - value.waiting };
      if (await this.store.commit("settle", [], { checks, limitSteps: [step] })) repaired.push(name);
    }
    return repaired;
  }
}
