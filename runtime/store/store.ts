// All tasks are read and written here. Units of many callers share a commit (committer.ts).

import { type Entry, isForgotten, isPastRetention, type Stored, type TaskRecord } from "../core/task.ts";
import type { RunnerKind } from "../core/define.ts";
import type { NewerRecordError } from "../core/errors.ts";
import { type Imposing, withImposed } from "../core/imposed_limits.ts";
import type { Clock } from "../platform/clock.ts";
import type { Ids } from "../platform/ids.ts";
import { keys, parse } from "../platform/keys.ts";
import type { KvPort, Reader } from "../platform/kv.ts";
import { Turns } from "../platform/turns.ts";
import { recordsOf } from "./records_together.ts";
import { type Change, unitOf, type UnitOptions } from "./commit_unit.ts";
import { type Applied, type CommitObserver, Committer } from "./committer.ts";
import type { DependencyCounters } from "./dependency_counters.ts";
import type { LimitCounters } from "./limit_counters.ts";
import { type Lane, Lanes } from "./lanes.ts";
import { LinkCache } from "./link_cache.ts";
import { fitsOneCommit, type PackOptions, packs } from "./packing.ts";
import { ReadyCache } from "./ready_cache.ts";
import { NewerTasks } from "./newer_tasks.ts";
import { entryOf, entryOrNewer, type Found, isNewerRecord } from "./record_codec.ts";
import type { Starter } from "./starter.ts";

export interface StoreOptions {
  kv: KvPort;
  clock: Clock;
  ids: Ids;
  /** Adds to a commit that makes tasks ready: how a KV queue message travels with them. */
  onCommit?: (atomic: Deno.AtomicOperation) => void;
  /** Lets new tasks start in the commit that stores them; null where all wait in the queue for a claim. */
  starter?: () => Starter | null;
  /** Told of the first task that only a newer release can go on with. */
  onNewer?: (error: NewerRecordError) => void;
  /** False: this process claims nothing, so it need not remember what is ready. */
  claims?: boolean;
  /** See {@linkcode ReadyCacheOptions.claims}. */
  claimsNow?: (record: TaskRecord) => boolean;
  /** What limits of its queue and its definition a task is under. Left out: none. */
  imposing?: Imposing;
  /** Where the function of a definition runs. */
  runnerOf?: (task: string) => RunnerKind;
}

export class Store {
  readonly kv: KvPort;
  readonly clock: Clock;
  readonly ids: Ids;
  /** For work of this process that takes long in one go. */
  readonly turns: Turns;
  readonly ready: ReadyCache;
  readonly links: LinkCache = new LinkCache();
  readonly newer: NewerTasks;
  readonly dependencies: DependencyCounters;
  readonly limits: LimitCounters;
  readonly #imposing: Imposing | undefined;
  readonly #lanes: Lanes;
  readonly #observers: CommitObserver[] = [];

  constructor(options: StoreOptions) {
    const { kv, clock, ids, onCommit, starter = () => null, onNewer = () => {}, claims = true } = options;
    const { runnerOf = () => "inline" } = options;
    this.#imposing = options.imposing;
    this.kv = kv;
    this.clock = clock;
    this.ids = ids;
    this.turns = new Turns(clock);
    this.ready = new ReadyCache({ shards: kv.shards, runnerOf, claims: options.claimsNow });
    this.newer = new NewerTasks(onNewer);
    if (claims) {
      this.subscribe({
        applied: (entry) => {
          this.links.update(entry);
          this.ready.update(entry);
        },
      });
    }
    const committer = new Committer({
      kv,
      clock,
      ids,
      onCommit,
      imposing: options.imposing,
      observers: this.#observers,
    });
    this.dependencies = committer.dependencies;
    this.limits = committer.limits;
    this.#lanes = new Lanes(committer, kv.limits, starter);
  }

  subscribe(observer: CommitObserver): () => void {
    this.#observers.push(observer);
    return () => {
      const at = this.#observers.indexOf(observer);
      if (at >= 0) this.#observers.splice(at, 1);
    };
  }

  /**
   * The record or tombstone as KV holds it now. Null also for a task past its retention.
   *
   * @throws {NewerRecordError} as all that read records, but for `readEach` and `peekEach`.
   */
  async read(id: string): Promise<Entry<Stored> | null> {
    // The answer may come late: the time of the question counts.
    const now = this.clock.now();
    return present(entryOf(await this.kv.get<Uint8Array>(keys.task(id))), now);
  }

  /** @param reader whose turn it is where many read: see {@linkcode KvPort.getMany} */
  async readMany(ids: string[], reader?: Reader): Promise<(Entry<Stored> | null)[]> {
    return readable(await this.readEach(ids, reader));
  }

  /** Like `readMany`, but a record that only a newer release can read is returned as an error. */
  async readEach(ids: string[], reader?: Reader): Promise<Found[]> {
    const now = this.clock.now();
    return (await this.peekEach(ids, reader)).map((entry) =>
      isNewerRecord(entry) ? entry : present(entry, now)
    );
  }

  /** Like `readMany`, for callers, and for ids of which most were drawn one after the other. */
  async readTogether(ids: string[]): Promise<(Entry<Stored> | null)[]> {
    const now = this.clock.now();
    const found = await recordsOf(this.kv, ids.toSorted());
    return readable(ids.map((id) => {
      const stored = found.get(id);
      return stored ? this.#found(id, stored, now) : null;
    }));
  }

