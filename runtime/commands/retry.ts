// What callers may do to a task from outside while or after it runs: cancel, retry, forget.

import { discardUnlessNamed } from "../store/discard.ts";
import { sleep } from "../platform/clock.ts";
import { checkInput } from "./prepare.ts";
import { type EdgeBlock, isNeeded } from "../dependencies/edges.ts";
import {
  ConflictError,
  type Fault,
  ForgottenError,
  NotFoundError,
  PreconditionError,
  UnavailableError,
  ValidationError,
} from "../core/errors.ts";
import { eventsOfPastEnd } from "../store/event_log.ts";
import { decisionOf, type Join, noteWrite } from "../store/dependency_counters.ts";
import { pointer } from "../core/json.ts";
import { keys, prefixes } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import type { Registry } from "../core/registry.ts";
import { resumedBy } from "../dependencies/resume_dependents.ts";
import type { Store } from "../store/store.ts";
import {
  type Entry,
  isAwaiting,
  isFollowed,
  isForgotten,
  isPastRetention,
  isTerminal,
  stateOf,
  type Stored,
  type StoredValue,
  type TaskRecord,
  typeOf,
} from "../core/task.ts";
import { cancelled, cancelRequested, retried } from "../core/transitions.ts";
import type { Change } from "../store/commit_unit.ts";
import type { Values } from "../store/values.ts";

/** What a cancel came to. `entry` is the task after it. */
export interface Cancelled {
  outcome: "cancelled" | "requested" | "too_late";
  entry: Entry;
}

/** Versions of which the task must have one, or undefined. */
export type IfMatch = string[] | undefined;

const CHILDREN_AT_ONCE = 200;
/** The follower of some process does it at once; where none runs, somebody has to come back. */
const TOLD_WITHIN_MS = 5_000;
/** Dependents that a retry puts back are waited for this long, and looked at this often. */
const FOLLOWED_WITHIN_MS = 2_000;
const FOLLOWED_LOOK_MS = 10;
const MOST_BLOCKS = 100;
const MOST_FOLLOWED = 1_000;

