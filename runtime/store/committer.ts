// Makes KV commits from units. After a commit that failed or had no answer every unit is read back first: it
// was applied, it conflicts, or it goes into the next commit.

import { type Entry, isReady, type Stored, type TaskRecord } from "../core/task.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import { isDependencyCounterKey, isOutboxKey, keys, parse } from "../platform/keys.ts";
import type { KvPort, Write } from "../platform/kv.ts";
import type { Imposing } from "../core/imposed_limits.ts";
import { admission } from "./admission.ts";
import { CommitBackoff } from "./commit_backoff.ts";
import { becomesReady } from "./commit_cost.ts";
import type { Unit } from "./commit_unit.ts";
import { type DependencyCounter, DependencyCounters } from "./dependency_counters.ts";
import { Fences, OpenTries } from "./fences.ts";
import { checksOf, guardOf } from "./fresh_check.ts";
import { GroupCounters } from "./group_counters.ts";
import { expiryOf } from "./index_entries.ts";
import { type Gate, LimitCounters } from "./limit_counters.ts";
import { readBack, type Verdict } from "./read_back.ts";
import { ReadyQueue } from "./ready_queue.ts";
import { encode } from "./record_codec.ts";
import type { Starter, Taken } from "./starter.ts";
import type { Merged } from "./version_cache.ts";

/** The entries as KV holds them now, in the order of the changes; null if another process was first. */
export type Applied = Entry<Stored>[] | null;

export interface CommitObserver {
  applied?(entry: Entry<Stored>, before: Entry<Stored> | null): void;
  /**
   * Called with the subjects of the outbox entries that a commit has written, and with its version. Not
   * called for a commit that had to be read back: a sweep finds its entries.
   */
  outboxWritten?(subjects: string[], versionstamp: string): void;
}

export interface CommitterOptions {
  kv: KvPort;
  clock: Clock;
  ids: Ids;
  /** Adds to a commit that makes tasks ready: how a KV queue message travels with them. */
  onCommit?: (atomic: Deno.AtomicOperation) => void;
  /** The limits of queues and definitions. Left out: there are none. */
  imposing?: Imposing;
  /** Those that are in the list at the time of a commit. */
  observers: readonly CommitObserver[];
}

/** What starts in the commit that is tried. */
interface Started {
  taken: Taken | null;
}

const NONE: ReadonlyMap<string, TaskRecord> = new Map();

export class Committer {
  readonly #options: CommitterOptions;
  readonly #queue: ReadyQueue;
  readonly #groups: GroupCounters;
  readonly #fences: Fences;
  readonly dependencies: DependencyCounters;
  readonly limits: LimitCounters;

  constructor(options: CommitterOptions) {
    const { kv, clock, ids } = this.#options = options;
    this.#queue = new ReadyQueue(kv.shards, clock, ids);
    this.#groups = new GroupCounters(kv, clock);
    this.#fences = new Fences(kv, clock);
    this.dependencies = new DependencyCounters(kv);
    this.limits = new LimitCounters(kv, clock);
  }

