// From units of work to commits of KV. After a commit that failed or whose answer was lost, every unit is
// read back before anything else is decided: it was applied, it conflicts, or it goes into the next commit.

import { type Clock, sleep } from "../platform/clock.ts";
import { encode, entryOrNewer, type Found, isNewerRecord } from "./record_codec.ts";
import { expiryOf } from "./index_entries.ts";
import { UnavailableError } from "../core/errors.ts";
import { GroupCounters } from "./group_counters.ts";
import { type DependencyCounter, DependencyCounters } from "./dependency_counters.ts";
import type { Ids } from "../platform/ids.ts";
import { isDependencyCounterKey, isOutboxKey, keys, parse } from "../platform/keys.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import { ReadyQueue } from "./ready_queue.ts";
import type { Merged } from "./version_cache.ts";
import { type Entry, isReady, type Stored, type TaskRecord } from "../core/task.ts";
import type { Unit } from "./commit_unit.ts";

/** The entries as KV holds them now, in the order of the changes, or null if something else came first. */
export type Applied = Entry<Stored>[] | null;

/** The entries of a unit that was applied, or what else became of it. */
type Verdict = Entry<Stored>[] | "conflict" | "again";

/** What parts of the engine learn of the commits of this process. */
export interface CommitObserver {
  /** Called once for each change. */
  applied?(entry: Entry<Stored>, before: Entry<Stored> | null): void;
  /**
   * Called with the subjects of the outbox entries that a commit has written, and with its version. A commit
   * that had to be read back says nothing: a sweep finds its entries.
   */
  outboxWritten?(subjects: string[], versionstamp: string): void;
}

/**
 * Lets new tasks begin in the very commit that stores them: a claim of their own would be a third of their
 * cost.
 */
export interface Starter {
  /**
   * Of tasks that a commit is about to make ready: those that begin in it, RUNNING under leases of this
   * process.
   */
  take(ready: TaskRecord[]): Taken;
  /** The commit is decided: what was taken for it and not told as applied does not begin. */
  release(taken: Taken): void;
}

export interface Taken {
  /** By id. */
  running: Map<string, TaskRecord>;
  /** To be committed with them. */
  writes: Write[];
}

export interface CommitterOptions {
  kv: KvPort;
  clock: Clock;
  ids: Ids;
  /** Adds to a commit that makes tasks ready: how a KV queue message travels with them. */
  onCommit?: (atomic: Deno.AtomicOperation) => void;
  /** Those that are in the list at the time of a commit. */
  observers: readonly CommitObserver[];
}

