// Submitting: checked submissions become tasks, all of a call or none. An idempotency key is written in the same
// commit as the tasks it stands for, so the same call again finds them, whoever answers it.

import { sleep } from "../platform/clock.ts";
import { check, type Checked, draftOf } from "./prepare.ts";
import type { QueueDepth } from "./queue_limit.ts";
import {
  ConflictError,
  ForgottenError,
  IdempotencyMismatchError,
  NotFoundError,
  ValidationError,
} from "../core/errors.ts";
import { rootOf } from "../core/id_range.ts";
import { type GroupRecord, groupWrite, setTotal } from "../store/group_counters.ts";
import { outboxWrite } from "../store/dependency_counters.ts";
import { hasCurrentTime } from "../platform/ids.ts";
import { concurrencyLimitId, keys } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import type { Registry } from "../core/registry.ts";
import { firstAnswer, type Idem, type IdemRecord, idsOf, renamed, underWay } from "./idempotency.ts";
import { CUT_OFF_AFTER_MS } from "../dependencies/barrier.ts";
import type { Store } from "../store/store.ts";
import type { Submission } from "../core/submission.ts";
import {
  type Entry,
  isForgotten,
  type Stored,
  type StoredValue,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";
import { submitted } from "../core/transitions.ts";
import type { Change, UnitOptions } from "../store/commit_unit.ts";
import type { Values } from "../store/values.ts";
import {
  type DependencyGraph,
  dependencyGraphOf,
  faultsOfMissing,
  requireNoCycle,
  withoutDependencies,
} from "./dependency_graph.ts";
import { openConcurrencyLimit } from "../dependencies/concurrency_limit.ts";
import { type AtomicSubmit, behindBarrier, inOneCommit } from "./atomic_submit.ts";

/** The same key with the same fingerprint of the call stands for the same tasks, for a day. */
export interface Idempotency {
  key: string;
  fingerprint: string;
}

export interface SubmitCall {
  submissions: Submission[];
  /** The pointer to the n-th submission within what the caller sent. */
  pointerOf: (index: number) => string;
  /** Make a group of them. */
  group?: boolean;
  /** None of them runs before all of them are there. */
  whole?: boolean;
  /** The submissions' ids are of the family of this one, drawn for this call: a repeat goes by that of the first one. */
  root?: string;
  /** So many of the group run at once. */
  maxConcurrent?: number;
  /** Must still hold when the first of them is stored. */
  guard?: Deno.AtomicCheck;
  idempotency?: Idempotency;
}

export interface Submitted {
  /** In the order of the submissions. */
  ids: string[];
  /** As they were submitted; empty for a call of more than {@linkcode MOST_TOLD_WHOLE} tasks that are not one whole. */
  entries: Entry[];
  groupId: string | null;
  /** The call came before under its idempotency key: these are its tasks as they were then. */
  replayed: boolean;
}

/** Of more tasks than this a caller is told the ids alone. */
export const MOST_TOLD_WHOLE = 1_000;
/** Tasks of a call that are put together at a time. */
const SLICE = 1_000;
/** A call whose key stands still for this long was cut off. */
const ABANDONED_AFTER_MS = 2_000;
/** By then what a sealed call has left is cancelled. */
const RECOUNT_LATER_MS = 60_000;
const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

export class Submitter {
  /** Keys whose first call this process is still working on. */
  readonly #inFlight = new Set<string>();
  /** Ids of callers' own that this process is just storing. */
  readonly #ownIds = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly registry: Registry,
    private readonly maxInputBytes: number,
    private readonly depth: QueueDepth,
  ) {}

  /**
   * Stores the tasks of one call. When it resolves they are on disk.
   *
   * @throws {ValidationError | UnknownDefinitionError | TooLargeError} before anything is stored.
   * @throws {QueueFullError} if too many wait already.
   * @throws {ConflictError} if an id is taken, or if a call with the same idempotency key is under way.
   * @throws {IdempotencyMismatchError} if the key was used for another call.
   */
  async submit(call: SubmitCall): Promise<Submitted> {
    const { idempotency } = call;
    if (!idempotency) return await this.#storeAlone(call, null);
    const { key } = idempotency;
    if (this.#inFlight.has(key)) {
      throw underWay(key);
    }
    this.#inFlight.add(key);
    try {
      return await this.#storeOnce(call, idempotency);
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async #storeOnce(call: SubmitCall, { key, fingerprint }: Idempotency): Promise<Submitted> {
    for (;;) {
      const { value, versionstamp } = await this.store.kv.get<IdemRecord>(keys.idem(key));
      const known = value && value.createdAt + IDEMPOTENCY_MS > this.store.clock.now() ? value : null;
      if (known && known.fingerprint !== fingerprint) throw new IdempotencyMismatchError(key);
      if (known?.complete) {
        const checked = renamed(this.#checked(call), call.root, known.root);
        const entries = firstAnswer(checked, known);
        return { ids: idsOf(checked, known.root), entries, groupId: known.groupId, replayed: true };
      }
      if (known && !await this.#isAbandoned(key, versionstamp)) continue;
      const resumed = known && { root: known.root, groupId: known.groupId };
      const guard = { key: keys.idem(key), versionstamp };
      try {
        return await this.#storeAlone(call, { guard, fingerprint, resumed });
      } catch (error) {
        // Another process may have been first with this key; then its answer is the answer.
        const now = await this.store.kv.get<IdemRecord>(keys.idem(key));
        if (!(error instanceof ConflictError) || now.versionstamp === versionstamp) throw error;
      }
    }
  }

  /**
   * A call of several commits writes its key with each of them. One that stands still was cut off, and may be taken up.
   *
   * @returns false if it has been completed meanwhile.
   * @throws {ConflictError} if somebody works at it.
   */
  async #isAbandoned(key: string, versionstamp: string | null): Promise<boolean> {
    const { kv, clock } = this.store;
    const until = clock.monotonic() + ABANDONED_AFTER_MS;
    while (clock.monotonic() < until) {
      await sleep(clock, ABANDONED_AFTER_MS / 20);
      const now = await kv.get<IdemRecord>(keys.idem(key));
      if (now.versionstamp === versionstamp) continue;
      if (now.value?.complete) return false;
      throw underWay(key);
    }
    return true;
  }

  #checked(call: SubmitCall): Checked[] {
    const checked = check(this.registry, call.submissions, this.maxInputBytes, call.pointerOf);
    const seen = new Map<string, number>();
    checked.forEach(({ submission: { id } }, index) => {
      if (id === undefined) return;
      if (seen.has(id)) {
        throw new ConflictError(
          `id ${id} stands at ${call.pointerOf(seen.get(id)!)}/id too`,
          `${call.pointerOf(index)}/id`,
        );
      }
      seen.set(id, index);
    });
    return checked;
  }

  /**
   * Keeps other calls off the callers' own ids: a call of several commits must not find one taken half-way. Another
   * process could still come between, which is found by the commit itself.
   */
  async #storeAlone(call: SubmitCall, idem: Idem | null): Promise<Submitted> {
    const first = this.#checked(call);
    const checked = idem?.resumed ? renamed(first, call.root, idem.resumed.root) : first;
    await this.depth.admit(checked.length);
    const own = call.root !== undefined ? [] : checked.flatMap(({ submission: { id } }) => id ?? []);
    const taken = own.findIndex((id) => this.#ownIds.has(id));
    if (taken >= 0) {
      const index = checked.findIndex(({ submission: { id } }) => id === own[taken]);
      throw new ConflictError(`id ${own[taken]} is taken`, `${call.pointerOf(index)}/id`);
    }
    for (const id of own) this.#ownIds.add(id);
    try {
      return await this.#store(call, checked, idem);
    } finally {
      for (const id of own) this.#ownIds.delete(id);
    }
  }

  async #store(call: SubmitCall, checked: Checked[], idem: Idem | null): Promise<Submitted> {
    const { store } = this;
    const now = store.clock.now();
    const root = idem?.resumed?.root ?? call.root ?? rootOf(store.ids.id());
    const ids = idsOf(checked, root);
    const groupId = idem?.resumed ? idem.resumed.groupId : call.group ? store.ids.id() : null;
    const drawn = !idem?.resumed &&
      (call.root !== undefined || checked.every(({ submission }) => submission.id === undefined));
    if (!idem?.resumed && call.root === undefined) await this.#requireFree(call, checked);

    const groups = groupId === null ? [] : [groupId];
    const graph = dependencyGraphOf(checked, ids);
    if (graph) requireNoCycle(graph, ids, call.pointerOf);
    const outside = graph ? await this.#outside(graph, checked, call) : null;
    const { maxConcurrent } = call;
    const draftsFrom = async (from: number, count: number): Promise<TaskRecord[]> => {
      const drafts: TaskRecord[] = [];
      for (let i = from; i < Math.min(ids.length, from + count); i++) {
        const draft = draftOf(checked[i], ids[i], now, groups, i);
        if (maxConcurrent !== undefined) draft.windowed = i >= maxConcurrent;
        draft.input = await this.values.store(draft.id, checked[i].input);
        drafts.push(draft);
      }
      return drafts;
    };
    const guards = [idem?.guard, call.guard].filter((guard) => guard !== undefined);

    const first: Write[] = [];
    // A call that is taken up again finds its group there, perhaps with ends counted already.
    if (groupId !== null && !idem?.resumed) {
      const group: GroupRecord = { id: groupId, total: ids.length, log: 0, ended: {}, createdAt: now };
      if (call.maxConcurrent !== undefined) {
        group.maxConcurrent = call.maxConcurrent;
        first.push(openConcurrencyLimit(groupId, call.maxConcurrent, ids, now));
      }
      first.push(groupWrite(group, now));
    }
    // Tasks that were let in may have ended before those are there that wait for them.
    const always = groupId !== null && call.maxConcurrent !== undefined
      ? [outboxWrite(concurrencyLimitId(groupId))]
      : [];
    if (ids.some((id) => !hasCurrentTime(id, now))) {
      first.push({ key: keys.oddIds, value: true });
    }
    const by = store.ids.token();
    const idemWrite = (complete: boolean): Write => {
      const { guard: { key }, fingerprint } = idem!;
      const value: IdemRecord = { fingerprint, root, groupId, createdAt: now, complete, by };
      return { key, value, expireAt: now + IDEMPOTENCY_MS };
    };
    if (graph || call.whole) {
      const drafts = await draftsFrom(0, ids.length);
      const whole: AtomicSubmit = {
        ids,
        drafts,
        graph: graph ?? withoutDependencies(ids),
        upstreams: await this.#storeUpstreams(drafts, graph),
        allowFailure: checked.map(({ submission: { options } }) => options?.allowFailure ?? false),
        now,
        fresh: drawn,
        resumed: Boolean(idem?.resumed),
        guards,
        first,
        recount: groupId === null ? null : recountKey(groupId, now),
        progress: (complete) => idem ? [...always, idemWrite(complete)] : [...always],
      };
      const entries = await this.#storeWhole(whole, outside ?? new Map(), call, checked, idem);
      if (groupId !== null && idem?.resumed) await setTotal(store.kv, store.clock, groupId, ids.length);
      return { ids, entries, groupId, replayed: false };
    }

    const entries: Entry[] = [];
    let sure: UnitOptions["checks"] = [];
    const recount = groupId === null ? null : recountKey(groupId, now);
    // So many at a time: of a large call neither the records nor what is told of them need be there at once.
    for (let from = 0; from === 0 || from < ids.length; from += SLICE) {
      const isLast = from + SLICE >= ids.length;
      const drafts = await draftsFrom(from, SLICE);
      const changes: Change[] = drafts.map((draft) => ({ before: null, next: submitted(draft, now) }));
      // A call without tasks may still make a group.
      const packs = changes.length <= 1 ? [changes] : store.pack(changes, { fresh: drawn });
      for (const [n, pack] of packs.entries()) {
        const isFirst = from === 0 && n === 0;
        const isEnd = isLast && n === packs.length - 1;
        const writes = isFirst ? [...first, ...always] : [...always];
        // If the call is cut off, its group has fewer tasks than it was told.
        if (recount && isFirst !== isEnd) writes.push({ key: recount, value: isFirst ? null : undefined });
        const options: UnitOptions = { fresh: drawn, checks: isFirst ? guards : sure, writes };
        if (idem) options.writes!.push(idemWrite(isEnd));
        const applied = await this.#commitPack(pack, options, Boolean(idem?.resumed));
        if (!applied) {
          await Promise.all(pack.map(({ next }) => this.values.discard(next.id, (next as TaskRecord).input)));
          throw new ConflictError(await this.#describeConflict(pack));
        }
        // Another process may take up the same call from here on, and make these very ids.
        if (idem && !isEnd) sure = [await this.#still(idem.guard.key, by)];
        if (ids.length > MOST_TOLD_WHOLE) continue;
        entries.push(...applied.map((entry, i) => asSubmitted(entry, pack[i].next as TaskRecord)));
      }
    }
    // It may have been counted while this was under way.
    if (groupId !== null && idem?.resumed) await setTotal(store.kv, store.clock, groupId, ids.length);
    return { ids, entries, groupId, replayed: false };
  }

  async #storeWhole(
    whole: AtomicSubmit,
    outside: ReadonlyMap<string, Entry>,
    call: SubmitCall,
    checked: Checked[],
    idem: Idem | null,
  ): Promise<Entry[]> {
    const { store } = this;
    while (!idem?.resumed) {
      const one = inOneCommit(store, whole, outside);
      if (!one) break;
      const applied = await store.commit("submit", one.changes, one.options);
      const made = one.changes.slice(0, whole.ids.length);
      if (applied) return made.map(({ next }, i) => asSubmitted(applied[i], next as TaskRecord));
      // A task outside has moved on, or the call came too late.
      await this.#requireStillFree(whole.ids, idem);
      outside = await this.#outside(whole.graph, checked, call);
    }
    return await behindBarrier(store, whole, async (pack, options) => {
      const applied = await this.#commitPack(pack, options, Boolean(idem?.resumed));
      if (!applied) throw new ConflictError(await this.#describeConflict(pack));
      return applied.map((entry, i) => asSubmitted(entry, pack[i].next as TaskRecord));
    });
  }

  /** The version of the call's idempotency key, if it is still the one that this process wrote. */
  async #still(key: Deno.KvKey, by: string): Promise<Deno.AtomicCheck> {
    const { value, versionstamp } = await this.store.kv.get<IdemRecord>(key);
    if (value?.by !== by) throw new ConflictError("another call with this idempotency key took it up");
    return { key, versionstamp };
  }

  async #requireStillFree(ids: string[], idem: Idem | null): Promise<void> {
    const found = await this.store.kv.getMany(ids.map(keys.task));
    const taken = found.findIndex(({ versionstamp }) => versionstamp !== null);
    if (taken >= 0) throw new ConflictError(`id ${ids[taken]} is taken`);
    if (!idem) return;
    const { versionstamp } = await this.store.kv.get(idem.guard.key);
    if (versionstamp === idem.guard.versionstamp) return;
    throw new ConflictError("another call with this idempotency key came first");
  }

  /**
   * The tasks outside the call that those of it wait for, as they are now.
   *
   * @throws {ValidationError} if one of them is not there.
   */
  async #outside(graph: DependencyGraph, checked: Checked[], call: SubmitCall): Promise<Map<string, Entry>> {
    const ids = [...graph.outside.keys()];
    const entries = await this.store.readMany(ids);
    const missing = new Map<string, string>();
    const outside = new Map<string, Entry>();
    ids.forEach((id, i) => {
      const entry = entries[i];
      if (entry === null) missing.set(id, new NotFoundError("task", id).message);
      else if (isForgotten(entry.record)) missing.set(id, new ForgottenError(id).message);
      else outside.set(id, entry as Entry);
    });
    if (missing.size > 0) throw new ValidationError(faultsOfMissing(checked, missing, call.pointerOf));
    return outside;
  }

  /** A call that is taken up again after a crash finds some of its tasks already there, each one whole. */
  async #commitPack(pack: Change[], options: UnitOptions, resumed: boolean): Promise<Entry[] | null> {
    if (!resumed) return await this.store.commit("submit", pack, options) as Entry[] | null;
    const there = await this.store.peekMany(pack.map(({ next }) => next.id));
    const missing = pack.filter((_, i) => there[i] === null);
    const applied = await this.store.commit("submit", missing, options) as Entry[] | null;
    if (!applied) return null;
    const made = new Map(applied.map((entry) => [entry.record.id, entry]));
    return pack.map(({ next }) => made.get(next.id) ?? { record: next as TaskRecord, versionstamp: "" });
  }

  /** Ids of the caller's own must be free; most conflicts are found here, before anything is written. */
  async #requireFree(call: SubmitCall, checked: Checked[]): Promise<void> {
    const own = checked.flatMap(({ submission: { id } }, index) => id === undefined ? [] : [{ id, index }]);
    if (own.length === 0) return;
    const found = await this.store.kv.getMany(own.map(({ id }) => keys.task(id)));
    const taken = own.find((_, i) => found[i].versionstamp !== null);
    if (taken) {
      throw new ConflictError(`id ${taken.id} is taken`, `${call.pointerOf(taken.index)}/id`);
    }
  }

  async #describeConflict(pack: Change[]): Promise<string> {
    const found = await this.store.readMany(pack.map(({ next }) => next.id));
    const taken = pack.find((_, i) => found[i] !== null);
    return taken ? `id ${taken.next.id} is taken` : "another call with this idempotency key came first";
  }

  /** Whom each task waits for, as its record keeps it. */
  async #storeUpstreams(drafts: TaskRecord[], graph: DependencyGraph | null): Promise<StoredValue[]> {
    const stored: StoredValue[] = [];
    for (const [i, draft] of drafts.entries()) {
      stored.push(await this.values.store(draft.id, JSON.stringify(graph?.upstreams[i] ?? [])));
    }
    return stored;
  }
}

function recountKey(group: string, now: number): Deno.KvKey {
  return keys.due("recount", now + CUT_OFF_AFTER_MS + RECOUNT_LATER_MS, group);
}

/** What the caller is told. A task may have begun in the very commit that stored it: then its version is another. */
function asSubmitted(entry: Entry<Stored>, record: TaskRecord): Entry {
  // After a commit that was read back it may have been forgotten already.
  const isSame = !isForgotten(entry.record) && typeOf(entry.record) === typeOf(record);
  return isSame ? entry as Entry : { record, versionstamp: "" };
}
