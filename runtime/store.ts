// The one place that writes tasks. A unit is a set of changes that become true together or not at all; units of
// many callers share a commit. After a commit that failed or whose answer was lost, every unit is read back before
// anything else is decided: it was applied, it conflicts, or it goes into the next commit.

import { type Cost, GroupCommit } from "./batch.ts";
import { type Clock, sleep } from "./clock.ts";
import { decode, encode } from "./codec.ts";
import { entriesOf, expiryOf, type IndexEntry } from "./entries.ts";
import type { StoredEvent } from "./events.ts";
import { GroupLog, type GroupStep } from "./group_log.ts";
import type { Ids } from "./ids.ts";
import { keys } from "./keys.ts";
import type { KvPort, Write } from "./kv.ts";
import { Queue } from "./queue.ts";
import {
  type Entry,
  isForgotten,
  isPastRetention,
  isTerminal,
  type Stored,
  type StoredValue,
  type TaskRecord,
  typeOf,
} from "./task.ts";

/** One record's step from what KV holds to what it shall hold. */
export interface Change {
  /** What the change was computed from; null makes a new record. */
  before: Entry<Stored> | null;
  next: Stored;
  /** Written in the same commit, under the task's event log. */
  events?: StoredEvent[];
}

export interface UnitOptions {
  /** Further keys that must still have this version. */
  checks?: { key: Deno.KvKey; versionstamp: string | null }[];
  writes?: Write[];
  /** The new records' ids were drawn just now: nobody else can have made them. */
  fresh?: boolean;
}

/** The entries as KV holds them now, in the order of the changes, or null if something else came first. */
export type Applied = Entry<Stored>[] | null;

/** The lanes commit independently of each other, so that a burst in one does not hold up the others. */
export type Lane = "submit" | "claim" | "settle";

interface Unit extends Required<Omit<UnitOptions, "writes">> {
  op: string;
  changes: { before: Entry<Stored> | null; next: Stored }[];
  writes: Write[];
  steps: GroupStep[];
  cost: Cost;
}

type Verdict = "applied" | "conflict" | "again";

/** Told of every change that this process committed. */
export type OnApplied = (entry: Entry<Stored>, before: Entry<Stored> | null) => void;

export interface StoreOptions {
  kv: KvPort;
  clock: Clock;
  ids: Ids;
  /** Adds to a commit that makes tasks ready: how a KV queue message travels with them. */
  onCommit?: (atomic: Deno.AtomicOperation) => void;
}