/** How long a commit that fails with an error is tried before the caller is told. */
const GIVE_UP_AFTER_MS = 10_000;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #queue: ReadyQueue;
  readonly #groups: GroupCounters;
  readonly dependencies: DependencyCounters;

  constructor(options: CommitterOptions) {
    const { kv, clock, ids } = this.#options = options;
    this.#queue = new ReadyQueue(kv.shards, clock, ids);
    this.#groups = new GroupCounters(kv, clock);
    this.dependencies = new DependencyCounters(kv);
  }

  /**
   * Commits units together, for as long as some of them are neither applied nor in conflict.
   *
   * @throws {UnavailableError} if KV takes no commit for 10 s.
   */
  async commit(units: Unit[], starter: Starter | null): Promise<Applied[]> {
    const outcomes = new Map<Unit, Applied>();
    const patience = new Patience(this.#options);
    for (let pending = units; pending.length > 0;) {
      const ready = readyOf(pending);
      const taken = starter?.take(ready) ?? null;
      try {
        let failure: unknown;
        const versionstamp = await this.#try(pending, ready, taken).catch((error) => {
          failure = error;
          return null;
        });
        if (versionstamp !== null) {
          for (const unit of pending) {
            outcomes.set(unit, this.#applied(unit, entriesOf(unit, taken, versionstamp)));
          }
          break;
        }
        if (failure !== undefined) await patience.after(failure);
        const again: Unit[] = [];
        for (const [unit, verdict] of await this.#readBackInTheEnd(pending, patience)) {
          if (verdict === "again") again.push(unit);
          else outcomes.set(unit, verdict === "conflict" ? null : this.#applied(unit, verdict));
        }
        this.#groups.distrust();
        this.dependencies.distrust();
        pending = again;
      } finally {
        if (taken) starter!.release(taken);
      }
    }
    return units.map((unit) => outcomes.get(unit)!);
  }

  /** Nothing is committed again before it is known what became of the first try. */
  async #readBackInTheEnd(units: Unit[], patience: Patience): Promise<[Unit, Verdict][]> {
    for (;;) {
      try {
        return await this.#readBack(units);
      } catch (error) {
        await patience.after(error);
      }
    }
  }

  /** The commit's versionstamp, or null if a check failed. An exception leaves it unknown. */
  async #try(units: Unit[], ready: TaskRecord[], taken: Taken | null): Promise<string | null> {
    const { kv, clock, onCommit } = this.#options;
    const atomic = kv.atomic();
    const now = clock.now();
    let guarded = false;
    for (const unit of units) {
      for (const check of unit.checks) atomic.check(check);
      for (const { before, next } of unit.changes) {
        // One check keeps a whole commit of fresh ids from being applied twice.
        const isFresh = unit.fresh && before === null;
        if (!isFresh || !guarded) {
          atomic.check({ key: keys.task(next.id), versionstamp: before?.versionstamp ?? null });
        }
        guarded ||= isFresh;
      }
    }
    // The queue first: it tells each record which block holds it.
    const queued = taken ? ready.filter(({ id }) => !taken.running.has(id)) : ready;
    for (const write of this.#queue.add(queued)) kv.write(atomic, write, now);
    for (const unit of units) {
      for (const { next } of unit.changes) {
        const record = taken?.running.get(next.id) ?? next;
        kv.write(
          atomic,
          { key: keys.task(record.id), value: encode(record), expireAt: expiryOf(record) },
          now,
        );
      }
      for (const write of unit.writes) kv.write(atomic, write, now);
    }
    for (const write of taken?.writes ?? []) kv.write(atomic, write, now);
    const merged = await this.#merge(units);
    for (const { checks, writes } of merged) {
      for (const check of checks) atomic.check(check);
      for (const write of writes) kv.write(atomic, write, now);
    }
    if (queued.length > 0) onCommit?.(atomic);
    const result = await kv.commit(atomic);
    if (!result.ok) return null;
    for (const { applied } of merged) applied(result.versionstamp);
    this.#tell(units, merged, result.versionstamp);
    return result.versionstamp;
  }

  /** What a commit has said about joins, and what it has left in the outbox. */
  #tell(units: Unit[], merged: Merged[], versionstamp: string): void {
    const subjects: string[] = [];
    for (const { writes } of units) {
      for (const { key, value } of writes) {
        if (isDependencyCounterKey(key)) {
          const id = parse.dependencyCounter(key);
          this.dependencies.wrote(id, value as DependencyCounter | undefined, versionstamp);
        } else if (isOutboxKey(key) && value) subjects.push(parse.outbox(key));
      }
    }
    for (const { writes } of merged) {
      for (const { key } of writes) if (isOutboxKey(key)) subjects.push(parse.outbox(key));
    }
    if (subjects.length === 0) return;
    for (const observer of this.#options.observers) observer.outboxWritten?.(subjects, versionstamp);
  }

  /** What these units add to the counters of groups and joins. */
  async #merge(units: Unit[]): Promise<Merged[]> {
    const merged: Merged[] = [];
    const steps = units.flatMap((unit) => unit.steps);
    if (steps.length > 0) merged.push(await this.#groups.merge(steps));
    const counterSteps = units.flatMap((unit) => unit.counterSteps);
    if (counterSteps.length > 0) {
      // Whoever is let go in this very commit counts no more.
      const gone = new Set(
        units.flatMap(({ writes }) => writes.filter(letsGo).map(({ key }) => parse.dependencyCounter(key))),
      );
      merged.push(
        await this.dependencies.merge(counterSteps.filter(({ dependent }) => !gone.has(dependent))),
      );
    }
    return merged;
  }

  /** What became of each unit of a commit that did not succeed, by reading what KV holds now. */
  async #readBack(units: Unit[]): Promise<[Unit, Verdict][]> {
    const guards = units.map((unit) => [
      ...unit.changes.map(({ before, next }) => ({
        key: keys.task(next.id),
        versionstamp: before?.versionstamp ?? null,
      })),
      ...unit.checks,
    ]);
    const found = await this.#options.kv.getMany<unknown>(guards.flat().map(({ key }) => key));
    let at = 0;
    return units.map((unit, i) => {
      const mine = found.slice(at, at += guards[i].length);
      const records = (mine.slice(0, unit.changes.length) as Deno.KvEntryMaybe<Uint8Array>[])
        .map(entryOrNewer);
      // One that was applied may have been written on since, or may even be gone: what KV holds now is what
      // counts.
      const isOwn = records.some((found) => {
        return found !== null && isBy(unit.op, isNewerRecord(found) ? found.written : found.record);
      });
      if (isOwn) {
        const readable = (found: Found) => isNewerRecord(found) ? null : found;
        return [
          unit,
          unit.changes.map(({ next }, k) => readable(records[k]) ?? { record: next, versionstamp: "" }),
        ];
      }
      const holds = mine.every(({ versionstamp }, k) => versionstamp === guards[i][k].versionstamp);
      return [unit, holds ? "again" : "conflict"];
    });
  }

  #applied({ changes }: Unit, entries: Entry<Stored>[]): Entry<Stored>[] {
    entries.forEach((entry, i) => {
      for (const observer of this.#options.observers) observer.applied?.(entry, changes[i].before);
    });
    return entries;
  }
}

/** The pauses between the tries of one commit, and their end. */
class Patience {
  readonly #options: CommitterOptions;
  readonly #since: number;
  #failures = 0;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#since = options.clock.monotonic();
  }

  /** @throws {UnavailableError} if it has been tried for long enough. */
  async after(failure: unknown): Promise<void> {
    const { clock, ids } = this.#options;
    if (clock.monotonic() - this.#since > GIVE_UP_AFTER_MS) {
      throw new UnavailableError("the database did not take a commit", { cause: failure });
    }
    this.#failures++;
    await sleep(clock, Math.min(500, 5 * 2 ** this.#failures) * ids.random());
  }
}

function letsGo({ key, value }: Write): boolean {
  return isDependencyCounterKey(key) && value === undefined;
}

/** What a unit's records are after its commit. */
function entriesOf({ changes }: Unit, taken: Taken | null, versionstamp: string): Entry<Stored>[] {
  return changes.map(({ next }) => ({ record: taken?.running.get(next.id) ?? next, versionstamp }));
}

/** The records that these units put at the end of the queue. */
function readyOf(units: Unit[]): TaskRecord[] {
  const ready: TaskRecord[] = [];
  for (const { changes } of units) {
    for (const { before, next } of changes) {
      if (isReady(next) && !(before && isReady(before.record))) ready.push(next as TaskRecord);
    }
  }
  return ready;
}

function isBy(op: string, { op: last, ops }: Pick<Stored, "op" | "ops">): boolean {
  return last === op || ops?.includes(op) === true;
}