  /**
   * Commits units together, again and again until each one is applied or conflicts.
   *
   * @throws {UnavailableError} if KV takes no commit for 10 s.
   */
  async commit(units: Unit[], starter: Starter | null): Promise<Applied[]> {
    const outcomes = new Map<Unit, Applied>();
    const backoff = new CommitBackoff(this.#options.clock, this.#options.ids);
    const tries = new OpenTries(this.#fences);
    const refuse = async (refused: Unit[]) => {
      for (const unit of refused) outcomes.set(unit, null);
      if (!tries.has(refused)) return;
      for (const [unit, verdict] of await this.#readBack(refused, tries, backoff, { isLast: true })) {
        if (Array.isArray(verdict)) outcomes.set(unit, this.#applied(unit, verdict));
      }
    };
    for (let pending = units;;) {
      const wrong = pending.filter((unit) => unit.isStillRight?.() === false);
      if (wrong.length > 0) {
        await refuse(wrong);
        pending = pending.filter((unit) => !wrong.includes(unit));
      }
      const gate = pending.length > 0 ? await this.#gate(pending, backoff) : null;
      if (gate && gate.refused.size > 0) {
        await refuse([...gate.refused]);
        pending = pending.filter((unit) => !gate.refused.has(unit));
      }
      if (pending.length === 0) break;
      const admitted = gate && await this.#admission(pending, gate, backoff);
      const sent = admitted ? [...pending, admitted] : pending;
      const started: Started = { taken: null };
      try {
        let failure: unknown;
        const versionstamp = await this.#try(sent, gate, starter, started).catch((error) => {
          failure = error;
          return null;
        });
        if (versionstamp !== null) {
          for (const unit of sent) {
            outcomes.set(unit, this.#applied(unit, entriesOf(unit, gate, started.taken, versionstamp)));
          }
          break;
        }
        if (failure !== undefined) {
          tries.add(sent, guardOf(sent));
          await backoff.after(failure);
        }
        const again: Unit[] = [];
        for (const [unit, verdict] of await this.#readBack(sent, tries, backoff)) {
          // Who comes in is looked for anew.
          if (unit === admitted && !Array.isArray(verdict)) continue;
          if (verdict === "again") again.push(unit);
          else outcomes.set(unit, Array.isArray(verdict) ? this.#applied(unit, verdict) : null);
        }
        this.#groups.distrust();
        this.dependencies.distrust();
        this.limits.distrust();
        pending = again;
      } finally {
        if (started.taken) starter!.release(started.taken);
      }
    }
    return units.map((unit) => outcomes.get(unit)!);
  }

  async #try(
    units: Unit[],
    gate: Gate<Unit> | null,
    starter: Starter | null,
    started: Started,
  ): Promise<string | null> {
    const { kv, clock, onCommit } = this.#options;
    // First: from here on nothing is waited for, so that what starts is decided as it is sent.
    const merged = await this.#merge(units);
    const ready = readyOf(units, gate);
    const starting = starter ? readyOf(units.filter(({ starts }) => starts), gate) : [];
    const taken = started.taken = starting.length > 0 ? starter!.take(starting) : null;
    const atomic = kv.atomic();
    const now = clock.now();
    for (const check of checksOf(units, this.#fences)) atomic.check(check);
    // The queue first: it sets in each record which block holds it.
    const queued = taken ? ready.filter(({ id }) => !taken.running.has(id)) : ready;
    for (const write of this.#queue.add(queued)) kv.write(atomic, write, now);
    for (const unit of units) {
      for (const { next } of unit.changes) {
        const { id } = next;
        kv.write(atomic, recordWrite(taken?.running.get(id) ?? gate?.records.get(id) ?? next), now);
      }
      for (const write of unit.writes) kv.write(atomic, write, now);
    }
    for (const write of taken?.writes ?? []) kv.write(atomic, write, now);
    if (gate) {
      gate.close(taken?.running ?? NONE);
      merged.push(gate);
    }
    for (const { checks, writes } of merged) {
      for (const check of checks) atomic.check(check);
      for (const write of writes) kv.write(atomic, write, now);
    }
    if (queued.length > 0 || units.some(({ rings }) => rings)) onCommit?.(atomic);
    const result = await kv.commit(atomic);
    if (!result.ok) return null;
    for (const { applied } of merged) applied(result.versionstamp);
    this.#written(units, merged, result.versionstamp);
    return result.versionstamp;
  }

  async #gate(units: Unit[], backoff: CommitBackoff): Promise<Gate<Unit> | null> {
    for (;;) {
      try {
        return await this.limits.gate(units);
      } catch (error) {
        await backoff.after(error);
      }
    }
  }

  async #admission(units: Unit[], gate: Gate<Unit>, backoff: CommitBackoff): Promise<Unit | null> {
    for (;;) {
      try {
        return await admission({ ...this.#options, heads: this.limits.heads }, units, gate);
      } catch (error) {
        await backoff.after(error);
      }
    }
  }

  /**
   * Nothing is committed again before the outcome of the last try is known, and nothing is refused while an
   * earlier try may still be applied.
   *
   * @param isLast those that would be tried again are refused
   */
  async #readBack(
    units: Unit[],
    tries: OpenTries,
    backoff: CommitBackoff,
    { isLast = false } = {},
  ): Promise<[Unit, Verdict][]> {
    for (;;) {
      try {
        const verdicts = await readBack(this.#options.kv, this.#fences, units);
        const those = (...of: Verdict[]) => verdicts.flatMap(([unit, is]) => of.includes(is) ? unit : []);
        tries.over(those("final conflict"));
        if (await tries.end(those("conflict", ...isLast ? ["again" as const] : []))) return verdicts;
      } catch (error) {
        await backoff.after(error);
      }
    }
  }

  async #merge(units: Unit[]): Promise<Merged[]> {
    const merged: Merged[] = [];
    const groupSteps = units.flatMap((unit) => unit.groupSteps);
    if (groupSteps.length > 0) merged.push(await this.#groups.merge(groupSteps));
    const counterSteps = units.flatMap((unit) => unit.counterSteps);
    if (counterSteps.length > 0) {
      const removed = new Set(units.flatMap(({ writes }) => removedCounters(writes)));
      merged.push(
        await this.dependencies.merge(counterSteps.filter(({ dependent }) => !removed.has(dependent))),
      );
    }
    return merged;
  }

  #written(units: Unit[], merged: Merged[], versionstamp: string): void {
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

  #applied({ changes }: Unit, entries: Entry<Stored>[]): Entry<Stored>[] {
    entries.forEach((entry, i) => {
      this.limits.heads.update(entry);
      for (const observer of this.#options.observers) observer.applied?.(entry, changes[i].before);
    });
    return entries;
  }
}

function recordWrite(record: Stored): Write {
  return { key: keys.task(record.id), value: encode(record), expireAt: expiryOf(record) };
}

function removedCounters(writes: Write[]): string[] {
  return writes.filter(({ key, value }) => isDependencyCounterKey(key) && value === undefined)
    .map(({ key }) => parse.dependencyCounter(key));
}

function entriesOf(
  { changes }: Unit,
  gate: Gate<Unit> | null,
  taken: Taken | null,
  versionstamp: string,
): Entry<Stored>[] {
  return changes.map(({ next }) => {
    return { record: taken?.running.get(next.id) ?? gate?.records.get(next.id) ?? next, versionstamp };
  });
}

function readyOf(units: Unit[], gate: Gate<Unit> | null): TaskRecord[] {
  const ready: TaskRecord[] = [];
  for (const { changes } of units) {
    for (const change of changes) {
      if (!becomesReady(change)) continue;
      const record = gate?.records.get(change.next.id) ?? change.next as TaskRecord;
      if (isReady(record)) ready.push(record);
    }
  }
  return ready;
}
