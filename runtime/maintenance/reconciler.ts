// Looks through all tasks, a page at a time, for those without a driver (a place in the queue, a timer, a
// lease, a dependency, or a slot to wait for), and repairs them. Record and driver are written in one commit,
// so only a fault of the database can part them.

import { isReplaced } from "../core/replaced.ts";
import { type Entry, isAwaiting, isForgotten, isTerminal, type TaskRecord, typeOf } from "../core/task.ts";
import { limitOf } from "../core/limits.ts";
import { after, keys, prefixes } from "../platform/keys.ts";
import { decisionOf, type DependencyCounter } from "../store/dependency_counters.ts";
import { parkedKey, rateEntry, replacedEntry } from "../store/index_entries.ts";
import { leaseBlocksOf } from "../store/leases.ts";
import { askForHeld, whereMoved } from "../queues/held_tasks.ts";
import { queueKeyOf, type ReadyBlock } from "../store/ready_queue.ts";
import { entryOrNewer, isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../store/values.ts";
import { tellOfEndedGroups } from "./group_end_check.ts";
import { LimitRecount } from "./limit_recount.ts";
import { repairOf } from "./repair.ts";
import { heldForGood } from "./retry_barrier_check.ts";
import { type Suspect, withoutSlot } from "./slot_check.ts";
import { UniqueCheck } from "./unique_check.ts";

const IN_NO_QUEUE = "was in no queue";
const PER_ROUND = 200;
const MOST_LEASES = 1_000;

export class Reconciler {
  #start: Deno.KvKey | null = null;
  readonly #limits: LimitRecount;
  readonly #unique: UniqueCheck;

  /** @param onRepair told of each repaired task, and of what was wrong with it */
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly onRepair: (id: string, what: string) => void = () => {},
  ) {
    this.#limits = new LimitRecount(store);
    this.#unique = new UniqueCheck(store, onRepair);
  }

  /** @returns how many tasks were repaired. */
  async tick(): Promise<number> {
    if (this.#start === null) await this.#limits.begin();
    await askForHeld(this.store);
    const active = await this.#nextPage();
    this.#limits.see(active);
    const recounted = this.#start === null ? await this.#limits.finish() : [];
    for (const name of recounted) this.onRepair(limitOf(name).key, "was a limit that was counted wrong");
    const unique = await this.#unique.tick(active);
    const told = await tellOfEndedGroups(this.store, active, this.onRepair);
    return recounted.length + unique + told + await this.#repairPage(active);
  }

  async #repairPage(active: Entry[]): Promise<number> {
    if (active.length === 0) return 0;
    const suspects = [
      ...await this.#withoutKey(active),
      ...await this.#withoutDependency(active),
      ...await this.#withoutLease(active),
      ...await withoutSlot(this.store, active),
      ...await heldForGood(this.store, active),
    ];
    // A record that was written after its driver was looked for may have another driver.
    const newest = await this.store.readEach(suspects.map(({ entry }) => entry.record.id));
    const certain = suspects.filter(({ entry }, i) => {
      const found = newest[i];
      return !isNewerRecord(found) && found?.versionstamp === entry.versionstamp;
    });
    const repaired = await Promise.all(certain.map((suspect) => this.#repair(suspect)));
    return repaired.filter(Boolean).length;
  }

  /** Tasks that have not ended. */
  async #nextPage(): Promise<Entry[]> {
    const prefix = prefixes.task;
    const selector = this.#start ? { prefix, start: this.#start } : { prefix };
    const page = await this.store.kv.list<Uint8Array>(selector, { limit: PER_ROUND });
    this.#start = page.length < PER_ROUND ? null : after(page[page.length - 1].key);
    const found = page.map(entryOrNewer);
    // What a newer release has written may hold slots that this one cannot read.
    if (found.some(isNewerRecord)) this.#limits.abandon();
    return found.filter((entry): entry is Entry => {
      return entry !== null && !isNewerRecord(entry) && !isForgotten(entry.record) &&
        !isTerminal(entry.record);
    });
  }

  /** Tasks that should be in the queue, or have a timer. */
  async #withoutKey(active: Entry[]): Promise<Suspect[]> {
    const { kv } = this.store;
    const entries = active.filter(({ record }) => {
      return record.lease === null && !isAwaiting(record) && !record.windowed;
    });
    const found = await kv.getMany<ReadyBlock>(entries.map(({ record }) => driverKey(record, kv.shards)));
    const suspects = entries.flatMap((entry, i): Suspect[] => {
      const { parked, rateAt } = entry.record;
      const isQueued = typeOf(entry.record) === "PENDING" && !parked && rateAt === undefined;
      const { versionstamp, value } = found[i];
      const isThere = versionstamp !== null && (!isQueued || value!.ids.includes(entry.record.id));
      if (isThere) return [];
      return [{
        entry,
        what: isQueued ? IN_NO_QUEUE : parked ? "waited for no limit" : "had no timer",
      }];
    });
    const moved = suspects.filter(({ what }) => what === IN_NO_QUEUE);
    if (moved.length === 0) return suspects;
    const elsewhere = await whereMoved(kv, moved.map(({ entry }) => entry.record));
    return suspects.filter(({ entry }) => !elsewhere.has(entry.record.id));
  }

  /** Tasks that should have a counter of what they wait for. A barrier alone needs none. */
  async #withoutDependency(active: Entry[]): Promise<Suspect[]> {
    const { kv } = this.store;
    const entries = active.filter(({ record }) => isAwaiting(record) && record.deps!.total > 0);
    const ids = entries.map(({ record }) => record.id);
    const counters = await kv.getMany<DependencyCounter>(ids.map(keys.dependencyCounter));
    const outbox = await kv.getMany(ids.map(keys.outbox));
    return entries.flatMap((entry, i): Suspect[] => {
      const { value } = counters[i];
      if (value === null) return [{ entry, what: "had no dependency counter" }];
      const isDecided = decisionOf(value) !== "wait" && outbox[i].versionstamp === null;
      return isDecided ? [{ entry, what: "waited for no task" }] : [];
    });
  }

  /** Tasks that should be in a lease block of their worker. */
  async #withoutLease(active: Entry[]): Promise<Suspect[]> {
    const suspects: Suspect[] = [];
    const leased = active.filter(({ record }) => record.lease !== null);
    for (const [worker, entries] of Map.groupBy(leased, ({ record }) => record.lease!.worker)) {
      const blocks = await leaseBlocksOf(this.store, worker, MOST_LEASES);
      // There may be more blocks.
      if (blocks.length === MOST_LEASES) continue;
      const ids = new Set(blocks.flatMap((block) => block.ids));
      const missing = entries.filter(({ record }) => !ids.has(record.id));
      suspects.push(...missing.map((entry) => ({ entry, what: "ran under no lease" })));
    }
    return suspects;
  }

  async #repair({ entry, what }: Suspect): Promise<boolean> {
    const repair = await repairOf(this.store, this.values, entry.record);
    if (!repair) return false;
    const { next, ...options } = repair;
    const applied = await this.store.commit("settle", [{ before: entry, next }], options);
    if (applied) this.onRepair(entry.record.id, what);
    return applied !== null;
  }
}

/** Where the driver of a PENDING or SCHEDULED task must be. */
function driverKey(record: TaskRecord, shards: number): Deno.KvKey {
  if (record.parked) return parkedKey(record);
  if (record.rateAt !== undefined) return rateEntry(record).key;
  if (isReplaced(record)) return replacedEntry(record).key;
  if (typeOf(record) === "PENDING") return queueKeyOf(record, shards);
  return keys.due("start", record.runAt, record.id);
}
