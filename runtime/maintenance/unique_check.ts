// Unique keys and the records of the tasks that have them are written in one commit, so only a fault of the
// database can part them. A key that nobody has is removed, and a task gets the key back that it should have.

import { holdsKey, keepsOthersOut, type UniqueKey, withoutKey } from "../core/unique_key.ts";
import { type Entry, isForgotten } from "../core/task.ts";
import { after, keys, parse, prefixes } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import type { Change } from "../store/commit_unit.ts";
import { isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import { type Holder, holdersOf, taking } from "../store/unique_holders.ts";

const PER_ROUND = 200;

export class UniqueCheck {
  #start: Deno.KvKey | null = null;

  constructor(
    private readonly store: Store,
    private readonly onRepair: (id: string, what: string) => void,
  ) {}

  /**
   * @param active tasks that have not ended
   * @returns how many were repaired
   */
  async tick(active: Entry[]): Promise<number> {
    return await this.#withoutTask() + await this.#withoutKey(active);
  }

  /** Keys that name no task that has them. */
  async #withoutTask(): Promise<number> {
    const { kv } = this.store;
    const prefix = prefixes.unique;
    const selector = this.#start ? { prefix, start: this.#start } : { prefix };
    const page = await kv.list<UniqueKey>(selector, { limit: PER_ROUND });
    this.#start = page.length < PER_ROUND ? null : after(page[page.length - 1].key);
    if (page.length === 0) return 0;
    const entries = await this.store.peekEach(page.map(({ value }) => value.id));
    const removed = await Promise.all(page.map(async ({ key, value, versionstamp }, i) => {
      const entry = entries[i];
      if (isNewerRecord(entry) || hasKey(entry as Entry | null, parse.unique(key))) return false;
      const record = { key: keys.task(value.id), versionstamp: entry?.versionstamp ?? null };
      const { ok } = await kv.commit(kv.atomic().check({ key, versionstamp }).check(record).delete(key));
      // What names a task that KV let expire goes by itself, a little earlier or later.
      if (entry === null || isForgotten(entry.record)) return false;
      if (ok) this.onRepair(value.id, "was named by a unique key that it does not have");
      return ok;
    }));
    return removed.filter(Boolean).length;
  }

  /** Tasks whose key does not name them. */
  async #withoutKey(active: Entry[]): Promise<number> {
    const { store } = this;
    const now = store.clock.now();
    const having = active.filter(({ record }) => record.unique && keepsOthersOut(record, now));
    if (having.length === 0) return 0;
    const holders = await holdersOf(store, having.map(({ record }) => record.unique!.key));
    let repaired = 0;
    for (const entry of having) {
      const holder = holders.get(entry.record.unique!.key)!;
      if (holder.entry?.record.id === entry.record.id) continue;
      if (!await store.commit("settle", [repairOf(entry, holder, now)])) continue;
      this.onRepair(entry.record.id, "had no unique key");
      repaired++;
    }
    return repaired;
  }
}

/** Of two tasks that say that they have a key, the one that it names has it. */
function repairOf(entry: Entry, holder: Holder, now: number): Change {
  const { check, entry: other } = holder;
  const naming = ({ record: { id } }: Entry): Write => {
    const value: UniqueKey = { id };
    return { key: check.key, value };
  };
  if (!other || !keepsOthersOut(other.record, now)) {
    return { before: entry, next: { ...entry.record }, writes: [naming(entry)], ...taking(holder) };
  }
  // Whoever gives up a key deletes it: it is written again for the one that it names.
  return { before: entry, next: withoutKey(entry.record), checks: [check], writes: [naming(other)] };
}

function hasKey(entry: Entry | null, key: string): boolean {
  return entry !== null && !isForgotten(entry.record) && entry.record.unique?.key === key &&
    holdsKey(entry.record);
}