  /** Like `readMany`, with tasks past their retention that are not removed yet. */
  async peekMany(ids: string[]): Promise<(Entry<Stored> | null)[]> {
    return readable(await this.peekEach(ids));
  }

  async peekEach(ids: string[], reader?: Reader): Promise<Found[]> {
    const entries = (await this.kv.getMany<Uint8Array>(ids.map(keys.task), reader)).map(entryOrNewer);
    entries.forEach((entry, i) => isNewerRecord(entry) && this.newer.add(ids[i], entry));
    return entries;
  }

  /**
   * Like `readEach`, but of the records only those that have another version than `seen` says.
   *
   * @param ids sorted
   */
  async readChanged(ids: string[], seen: ReadonlyMap<string, string>): Promise<[id: string, found: Found][]> {
    const now = this.clock.now();
    const found = await recordsOf(this.kv, ids);
    return ids.flatMap((id): [string, Found][] => {
      const stored = found.get(id);
      if (!stored || stored.versionstamp === null) return [[id, null]];
      return stored.versionstamp === seen.get(id) ? [] : [[id, this.#found(id, stored, now)]];
    });
  }

  #found(id: string, stored: Deno.KvEntryMaybe<Uint8Array>, now: number): Found {
    const entry = entryOrNewer(stored);
    if (!isNewerRecord(entry)) return present(entry, now);
    this.newer.add(id, entry);
    return entry;
  }

  async readNewest(
    selector: Deno.KvListSelector,
    limit: number,
  ): Promise<{ id: string; entry: Entry<Stored> | null }[]> {
    const now = this.clock.now();
    const page = await this.kv.list<Uint8Array>(selector, { limit, reverse: true });
    return page.map((kv) => ({ id: parse.task(kv.key), entry: present(entryOf(kv), now) }));
  }

  /**
   * Ready tasks for a claim: from memory if that agrees with the queue (`fits`), else from KV. Another
   * process may have run the task since, and put it into another block. Tasks of a newer release are left
   * out.
   */
  async readReady(
    ids: string[],
    fits: (record: TaskRecord) => boolean,
    queue?: string,
  ): Promise<Map<string, Entry>> {
    const entries = new Map<string, Entry>();
    const missing: string[] = [];
    for (const id of ids) {
      const known = this.ready.get(id, queue);
      if (known && fits(known.record)) entries.set(id, known);
      else missing.push(id);
    }
    for (const entry of missing.length > 0 ? await this.readEach(missing) : []) {
      if (entry && !isNewerRecord(entry) && !isForgotten(entry.record)) {
        entries.set(entry.record.id, entry as Entry);
      }
    }
    return entries;
  }

  /**
   * Commits changes that belong together. Changes of other callers may share the commit. Resolves once they
   * are on disk.
   *
   * @throws {UnavailableError} if KV takes no commit for 10 s.
   */
  commit(lane: Lane, changes: Change[], options: UnitOptions = {}): Promise<Applied> {
    const imposed = this.#imposed(changes);
    // A limit that came as all was packed already: the claims of those that it concerns ask it.
    const all = imposed === changes || this.#fits(imposed, options) ? imposed : changes;
    return this.#lanes.commit(lane, unitOf(this.ids.token(), all, options, this.kv.shards));
  }

  /** True if one commit takes them. */
  fits(changes: Change[], options: UnitOptions): boolean {
    return this.#fits(this.#imposed(changes), options);
  }

  async pack(changes: Change[], options?: PackOptions): Promise<Change[][]> {
    const imposed = this.#imposed(changes);
    const packed = await packs(this.kv, imposed, this.turns.begin(), options);
    if (imposed === changes) return packed;
    // The caller knows its changes.
    let at = 0;
    return packed.map((pack) => pack.map(() => changes[at++]));
  }

  #fits(changes: Change[], options: UnitOptions): boolean {
    return fitsOneCommit(this.kv, changes, options);
  }

  /** Those that become ready get the limits of their queue and their definition. */
  #imposed(changes: Change[]): Change[] {
    const imposing = this.#imposing;
    if (!imposing?.hasLimits) return changes;
    let imposed = changes;
    changes.forEach((change, i) => {
      const next = withImposed(change.before?.record ?? null, change.next, imposing);
      if (next === change.next) return;
      if (imposed === changes) imposed = [...changes];
      imposed[i] = { ...change, next };
    });
    return imposed;
  }

  /**
   * Changes a task in whatever state it is: `step` gets the newest record and returns the change, or null for
   * none. It is called again after each conflict.
   *
   * @returns the entry after the change, null if there was none, undefined if there is no such task.
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

  /** See {@linkcode Lanes.hurry}. */
  hurry(): void {
    this.#lanes.hurry();
  }

  /** Resolves once the commits that are under way now are decided. */
  async underWay(): Promise<void> {
    await this.#lanes.underWay();
  }

  async idle(): Promise<void> {
    await this.#lanes.idle();
  }
}

function readable(entries: Found[]): (Entry<Stored> | null)[] {
  return entries.map((entry) => {
    if (isNewerRecord(entry)) throw entry;
    return entry;
  });
}

function present(entry: Entry<Stored> | null, now: number): Entry<Stored> | null {
  return entry && isPastRetention(entry.record, now) ? null : entry;
}