export class Steering {
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly registry: Registry,
    private readonly maxInputBytes: number,
  ) {}

  /**
   * A waiting task is cancelled at once and for good. A running one is asked to stop, and ends CANCELLED when its
   * function returns or after `graceMs`. Asking again changes nothing.
   *
   * @param children cancel what it has submitted too; the default is true for a task of a flow.
   */
  async cancel(
    id: string,
    reason: string | null,
    graceMs: number,
    ifMatch?: IfMatch,
    children?: boolean,
  ): Promise<Cancelled> {
    const cancelled = await this.#cancelOne(id, reason, graceMs, ifMatch);
    if (children ?? cancelled.entry.record.node !== undefined) {
      await this.#cancelChildren(id, reason, graceMs);
    }
    return cancelled;
  }

  /** Also those of a task that has ended: they may go on after it. */
  async #cancelChildren(parent: string, reason: string | null, graceMs: number): Promise<void> {
    const prefix = prefixes.index("parent", parent);
    for (let start: Deno.KvKey = [...prefix, ""];;) {
      const page = await this.store.kv.list({ prefix, start }, { limit: CHILDREN_AT_ONCE });
      const children = page.map(({ key }) => key[3] as string);
      await Promise.all(children.map(async (child) => {
        try {
          await this.cancel(child, reason, graceMs, undefined, true);
        } catch (error) {
          // It ended and was deleted meanwhile.
          if (!(error instanceof NotFoundError || error instanceof ForgottenError)) throw error;
        }
      }));
      if (page.length < CHILDREN_AT_ONCE) return;
      start = [...page[page.length - 1].key, ""];
    }
  }

  async #cancelOne(
    id: string,
    reason: string | null,
    graceMs: number,
    ifMatch?: IfMatch,
  ): Promise<Cancelled> {
    let outcome: Cancelled["outcome"] = "too_late";
    let seen: Entry | undefined;
    const after = await this.store.update("settle", id, (entry) => {
      const { record } = seen = this.#require(entry, ifMatch);
      const type = typeOf(record);
      outcome = type === "CANCELLED" ? "cancelled" : type === "CANCELLING" ? "requested" : "too_late";
      // So that it stays cancelled if its upstream is run again.
      if (stateOf(record).name === "UpstreamFailed" && record.cancel === null) {
        return { next: { ...record, cancel: { reason, graceMs: 0 } } };
      }
      if (outcome !== "too_late" || isTerminal(record)) return null;
      const now = this.store.clock.now();
      if (type === "RUNNING") {
        outcome = "requested";
        return { next: cancelRequested(record, now, reason, graceMs) };
      }
      outcome = "cancelled";
      return { next: cancelled(record, now, reason) };
    });
    if (after === undefined) throw new NotFoundError("task", id);
    return { outcome, entry: (after ?? seen) as Entry };
  }

  /**
   * Runs an ended, not completed task again under the same id, with a fresh budget of attempts.
   *
   * @param input JSON value that replaces the input, or undefined to keep it.
   * @throws {ConflictError} if it has not ended, or completed.
   */
  async retry(id: string, input: unknown, ifMatch?: IfMatch): Promise<Entry> {
    const current = this.#require(await this.#read(id), ifMatch);
    let replaced: StoredValue | null = null;
    let special = false;
    if (input !== undefined) {
      const definition = this.registry.require(current.record.task);
      const faults: Fault[] = [];
      const checked = checkInput(
        this.registry,
        definition,
        input,
        "/input",
        this.maxInputBytes,
        faults,
        current.record.chunk,
      );
      for (const { path } of checked.references) {
        const message =
          "the input of a retry must not refer to tasks: whom it waits for was said at its submit";
        faults.push({ pointer: `/input${pointer(path)}`, message });
      }
      if (faults.length > 0) throw new ValidationError(faults);
      special = checked.special;
      replaced = await this.values.store(id, checked.input);
    }
    const { deps } = current.record;
    // With an input of its own it needs nobody's result.
    const isFree = replaced !== null && deps !== undefined && !deps.released;
    if (deps && !deps.released && !isFree) await this.#requireUpstreams(id);
    try {
      // Storing an input takes time, in which the task may have moved on.
      for (let known: Entry | null = replaced ? null : current;; known = null) {
        const entry = known ?? this.#require(await this.#read(id), ifMatch);
        const { record } = entry;
        const state = stateOf(record);
        const now = this.store.clock.now();
        // What was read a while ago may be kept for longer by now: a look of now decides.
        if (isPastRetention(record, now)) continue;
        if (!isTerminal(record) || state.type === "COMPLETED") {
          throw new ConflictError(
            `a task is retried after FAILED, CRASHED or CANCELLED; this one is ${state.type}`,
          );
        }
        const freed = isFree ? { ...record, deps: { ...record.deps!, released: true } } : record;
        const next = retried(freed, now, replaced ?? record.input);
        if (replaced) next.special = special;
        // Meanwhile all that it waits for may have ended.
        const writes: Write[] = isAwaiting(next) ? [noteWrite(id)] : isFree ? [{ key: keys.join(id) }] : [];
        const change: Change = { before: entry, next, events: eventsOfPastEnd(record), writes };
        const { changes, checks } = await resumedBy(this.store, record);
        const all = [change, ...changes];
        const applied = this.store.fits(all, { checks })
          ? await this.store.commit("settle", all, { checks })
          : await this.store.commit("settle", [change]);
        if (applied) return applied[0] as Entry;
      }
    } catch (error) {
      // Without an answer nobody knows whether the record names it by now; one that it does not name is found later.
      if (replaced && !(error instanceof UnavailableError)) {
        await discardUnlessNamed(this.store, this.values, id, replaced);
      }
      throw error;
    }
  }

  /**
   * Resolves when what follows from a retry has been done: the dependents that its own commit could not put back are
   * put back by the follower, right behind it. A caller who looks then shall not find that all has ended. Not for ever:
   * the retry itself is on disk.
   */
  async followedUp({ id, next = [], followed }: TaskRecord): Promise<void> {
    const { kv, clock } = this.store;
    let ids = [id, ...next];
    if (ids.length === 1 && !followed) return;
    const until = clock.monotonic() + FOLLOWED_WITHIN_MS;
    try {
      const blocks = await kv.list<EdgeBlock>({ prefix: prefixes.edges(id) }, { limit: MOST_BLOCKS });
      ids = [...ids, ...blocks.flatMap(({ value }) => value.ids)].slice(0, MOST_FOLLOWED);
      while (clock.monotonic() < until) {
        const notes = await kv.getMany(ids.map(keys.outbox));
        if (notes.every(({ versionstamp }) => versionstamp === null)) return;
        await sleep(clock, FOLLOWED_LOOK_MS);
      }
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }

  /** A task whose upstream has failed has nothing to run with. */
  async #requireUpstreams(id: string): Promise<void> {
    const { value } = await this.store.kv.get<Join>(keys.join(id));
    if (!value || decisionOf(value) !== "fail") return;
    const which = value.first === null ? "a task that it waits for" : `its upstream ${value.first}`;
    throw new ConflictError(`${which} did not complete: retry that one, and this one goes on by itself`);
  }

  /**
   * Deletes an ended task and all it stored. That it was there is remembered for a day.
   *
   * @throws {ConflictError} if it has not ended, or a task that waits for it has not.
   */
  async forget(id: string, ifMatch?: IfMatch): Promise<void> {
    const until = this.store.clock.monotonic() + TOLD_WITHIN_MS;
    for (;;) {
      const entry = this.#require(await this.#read(id), ifMatch);
      const { record } = entry;
      if (!isTerminal(record)) {
        throw new ConflictError(
          `only an ended task can be forgotten; this one is ${typeOf(record)}: cancel it first`,
        );
      }
      if (isFollowed(record) && await isNeeded(this.store, record)) {
        throw new ConflictError("a task that takes its result has not ended: cancel that one first");
      }
      const next = { id, op: "", rev: record.rev, forgottenAt: this.store.clock.now() };
      // Whoever follows it must have been told of its end.
      const checks = isFollowed(record) ? [{ key: keys.outbox(id), versionstamp: null }] : [];
      if (await this.store.commit("settle", [{ before: entry, next }], { checks })) return;
      if (this.store.clock.monotonic() > until) {
        throw new ConflictError("those that wait for it have not been told of its end yet: try again");
      }
      await sleep(this.store.clock, TOLD_WITHIN_MS / 100);
    }
  }

  async #read(id: string): Promise<Entry<Stored>> {
    const entry = await this.store.read(id);
    if (!entry) throw new NotFoundError("task", id);
    return entry;
  }

  #require(entry: Entry<Stored>, ifMatch: IfMatch): Entry {
    if (isForgotten(entry.record)) throw new ForgottenError(entry.record.id);
    if (ifMatch !== undefined && !ifMatch.includes(entry.versionstamp)) {
      throw new PreconditionError(
        `the task has changed: its version is ${entry.versionstamp}`,
      );
    }
    return entry as Entry;
  }
}
