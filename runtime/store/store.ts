// The one place through which tasks are read and written. Units of many callers share a commit; how it is done stands
// in committer.ts.

import { type Cost, GroupCommit, Load } from "./group_commit.ts";
import type { Clock } from "../platform/clock.ts";
import { entryOf } from "./record_codec.ts";
import { type Applied, Committer, type OnApplied, type OnNotes, type Starter } from "./committer.ts";
import type { Ids } from "../platform/ids.ts";
import type { DependencyCounters } from "./dependency_counters.ts";
import { keys, parse, shardOf } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import {
  type Entry,
  hasDependents,
  isAwaiting,
  isForgotten,
  isPastRetention,
  isReady,
  isTerminal,
  type Stored,
  type StoredValue,
  type TaskRecord,
} from "../core/task.ts";
import { type Change, type Unit, unitOf, type UnitOptions } from "./commit_unit.ts";

/** The lanes commit independently of each other, so that a burst in one does not hold up the others. */
export type Lane = "submit" | "claim" | "settle" | "outbox";

export interface StoreOptions {
  kv: KvPort;
  clock: Clock;
  ids: Ids;
  /** Adds to a commit that makes tasks ready: how a KV queue message travels with them. */
  onCommit?: (atomic: Deno.AtomicOperation) => void;
  /** False: this process claims nothing, so it need not remember what is ready. */
  claims?: boolean;
}

const READY_KEPT = 20_000;
const LINKS_KEPT = 10_000;
/** Left free in a packed commit, for groups and idempotency keys. */
const SPARE: Cost = { checks: 3, shared: [], mutations: 4, bytes: 60_000, keyBytes: 1_000, owns: [] };

export class Store {
  readonly kv: KvPort;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Called after each commit, once per change. */
  onApplied: OnApplied = () => {};
  /** Called with what a commit has left in the outbox. */
  onNotes: OnNotes = () => {};
  /** Asked before new tasks go into the queue; null lets them all wait there for a claim. */
  starter: Starter | null = null;
  readonly dependencies: DependencyCounters;
  readonly #lanes: Record<Lane, GroupCommit<Unit, Applied>>;
  /**
   * Tasks that this process made ready, by their shards, oldest first, so that claiming them needs no read. A hint:
   * the commit checks it. Large ones are only counted.
   */
  readonly #ready: Map<string, { entry: Entry | null; look: number }>[];
  /** Small records that others wait for, or that wait for others, as this process last wrote them: hints again. */
  readonly #links = new Map<string, Entry>();
  #look = 0;
  readonly #claims: boolean;

