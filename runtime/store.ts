// The one place that writes tasks. Units of many callers share a commit. After a commit that failed or whose answer was lost, every unit is read back before
// anything else is decided: it was applied, it conflicts, or it goes into the next commit.

import { type Cost, GroupCommit, Load } from "./batch.ts";
import { type Clock, sleep } from "./clock.ts";
import { decode, encode } from "./codec.ts";
import { expiryOf } from "./entries.ts";
import { GroupLog } from "./group_log.ts";
import type { Ids } from "./ids.ts";
import { keys } from "./keys.ts";
import type { KvPort } from "./kv.ts";
import { Queue } from "./queue.ts";
import { type Entry, isForgotten, isPastRetention, type Stored, type TaskRecord, typeOf } from "./task.ts";
import { type Change, type Unit, unitOf, type UnitOptions } from "./unit.ts";

/** The entries as KV holds them now, in the order of the changes, or null if something else came first. */
export type Applied = Entry<Stored>[] | null;

/** The lanes commit independently of each other, so that a burst in one does not hold up the others. */
export type Lane = "submit" | "claim" | "settle";

/** The entries of a unit that was applied, or what else became of it. */
type Verdict = Entry<Stored>[] | "conflict" | "again";

/** Told of every change that this process committed. */
export type OnApplied = (entry: Entry<Stored>, before: Entry<Stored> | null) => void;

export interface StoreOptions {
  kv: KvPort;
  clock: Clock;
  ids: Ids;
  /** Adds to a commit that makes tasks ready: how a KV queue message travels with them. */
  onCommit?: (atomic: Deno.AtomicOperation) => void;
  /** False: this process claims nothing, so it need not remember what is ready. */
  claims?: boolean;
}

/** How long a commit that fails with an error is tried before the caller is told. */
const GIVE_UP_AFTER_MS = 10_000;
const READY_KEPT = 20_000;
/** Left free in a packed commit, for groups and idempotency keys. */
const SPARE: Cost = { checks: 3, shared: [], mutations: 4, bytes: 60_000, keyBytes: 1_000, owns: [] };

/** KV did not take the commit within `GIVE_UP_AFTER_MS`. What became of it is unknown. */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}

export class Store {
  readonly kv: KvPort;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Called after each commit, once per change. */
  onApplied: OnApplied = () => {};
  readonly #onCommit: (atomic: Deno.AtomicOperation) => void;
  readonly #lanes: Record<Lane, GroupCommit<Unit, Applied>>;
  readonly #groups: GroupLog;
  /** Tasks that this process made ready, so that claiming them needs no read. A hint: the commit checks it. */
  readonly #ready = new Map<string, Entry>();
  readonly #queue: Queue;
  readonly #claims: boolean;