/** How long a commit that fails with an error is tried before the caller is told. */
const GIVE_UP_AFTER_MS = 10_000;
const READY_KEPT = 20_000;
/** Left free in a packed commit, for the checks of groups and idempotency keys. */
const SPARE_CHECKS = 3;

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

  constructor({ kv, clock, ids, onCommit }: StoreOptions) {
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

  /** Ready tasks for a claim: from memory where this process wrote them, so possibly out of date. */
  async readReady(ids: string[]): Promise<(Entry | null)[]> {
    const missing = ids.filter((id) => !this.#ready.has(id));
    const read = missing.length > 0 ? await this.readMany(missing) : [];
    const byId = new Map(missing.map((id, i) => [id, read[i]]));
    return ids.map((id) => {
      const entry = this.#ready.get(id) ?? byId.get(id) ?? null;
      return entry && !isForgotten(entry.record) ? entry as Entry : null;
    });
  }

  /**
   * Commits changes that belong together, along with whatever other callers bring at the same time.
   * Resolves once they are on disk.
   *
   * @throws {UnavailableError} if KV takes no commit for 10 s.
   */
  commit(lane: Lane, changes: Change[], options: UnitOptions = {}): Promise<Applied> {
    return this.#lanes[lane].add(this.#unit(changes, options));
  }

  /** Splits changes into runs that each fit one commit, in order. */
  pack(changes: Change[], options: UnitOptions = {}): Change[][] {
    const packs: Change[][] = [];
    let mutations = 0, bytes = 0, keyBytes = 0, checks = 0;
    for (const change of changes) {
      const { cost } = this.#unit([change], options);
      mutations += cost.mutations;
      bytes += cost.bytes;
      keyBytes += cost.keyBytes;
      checks += cost.checks;
      const { limits } = this.kv;
      const full = mutations > limits.mutations || bytes > limits.bytes || keyBytes > limits.keyBytes ||
        checks + SPARE_CHECKS > limits.checks;
      if (packs.length === 0 || full) {
        packs.push([]);
        ({ mutations, bytes, keyBytes, checks } = cost);
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

  #unit(changes: Change[], options: UnitOptions): Unit {
    const op = this.ids.token();
    const writes = options.writes ? [...options.writes] : [];
    const steps: GroupStep[] = [];
    const prepared = changes.map(({ before, next, events }) => {
      const record = { ...next, rev: (before?.record.rev ?? 0) + 1, op };
      const left = leftHistory(before?.record ?? null, record);
      if (left.length > 0) (record as TaskRecord).hasEvents = true;
      if (!isForgotten(record) && record.groups.length > 0 && isTerminal(record)) {
        record.logged = record.groups;
      }
      this.#indexWrites(before?.record ?? null, record, writes);
      for (const event of events ? [...left, ...events] : left) {
        writes.push({ key: keys.event(record.id, event.seq), value: event });
      }
      steps.push(...groupSteps(before?.record ?? null, record));
      return { before, next: record };
    });
    for (const { next } of prepared) requireFit(next);
    const fresh = options.fresh ?? false;
    const checks = options.checks ?? [];
    const groups = steps.map(({ group }) => group);
    const cost: Cost = {
      checks: checks.length + (fresh ? 0 : changes.length),
      shared: fresh ? ["fresh", ...groups] : groups,
      mutations: prepared.length + writes.length + 2 * groups.length,
      bytes: prepared.reduce((sum, { next }) => sum + recordBytes(next), 0) +
        writes.reduce((sum, write) => sum + writeBytes(write), 0),
      keyBytes: prepared.length * KEY_BYTES + writes.reduce((sum, { key }) => sum + keyBytes(key), 0),
      owns: prepared.map(({ next }) => next.id),
    };
    return { op, changes: prepared, writes, checks, fresh, steps, cost };
  }

  #indexWrites(before: Stored | null, next: Stored, writes: Write[]): void {
    const old = new Map<string, IndexEntry>();
    if (before) {
      for (const entry of entriesOf(before)) {
        old.set(entry.key.join("/"), entry);
      }
    }
    for (const entry of entriesOf(next)) {
      const name = entry.key.join("/");
      const same = old.get(name);
      old.delete(name);
      if (same && same.expireAt === entry.expireAt && sameValue(same.value, entry.value)) continue;
      writes.push(entry);
    }
    for (const { key } of old.values()) writes.push({ key });
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
        for (const unit of pending) outcomes.set(unit, this.#applied(unit, versionstamp));
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
      for (const { unit, verdict, versionstamp } of await this.#readBack(pending)) {
        if (verdict === "again") again.push(unit);
        else outcomes.set(unit, verdict === "applied" ? this.#applied(unit, versionstamp) : null);
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
    const result = await atomic.commit();
    if (!result.ok) return null;
    merged?.applied(result.versionstamp);
    return result.versionstamp;
  }

  /** What became of each unit of a commit that did not succeed, by reading what KV holds now. */
  async #readBack(
    units: Unit[],
  ): Promise<{ unit: Unit; verdict: Verdict; versionstamp: string }[]> {
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
      const records = mine.slice(0, unit.changes.length) as Deno.KvEntryMaybe<Uint8Array>[];
      const written = records.find((kv) => entryOf(kv)?.record.op === unit.op);
      if (written) return { unit, verdict: "applied", versionstamp: written.versionstamp! };
      const holds = mine.every(({ versionstamp }, k) => versionstamp === guards[i][k].versionstamp);
      return { unit, verdict: holds ? "again" : "conflict", versionstamp: "" };
    });
  }

  #applied(unit: Unit, versionstamp: string): Entry<Stored>[] {
    return unit.changes.map(({ before, next }) => {
      const entry = { record: next, versionstamp };
      this.#remember(entry);
      this.onApplied(entry, before);
      return entry;
    });
  }

  #remember(entry: Entry<Stored>): void {
    const { record } = entry;
    if (!isReady(record)) this.#ready.delete(record.id);
    else if (this.#ready.size < READY_KEPT) this.#ready.set(record.id, entry as Entry);
  }

  /** Drops what was remembered of a task whose claim conflicted. */
  forgetReady(id: string): void {
    this.#ready.delete(id);
  }
}

/** True if this step puts the task at the end of the queue. */
function entersQueue(before: Stored | null, next: Stored): boolean {
  return isReady(next) && !(before && isReady(before));
}

function isReady(stored: Stored): boolean {
  return !isForgotten(stored) && typeOf(stored) === "PENDING";
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** States that the step pushed out of the record's history go on in the event log. */
function leftHistory(before: Stored | null, next: Stored): StoredEvent[] {
  if (!before || isForgotten(before) || isForgotten(next)) return [];
  const oldest = next.history[0].seq;
  return before.history.filter(({ seq }) => seq < oldest)
    .map((state) => ({ kind: "state", seq: state.seq, at: state.at, attempt: state.attempt, state }));
}

/** What a step means to each group that counts the task. */
function groupSteps(before: Stored | null, next: Stored): GroupStep[] {
  if (isForgotten(next) || next.groups.length === 0) return [];
  const old = before && !isForgotten(before) ? before : null;
  const is = isTerminal(next) ? typeOf(next) : null;
  return next.groups.flatMap((group) => {
    const was = old && isTerminal(old) && old.groups.includes(group) ? typeOf(old) : null;
    const again = old?.logged?.includes(group) ?? false;
    return was === is ? [] : [{ group, id: next.id, was, is, again }];
  });
}

/** KV takes 65,536 bytes. One record above that would fail the whole commit, and with it tasks of others. */
const LARGEST_RECORD = 65_000;

/** @throws {RangeError} before anything of it is in a commit. */
function requireFit(stored: Stored): void {
  if (recordBytes(stored) <= LARGEST_RECORD) return;
  const bytes = encode(stored).byteLength;
  if (bytes > LARGEST_RECORD) {
    throw new RangeError(`the record of task ${stored.id} would have ${bytes} bytes`);
  }
}

/** An estimate from above. KV counts keys twice. */
function writeBytes({ key, value }: Write): number {
  const bytes = 2 * keyBytes(key) + 64;
  return typeof value === "object" && value !== null ? bytes + 3 * JSON.stringify(value).length : bytes;
}

/** What the key of a record or a queue entry takes, and a little more. */
const KEY_BYTES = 64;

function keyBytes(key: Deno.KvKey): number {
  let bytes = 0;
  for (const part of key) {
    // A text has two bytes around it; beyond ASCII a character takes up to three.
    bytes += typeof part !== "string" ? 9 : part.length * (/^\p{ASCII}*$/u.test(part) ? 1 : 3) + 2;
  }
  return bytes;
}

/** What a record takes at the most. Texts of users may need escapes of six bytes; JSON text is escaped already. */
function recordBytes(stored: Stored): number {
  if (isForgotten(stored)) return 400;
  const { metadata, history, input, result, error, tags } = stored;
  let text = 0;
  for (const { message } of history) text += message?.length ?? 0;
  for (const tag of tags) text += tag.length + 1;
  if (error) text += JSON.stringify(error).length;
  const json = metadata.length + inlineLength(input) + (result ? inlineLength(result) : 0);
  return 1_500 + 150 * history.length + 6 * text + 3 * json;
}

function inlineLength(value: StoredValue): number {
  return "json" in value ? value.json.length : 64;
}

function entryOf({ value, versionstamp }: Deno.KvEntryMaybe<Uint8Array>): Entry<Stored> | null {
  return value === null ? null : { record: decode(value), versionstamp };
}