  constructor({ kv, clock, ids, onCommit, claims = true }: StoreOptions) {
    this.#claims = claims;
    this.#ready = Array.from({ length: kv.shards }, () => new Map());
    this.kv = kv;
    this.clock = clock;
    this.ids = ids;
    const committer = new Committer({
      kv,
      clock,
      ids,
      onCommit,
      onApplied: (entry, before) => {
        this.#remember(entry);
        this.onApplied(entry, before);
      },
      onNotes: (ids, versionstamp) => this.onNotes(ids, versionstamp),
    });
    const lane = (starter: () => Starter | null) =>
      new GroupCommit((units: Unit[]) => committer.commit(units, starter()), kv.limits);
    this.dependencies = committer.dependencies;
    const starting = () => this.starter;
    const queueing = () => null;
    this.#lanes = {
      submit: lane(starting),
      claim: lane(queueing),
      settle: lane(queueing),
      outbox: lane(starting),
    };
  }

  /** The record or tombstone, as KV holds it now; null also once its retention is over. */
  async read(id: string): Promise<Entry<Stored> | null> {
    // The answer may come late: it is judged by the time at which it was asked for.
    const now = this.clock.now();
    return present(entryOf(await this.kv.get<Uint8Array>(keys.task(id))), now);
  }

  async readMany(ids: string[]): Promise<(Entry<Stored> | null)[]> {
    const now = this.clock.now();
    return (await this.peekMany(ids)).map((entry) => present(entry, now));
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
    const now = this.clock.now();
    const page = await this.kv.list<Uint8Array>(selector, { limit, reverse: true });
    return page.map((kv) => ({ id: parse.task(kv.key), entry: present(entryOf(kv), now) }));
  }

  /**
   * Ready tasks for a claim: from memory where that agrees with the queue (`fits`), else from KV. Another process may
   * have run the task and put it into another block since.
   */
  async readReady(ids: string[], fits: (record: TaskRecord) => boolean): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    const missing: string[] = [];
    for (const id of ids) {
      const known = this.#readyAt(id).get(id)?.entry;
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

  /** True if one commit takes these changes, with room for a group and an idempotency key. */
  fits(changes: Change[], options: UnitOptions): boolean {
    const load = new Load();
    load.add(SPARE);
    load.add(unitOf("", changes, options).cost);
    return !load.exceeds(this.kv.limits);
  }

  /** Splits changes into runs that each fit one commit, in order, with so many mutations to spare. */
  pack(changes: Change[], options: UnitOptions = {}, spareMutations = 0): Change[][] {
    const packs: Change[][] = [];
    const spare = { ...SPARE, mutations: SPARE.mutations + spareMutations };
    let load = new Load();
    load.add(spare);
    for (const change of changes) {
      const { cost } = unitOf("", [change], options);
      load.add(cost);
      if (packs.length === 0 || load.exceeds(this.kv.limits)) {
        packs.push([]);
        load = new Load();
        load.add(spare);
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

  #remember(entry: Entry<Stored>): void {
    const { record } = entry;
    if (!this.#claims) return;
    this.#links.delete(record.id);
    if (!isForgotten(record) && isLink(record) && isSmall(record)) {
      this.#links.set(record.id, entry as Entry);
      if (this.#links.size > LINKS_KEPT) this.#links.delete(this.#links.keys().next().value!);
    }
    const ready = this.#readyAt(record.id);
    ready.delete(record.id);
    if (!isReady(record) || this.waiting >= READY_KEPT) return;
    const kept = isSmall(record as TaskRecord) ? entry as Entry : null;
    ready.set(record.id, { entry: kept, look: this.#look });
  }

  /** A task that waits for others, or that others waited for, as this process last wrote it. */
  link(id: string): Entry | undefined {
    return this.#links.get(id);
  }

  /** A commit that relied on it conflicted. */
  forgetLink(id: string): void {
    this.#links.delete(id);
  }

  /** How many tasks wait in the queue, as far as this process knows. */
  get waiting(): number {
    return this.#ready.reduce((sum, { size }) => sum + size, 0);
  }

  /** The queue is about to be looked through. */
  nextLook(): number {
    return ++this.#look;
  }

  /** Drops what was remembered before a look that went to the end of the shard: others have claimed it. */
  forgetReadyBefore(look: number, shard: number): void {
    const ready = this.#ready[shard];
    for (const [id, known] of ready) {
      if (known.look >= look) return;
      ready.delete(id);
    }
  }

  /** Drops what was remembered of a task whose claim conflicted. */
  forgetReady(id: string): void {
    this.#readyAt(id).delete(id);
  }

  #readyAt(id: string): Map<string, { entry: Entry | null; look: number }> {
    return this.#ready[shardOf(id, this.kv.shards)];
  }
}

/** Null for one that was past its retention. */
function present(entry: Entry<Stored> | null, now: number): Entry<Stored> | null {
  return entry && isPastRetention(entry.record, now) ? null : entry;
}

/** Small enough to be kept by the thousand. */
function isSmall({ input, result }: TaskRecord): boolean {
  return inlineLength(input) + inlineLength(result) <= 1_000;
}

function inlineLength(value: StoredValue | null): number {
  return value && "json" in value ? value.json.length : 0;
}

/** Others may ask for it soon: it waits for some of them, or has ended and they take its result. */
function isLink(record: TaskRecord): boolean {
  return isAwaiting(record) || hasDependents(record) && isTerminal(record);
}
