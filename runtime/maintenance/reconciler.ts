// Goes through all tasks, a page at a time, and gives a driver to those that have lost theirs. Record and driver are
// written in one commit, so in a run without faults of the database there is nothing to be found.

import { leaseBlocksOf } from "../store/leases.ts";
import type { Waiting } from "../store/index_entries.ts";
import { entryOrNewer, isNewerRecord } from "../store/record_codec.ts";
import {
  counterWrite,
  decisionOf,
  type DependencyCounter,
  outboxWrite,
  stepped,
} from "../store/dependency_counters.ts";
import { after, keys, prefixes, shardOf } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import type { ReadyBlock } from "../store/ready_queue.ts";
import type { Store } from "../store/store.ts";
import { type Entry, isAwaiting, isForgotten, isTerminal, type TaskRecord, typeOf } from "../core/task.ts";
import { reclaimed } from "../core/transitions.ts";
import type { UnitOptions } from "../store/commit_unit.ts";
import type { Values } from "../store/values.ts";

const PER_ROUND = 200;
const MOST_LEASES = 1_000;

/** A task whose driver was not where its record says. */
interface Suspect {
  entry: Entry;
  /** What is missing. */
  what: string;
}

export class Reconciler {
  #after: Deno.KvKey | null = null;

  /** @param onRepair told of each task that got a driver, and of what was wrong with it */
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly onRepair: (id: string, what: string) => void = () => {},
  ) {}

  /** Looks at the next page. @returns how many tasks got a driver. */
  async tick(): Promise<number> {
    const { kv } = this.store;
    const selector = this.#after === null
      ? { prefix: prefixes.task }
      : { prefix: prefixes.task, start: this.#after };
    const page = await kv.list<Uint8Array>(selector, { limit: PER_ROUND });
    this.#after = page.length < PER_ROUND ? null : after(page[page.length - 1].key);
    const alive = page.map(entryOrNewer).filter((entry): entry is Entry => {
      return entry !== null && !isNewerRecord(entry) && !isForgotten(entry.record) &&
        !isTerminal(entry.record);
    });
    if (alive.length === 0) return 0;
    const suspects = await this.#withoutDriver(alive);
    // The driver was looked for after the record was read: only where that is still the newest one is it missing. (The
    // commit would find that out too, at the cost of all that share it.)
    const newest = await this.store.readEach(suspects.map(({ entry }) => entry.record.id));
    const certain = suspects.filter(({ entry }, i) => {
      const now = newest[i];
      return !isNewerRecord(now) && now?.versionstamp === entry.versionstamp;
    });
    const repaired = await Promise.all(certain.map((suspect) => this.#repair(suspect)));
    return repaired.filter(Boolean).length;
  }

  async #withoutDriver(entries: Entry[]): Promise<Suspect[]> {
    const byKey = entries.filter(({ record }) =>
      record.lease === null && !isAwaiting(record) && !record.windowed
    );
    const drivers = await this.store.kv.getMany<ReadyBlock>(
      byKey.map(({ record }) => driverKey(record, this.store.kv.shards)),
    );
    const suspects = byKey.flatMap((entry, i): Suspect[] => {
      const { id } = entry.record;
      const isWaiting = typeOf(entry.record) === "PENDING";
      const { versionstamp, value } = drivers[i];
      const isThere = versionstamp !== null && (!isWaiting || value!.ids.includes(id));
      return isThere ? [] : [{ entry, what: isWaiting ? "was in no queue" : "had no timer" }];
    });
    // Those that wait for a seal alone are let go or given up by it.
    const awaiting = entries.filter(({ record }) => isAwaiting(record) && record.deps!.total > 0);
    const joins = await this.store.kv.getMany<DependencyCounter>(
      awaiting.map(({ record }) => keys.dependencyCounter(record.id)),
    );
    const notes = await this.store.kv.getMany(awaiting.map(({ record }) => keys.outbox(record.id)));
    awaiting.forEach((entry, i) => {
      const { value } = joins[i];
      if (value === null) suspects.push({ entry, what: "waited for nobody knows whom" });
      else if (decisionOf(value) !== "wait" && notes[i].versionstamp === null) {
        suspects.push({ entry, what: "had what it waited for" });
      }
    });
    const leased = entries.filter(({ record }) => record.lease !== null);
    const workers = new Set(leased.map(({ record }) => record.lease!.worker));
    for (const worker of workers) {
      const blocks = await leaseBlocksOf(this.store, worker, MOST_LEASES);
      if (blocks.length === MOST_LEASES) continue; // Not all of them were seen.
      const ids = new Set(blocks.flatMap((block) => block.ids));
      for (const entry of leased) {
        if (entry.record.lease!.worker === worker && !ids.has(entry.record.id)) {
          suspects.push({ entry, what: "ran under no lease" });
        }
      }
    }
    return suspects;
  }

  async #repair({ entry, what }: Suspect): Promise<boolean> {
    const { record } = entry;
    const repair = isAwaiting(record) ? await this.#rejoined(record) : this.#repaired(record);
    if (!repair) return false;
    const { next, ...options } = repair;
    const applied = await this.store.commit("settle", [{ before: entry, next }], options);
    if (applied) this.onRepair(record.id, what);
    return applied !== null;
  }

  /** Counts anew what it waits for, if nothing says it any more. */
  async #rejoined(record: TaskRecord): Promise<{ next: TaskRecord } & UnitOptions | null> {
    const { task, deps } = record;
    const key = keys.dependencyCounter(record.id);
    const { value, versionstamp } = await this.store.kv.get<DependencyCounter>(key);
    if (value) {
      // What was decided may have been taken back since it was looked at.
      if (decisionOf(value) === "wait") return null;
      const noted = { key: keys.outbox(record.id), versionstamp: null };
      return {
        next: { ...record },
        checks: [{ key, versionstamp }, noted],
        writes: [outboxWrite(record.id)],
      };
    }
    const upstreams: string[] = JSON.parse(await this.values.load(record.id, deps!.upstreams));
    let join: DependencyCounter = {
      task,
      left: upstreams.length,
      failed: 0,
      first: null,
      allowFailure: deps!.allowFailure,
    };
    for (const [i, entry] of (await this.store.peekMany(upstreams)).entries()) {
      const isOver = entry && !isForgotten(entry.record) && isTerminal(entry.record);
      const is = isOver ? typeOf(entry.record as TaskRecord) : null;
      join = stepped(join, { upstream: upstreams[i], was: null, is });
    }
    const writes = [counterWrite(record.id, join), outboxWrite(record.id)];
    return { next: { ...record }, checks: [{ key, versionstamp: null }], writes };
  }

  #repaired(record: TaskRecord): { next: TaskRecord; writes: Write[] } {
    const { clock, ids, kv } = this.store;
    const now = clock.now();
    switch (typeOf(record)) {
      case "PENDING": {
        const queued = { order: now, block: ids.token() };
        const next = { ...record, queued };
        const value: ReadyBlock = { ids: [record.id], tasks: [record.task] };
        return { next, writes: [{ key: queueKey(next, kv.shards), value }] };
      }
      case "SCHEDULED": {
        const value: Waiting = { task: record.task, groups: record.groups };
        return { next: { ...record }, writes: [{ key: keys.due("start", record.runAt, record.id), value }] };
      }
      default:
        return { next: reclaimed(record, now), writes: [] };
    }
  }
}

/** Where the record says that its driver is. */
function driverKey(record: TaskRecord, shards: number): Deno.KvKey {
  return typeOf(record) === "PENDING" ? queueKey(record, shards) : keys.due("start", record.runAt, record.id);
}

function queueKey({ id, priority, queued }: TaskRecord, shards: number): Deno.KvKey {
  // A record that names no block is in none.
  return keys.ready(shardOf(id, shards), priority, queued?.order ?? 0, queued?.block ?? "");
}
