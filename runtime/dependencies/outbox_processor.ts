// Processes outbox entries. Each of them says that work may follow from the present state of a task, a
// barrier, a limit or a pause. The work depends on that state alone, so it may be done twice, or by two
// processes at once.

import { endOf } from "../core/conditions.ts";
import { isReplaced } from "../core/replaced.ts";
import { type Entry, isForgotten } from "../core/task.ts";
import { AutoResetEvent } from "../platform/auto_reset_event.ts";
import { Coalescer } from "../platform/coalescer.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import { type OutboxSubject, outboxSubject } from "../platform/outbox_subject.ts";
import type { Log } from "../platform/log.ts";
import { letGo } from "../queues/held_tasks.ts";
import type { DependencyCounter } from "../store/dependency_counters.ts";
import { entryOrNewer, isNewerRecord } from "../store/record_codec.ts";
import type { Store } from "../store/store.ts";
import { admitParked } from "../flow_control/admit_parked.ts";
import { applyRules } from "../flow_control/apply_rules.ts";
import { meetFullLimit } from "../flow_control/meet_full_limit.ts";
import { cancelRest, type CancelTask } from "./cancel_rest.ts";
import { admit } from "./concurrency_limit.ts";
import { tellDependents } from "./edges.ts";
import { tellOfGroup } from "./group_end.ts";
import { moveDependent, type OutboxTask } from "./move_dependent.ts";
import { releaseBarrier } from "./release_barrier.ts";
import { releaseRetried } from "./retry_barrier.ts";

interface Waiter {
  left: Set<string>;
  done: AutoResetEvent;
}

const BY_COMMIT: ReadonlySet<OutboxSubject["kind"]> = new Set(["limit", "full-limit"]);
const NONE: OutboxTask["counter"] = { value: null, versionstamp: null };
/** @returns false if it must be done again */
export type FollowGroup = (group: string, version: string, isStopping: () => boolean) => Promise<boolean>;

const PER_ROUND = 100;
const PER_SWEEP = 1_000;
/** After this a step of an entry's work is repeated. */
const LONGEST_STEP_MS = 10_000;

export interface OutboxHooks {
  /** Told when tasks went back into their queues without a change of their records. */
  onReady(): void;
  cancel: CancelTask;
  /** Likewise all of a group. */
  cancelGroup: CancelTask;
  /** Does what follows when a group with a policy has stopped or ended. */
  followGroup: FollowGroup;
  /** What has to do with tasks in the place of others; loaded by the first of them. */
  replacements(): Promise<ReplacementSteps>;
}

/** Each is false if it must be done again. */
export interface ReplacementSteps {
  follow(task: string, outboxVersion: string): Promise<boolean>;
  settle(outboxTask: OutboxTask): Promise<boolean>;
}

export class OutboxProcessor {
  /** Versions of the entries, where they are known. */
  readonly #pending = new Map<string, string | null>();
  readonly #rounds: Coalescer = new Coalescer(() => this.#round());
  readonly #waiters = new Set<Waiter>();
  /** Entries whose work takes many rounds. */
  readonly #long = new Map<string, Promise<void>>();
  #stopped = true;

  constructor(
    private readonly store: Store,
    private readonly log: Log,
    private readonly hooks: OutboxHooks,
  ) {}

  start(): void {
    this.#stopped = false;
    this.#rounds.ring();
  }