  constructor({ kv, clock, ids, onCommit, claims = true }: StoreOptions) {
    this.#claims = claims;
    this.kv = kv;
    this.clock = clock;
    this.ids = ids;
    this.#onCommit = onCommit ?? (() => {});
    this.#groups = new GroupLog(kv, clock);
    this.#queue = new Queue(kv.shards, clock, ids);
    const lane = () => new GroupCommit((units: Unit[]) => this.#commit(units), kv.limits);
    this.#lanes = { submit: lane(), claim: lane(), settle: lane() };
  }

  /** The record or tombstone, as KV holds it now; null also once its retention is over. */
  async read(id: string): Promise<Entry<Stored> | null> {
    return this.#present(entryOf(await this.kv.get<Uint8Array>(keys.task(id))));
  }

  async readMany(ids: string[]): Promise<(Entry<Stored> | null)[]> {
    return (await this.peekMany(ids)).map((entry) => this.#present(entry));
  }

  /** Like `readMany`, but with what is past its retention and not yet removed. */
  async peekMany(ids: string[]): Promise<(Entry<Stored> | null)[]> {
    return (await this.kv.getMany<Uint8Array>(ids.map(keys.task))).map(entryOf);
  }

  /** Records in the order of their ids, newest first, from one listing. */
  async readNewest(
    selector: Deno.KvListSelector,
    limit: number,
  ): Promise<{ id: string; entry: Entry<Stored> | null }[]> {
    const page = await this.kv.list<Uint8Array>(selector, { limit, reverse: true });
    return page.map((kv) => ({ id: kv.key[1] as string, entry: this.#present(entryOf(kv)) }));
  }

  /**
   * Ready tasks for a claim: from memory where that agrees with the queue (`fits`), else from KV. Another process may
   * have run the task and put it into another block since.
   */
  async readReady(ids: string[], fits: (record: TaskRecord) => boolean): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    const missing: string[] = [];
    for (const id of ids) {
      const known = this.#ready.get(id);
      if (known && fits(known.record)) entries.set(id, known);
      else missing.push(id);
    }
    for (const entry of missing.length > 0 ? await this.readMany(missing) : []) {
      if (entry && !isForgotten(entry.record)) entries.set(entry.record.id, entry as Entry);
    }
    return entries;
  }

  /**
   * Commits changes that belong together, along with whatever other callers bring at the same time.
   * Resolves once they are on disk.
   *
   * @throws {UnavailableError} if KV takes no commit for 10 s.
   */
  commit(lane: Lane, changes: Change[], options: UnitOptions = {}): Promise<Applied> {
    return this.#lanes[lane].add(unitOf(this.ids.token(), changes, options));
  }

  /** Splits changes into runs that each fit one commit, in order. */
  pack(changes: Change[], options: UnitOptions = {}): Change[][] {
    const packs: Change[][] = [];
    let load = new Load();
    load.add(SPARE);
    for (const change of changes) {
      const { cost } = unitOf("", [change], options);
      load.add(cost);
      if (packs.length === 0 || load.exceeds(this.kv.limits)) {
        packs.push([]);
        load = new Load();
        load.add(SPARE);
        load.add(cost);
      }
      packs[packs.length - 1].push(change);
    }
    return packs;
  }

  /**
   * Moves a task on from whatever state it is in: `step` gets the newest record and returns the change, or null to
   * leave it. Computed again after each conflict.
   *
   * @returns the entry after the step, null if the step declined, undefined if there is no such task.
   */
  async update(
    lane: Lane,
    id: string,
    step: (entry: Entry<Stored>) => Omit<Change, "before"> | null,
    known: Entry<Stored> | null = null,
  ): Promise<Entry<Stored> | null | undefined> {
    for (let entry = known ?? await this.read(id);; entry = await this.read(id)) {
      if (!entry) return undefined;
      const change = step(entry);
      if (!change) return null;
      const applied = await this.commit(lane, [{ before: entry, ...change }]);
      if (applied) return applied[0];
    }
  }

  /** Resolves once everything handed to `commit` so far is decided. */
  async idle(): Promise<void> {
    for (const lane of Object.values(this.#lanes)) await lane.idle();
  }

  #present(entry: Entry<Stored> | null): Entry<Stored> | null {
    if (!entry || isForgotten(entry.record)) return entry;
    return isPastRetention(entry.record, this.clock.now()) ? null : entry;
  }

  async #commit(units: Unit[]): Promise<Applied[]> {
    const outcomes = new Map<Unit, Applied>();
    const since = this.clock.monotonic();
    let pending = units;
    for (let failures = 0; pending.length > 0;) {
      let failure: unknown;
      const versionstamp = await this.#tryCommit(pending).catch((error) => {
        failure = error;
        return null;
      });
      if (versionstamp !== null) {
        for (const unit of pending) {
          outcomes.set(
            unit,
            this.#applied(unit, unit.changes.map(({ next }) => ({ record: next, versionstamp }))),
          );
        }
        break;
      }
      if (failure !== undefined) {
        if (this.clock.monotonic() - since > GIVE_UP_AFTER_MS) {
          throw new UnavailableError("the database did not take a commit", { cause: failure });
        }
        failures++;
        await sleep(this.clock, Math.min(500, 5 * 2 ** failures) * this.ids.random());
      }
      const again: Unit[] = [];
      for (const [unit, verdict] of await this.#readBack(pending)) {
        if (verdict === "again") again.push(unit);
        else outcomes.set(unit, verdict === "conflict" ? null : this.#applied(unit, verdict));
      }
      this.#groups.distrust();
      pending = again;
    }
    return units.map((unit) => outcomes.get(unit)!);
  }

  /** The commit's versionstamp, or null if a check failed. An exception leaves it unknown. */
  async #tryCommit(units: Unit[]): Promise<string | null> {
    const atomic = this.kv.atomic();
    const now = this.clock.now();
    let guarded = false;
    const ready: TaskRecord[] = [];
    for (const unit of units) {
      for (const check of unit.checks) atomic.check(check);
      for (const { before, next } of unit.changes) {
        // One check keeps a whole commit of fresh ids from being applied twice.
        if (!unit.fresh || !guarded) {
          atomic.check({ key: keys.task(next.id), versionstamp: before?.versionstamp ?? null });
        }
        guarded ||= unit.fresh;
        if (entersQueue(before?.record ?? null, next)) ready.push(next as TaskRecord);
      }
    }
    // The queue first: it tells each record which block holds it.
    for (const write of this.#queue.add(ready)) this.kv.write(atomic, write, now);
    for (const unit of units) {
      for (const { next } of unit.changes) {
        this.kv.write(
          atomic,
          { key: keys.task(next.id), value: encode(next), expireAt: expiryOf(next) },
          now,
        );
      }
      for (const write of unit.writes) this.kv.write(atomic, write, now);
    }
    const steps = units.flatMap((unit) => unit.steps);
    const merged = steps.length > 0 ? await this.#groups.merge(steps) : null;
    if (merged) {
      for (const check of merged.checks) atomic.check(check);
      for (const write of merged.writes) this.kv.write(atomic, write, now);
    }
    if (ready.length > 0) this.#onCommit(atomic);
    const result = await this.kv.commit(atomic);
    if (!result.ok) return null;
    merged?.applied(result.versionstamp);
    return result.versionstamp;
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
    const found = await this.kv.getMany<unknown>(guards.flat().map(({ key }) => key));
    let at = 0;
    return units.map((unit, i) => {
      const mine = found.slice(at, at += guards[i].length);
      const records = (mine.slice(0, unit.changes.length) as Deno.KvEntryMaybe<Uint8Array>[]).map(entryOf);
      // One that was applied may have been written on since, or may even be gone: what KV holds now is what counts.
      if (records.some((entry) => entry && isBy(unit.op, entry.record))) {
        return [unit, unit.changes.map(({ next }, k) => records[k] ?? { record: next, versionstamp: "" })];
      }
      const holds = mine.every(({ versionstamp }, k) => versionstamp === guards[i][k].versionstamp);
      return [unit, holds ? "again" : "conflict"];
    });
  }

  #applied({ changes }: Unit, entries: Entry<Stored>[]): Entry<Stored>[] {
    entries.forEach((entry, i) => {
      this.#remember(entry);
      this.onApplied(entry, changes[i].before);
    });
    return entries;
  }

  #remember(entry: Entry<Stored>): void {
    const { record } = entry;
    if (!this.#claims) return;
    if (!isReady(record)) this.#ready.delete(record.id);
    else if (this.#ready.size < READY_KEPT && isSmall(record as TaskRecord)) {
      this.#ready.set(record.id, entry as Entry);
    }
  }

  /** Drops what was remembered of a task whose claim conflicted. */
  forgetReady(id: string): void {
    this.#ready.delete(id);
  }
}

function isBy(op: string, { op: last, ops }: Stored): boolean {
  return last === op || ops?.includes(op) === true;
}

/** Small enough to be kept by the thousand. */
function isSmall({ input }: TaskRecord): boolean {
  return !("json" in input) || input.json.length <= 1_000;
}

/** True if this step puts the task at the end of the queue. */
function entersQueue(before: Stored | null, next: Stored): boolean {
  return isReady(next) && !(before && isReady(before));
}

function isReady(stored: Stored): boolean {
  return !isForgotten(stored) && typeOf(stored) === "PENDING";
}

function entryOf({ value, versionstamp }: Deno.KvEntryMaybe<Uint8Array>): Entry<Stored> | null {
  return value === null ? null : { record: decode(value), versionstamp };
}