  ring(subjects: string[], versionstamp: string | null = null): void {
    for (const subject of subjects) this.#pending.set(subject, versionstamp);
    if (!this.#stopped) this.#rounds.ring();
  }

  /** Finds entries of other processes, and those that nothing has rung for. @returns how many there are. */
  async sweep(): Promise<number> {
    const entries = await this.store.kv.list({ prefix: prefixes.outbox }, { limit: PER_SWEEP });
    if (entries.length > 0) this.ring(entries.map(({ key }) => parse.outbox(key)));
    return entries.length;
  }

  /**
   * Resolves once the outbox holds no entry about these subjects, or after `withinMs`.
   *
   * @returns false if it may still hold some.
   */
  async processed(subjects: string[], withinMs: number): Promise<boolean> {
    if (this.#stopped || subjects.length === 0) return subjects.length === 0;
    const waiter: Waiter = { left: new Set(subjects), done: new AutoResetEvent(this.store.clock) };
    this.#waiters.add(waiter);
    this.ring(subjects.filter((subject) => !this.#pending.has(subject)));
    await waiter.done.next(withinMs);
    this.#waiters.delete(waiter);
    return waiter.left.size === 0;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { done } of this.#waiters) done.ring();
    await this.#rounds.idle();
    await Promise.all(this.#long.values());
  }

  async #round(): Promise<void> {
    if (this.#stopped) return;
    const pending = [...this.#pending].slice(0, PER_ROUND);
    for (const [subject] of pending) this.#pending.delete(subject);
    try {
      const known = pending.map(([id, versionstamp]) => this.#known(id, versionstamp));
      const unknown = pending.flatMap(([id], i) => known[i] ? [] : [id]);
      const read = unknown.length > 0 ? await this.#read(unknown) : [];
      const all = [...known.filter((entry) => entry !== null), ...read];
      const { long = [], short: entries = [] } = Object.groupBy(all, (one) => isLong(one) ? "long" : "short");
      for (const entry of long) this.#begin(entry);
      // An entry must not be processed twice at a time.
      const results = await Promise.allSettled(entries.map((entry) => this.#process(entry)));
      const failed = new Set<string>();
      entries.forEach(({ id }, i) => {
        const result = results[i];
        if (result.status === "rejected") failed.add(id);
        else if (!result.value) this.#repeat(id);
      });
      const failure = results.find((result) => result.status === "rejected");
      // The sweep finds the entries again.
      if (failure) this.log.error("processing the outbox failed", failure.reason);
      const isOpen = (id: string) => failed.has(id) || this.#pending.has(id) || this.#long.has(id);
      this.#tellWaiters(pending.flatMap(([id]) => isOpen(id) ? [] : [id]));
    } catch (error) {
      // The sweep finds the entries again.
      this.log.error("processing the outbox failed", error);
    }
    if (this.#pending.size > 0) this.#rounds.ring();
  }

  /** A round does not wait for it: it waits for rounds itself. */
  #begin(entry: OutboxTask): void {
    const { id } = entry;
    if (this.#long.has(id)) return;
    const work = this.#process(entry).then((isDone) => {
      this.#long.delete(id);
      if (isDone) this.#tellWaiters([id]);
      else if (!this.#stopped) this.ring([id]);
    }, (error) => {
      this.#long.delete(id);
      // The sweep finds the entry again.
      this.log.error("processing the outbox failed", error);
    });
    this.#long.set(id, work);
  }

  /** Something has changed meanwhile: the next round reads what KV holds. */
  #repeat(id: string): void {
    this.store.links.forget(id);
    if (!this.#pending.has(id)) this.#pending.set(id, null);
  }

  #tellWaiters(processed: string[]): void {
    for (const { left, done } of this.#waiters) {
      for (const id of processed) left.delete(id);
      if (left.size === 0) done.ring();
    }
  }

  /** From memory, for an entry that this process has written. The commit checks whether it is up to date. */
  #known(id: string, versionstamp: string | null): OutboxTask | null {
    // Their commit checks the entry, and they read what they need. A barrier may be lifted, and raised again.
    if (versionstamp !== null && BY_COMMIT.has(outboxSubject(id).kind)) {
      return { id, versionstamp, entry: null, counter: NONE };
    }
    const entry = this.store.links.get(id);
    const counter = this.store.dependencies.known(id);
    return versionstamp === null || !entry || !counter ? null : { id, versionstamp, entry, counter };
  }

  async #read(ids: string[]): Promise<OutboxTask[]> {
    const found = await this.store.kv.getMany<unknown>(
      ids.flatMap((id) => [keys.outbox(id), keys.task(id), keys.dependencyCounter(id)]),
    );
    return ids.flatMap((id, i) => {
      const [{ versionstamp }, task, counter] = found.slice(3 * i, 3 * i + 3);
      if (versionstamp === null) return [];
      const entry = entryOrNewer(task as Deno.KvEntryMaybe<Uint8Array>);
      // The outbox entry stays, for a newer release.
      if (isNewerRecord(entry)) return [];
      return [{
        id,
        versionstamp,
        entry: entry && !isForgotten(entry.record) ? entry as Entry : null,
        counter: counter as Deno.KvEntryMaybe<DependencyCounter>,
      }];
    });
  }

  /** @returns false if it must be processed again. */
  async #process(outboxTask: OutboxTask): Promise<boolean> {
    const { id, versionstamp, entry } = outboxTask;
    const subject = outboxSubject(id);
    const isStopping = () => this.#stopped;
    switch (subject.kind) {
      case "barrier":
        return await releaseBarrier(this.store, id, versionstamp, isStopping);
      case "retry":
        return await releaseRetried(this.store, subject.task, versionstamp, (ids) => {
          return this.processed(ids, LONGEST_STEP_MS);
        });
      case "concurrency-limit":
        return await admit(this.store, subject.group, versionstamp);
      case "group":
        return await this.hooks.followGroup(subject.group, versionstamp, isStopping);
      case "group-end":
        return await tellOfGroup(this.store, subject.group, versionstamp, isStopping);
      case "limit":
        return await admitParked(this.store, subject.name, versionstamp);
      case "full-limit":
        return await meetFullLimit(this.store, subject.task, versionstamp);
      case "limit-rules":
        return await applyRules(this.store, subject.tenant, versionstamp, isStopping);
      case "held": {
        const isDone = await letGo(this.store, subject.definition, versionstamp);
        this.hooks.onReady();
        return isDone;
      }
      case "replace":
        return await (await this.hooks.replacements()).follow(subject.task, versionstamp);
      case "rest":
        return await cancelRest(this.store, subject.task, versionstamp, this.hooks);
      case "task": {
        if (entry?.record.followed) {
          const end = endOf(entry.record);
          // It may be retried, and end otherwise, while its dependents are told.
          const check = { key: keys.task(id), versionstamp: entry.versionstamp };
          if (!await tellDependents(this.store, id, end, check, isStopping)) return false;
        }
        if (entry && isReplaced(entry.record)) {
          return await (await this.hooks.replacements()).settle(outboxTask);
        }
        return await moveDependent(this.store, outboxTask);
      }
    }
  }
}

function isLong({ id }: OutboxTask): boolean {
  return ["retry", "group", "group-end", "replace"].includes(outboxSubject(id).kind);
}
