// Fires schedules that are due. A time is fired by one commit, which checks the schedule's record, and writes
// the task, the record, and the next timer. The task's id follows from the schedule and the time. So however
// many processes fire, and whatever dies, a time has one task at the most.

import { cancelIfThere } from "../commands/cancel.ts";
import type { CommandContext } from "../commands/context.ts";
import type { Submitter } from "../commands/submit.ts";
import { callerWithin } from "../core/caller.ts";
import {
  ConflictError,
  LimitFullError,
  QueueFullError,
  StorageFullError,
  UnavailableError,
} from "../core/errors.ts";
import { inTenant } from "../core/tenant.ts";
import { after, behindAll, dueBetween, keys, parse, prefixes } from "../platform/keys.ts";
import type { Log } from "../platform/log.ts";
import { loadCron } from "./cron.ts";
import {
  type Decision,
  decisionOf,
  firedBefore,
  looksAtTasks,
  type OwnTask,
  passedOver,
  refused,
  waitedFor,
} from "./decision.ts";
import { readDue } from "./read_due.ts";
import { entryOf, keyOf, type ScheduleEntry, type ScheduleRecord, writesOf } from "./record.ts";
import { ownTasks } from "./own_tasks.ts";
import { Expansion, expansionOf } from "./spec.ts";

/** Of larger pages more outlives young collections: 500 took a tenth more of the processor. */
const PER_PAGE = 200;
/** Programs of two releases run side by side for less. */
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;
/** The grace of a task that makes room for the next one. */
const CANCEL_GRACE_MS = 10_000;
const CANCEL_REASON = "the next time of its schedule has come";
/** Cancels of one decision: a task that is asked to stop may have ended, and another one begun. */
const MOST_TRIES = 5;

interface Due {
  key: Deno.KvKey;
  at: number;
  id: string;
}

export class ScheduleTimers {
  readonly #expansions = new Map<string, Expansion>();
  /** Those that could not be fired in this round, and may be later. */
  #held: { name: string; error: unknown }[] = [];

  constructor(
    private readonly context: CommandContext,
    private readonly submitter: Submitter,
    private readonly log: Log,
  ) {}

  /** @returns when the next one is due (wall clock), or null if there is none. */
  async tick(isStopping: () => boolean = () => false): Promise<number | null> {
    const { store: { kv, clock } } = this.context;
    const now = clock.now();
    let selector = dueBetween("schedule", 0, now + 1);
    // One small read where nothing is due, however many schedules there are.
    const head = await this.#nextAfter(0);
    if (head === null || head > now) return head;
    let moved = 0;
    this.#held = [];
    // While the tasks of a page are written the next page is read.
    let firing = Promise.resolve(0);
    try {
      while (!isStopping()) {
        const page = await kv.list(selector, { limit: PER_PAGE });
        const before = firing;
        firing = this.#fireAll(page.map(({ key }) => ({ key, ...parse.due(key) })), now);
        // It is thrown below.
        firing.catch(() => {});
        moved += await before;
        if (page.length < PER_PAGE) break;
        selector = { ...selector, start: after(page[page.length - 1].key) };
      }
    } finally {
      moved += await firing;
    }
    if (this.#held.length > 0) {
      const [{ name, error }] = this.#held;
      this.log.error(
        `schedules that could not be fired yet: ${this.#held.length}; the first is ${name}`,
        error,
      );
    }
    // What could not be fired here is looked at again with the next sweep, unless another process fires it.
    return await this.#nextAfter(moved > 0 ? 0 : now + 1);
  }

  async #nextAfter(from: number): Promise<number | null> {
    const end = behindAll(prefixes.due("schedule"));
    const [next] = await this.context.store.kv.list({ ...dueBetween("schedule", from, 0), end }, {
      limit: 1,
    });
    return next ? parse.due(next.key).at : null;
  }

  /** @returns how many timers are done with. */
  async #fireAll(due: Due[], now: number): Promise<number> {
    if (due.length === 0) return 0;
    const { store } = this.context;
    await loadCron();
    const found = await readDue(store.kv, due.map(({ id }) => id));
    const entries = found.map(entryOf);
    const looking = entries.map((entry) => entry && looksAtTasks(entry.record) ? entry.record : null);
    const tasks = await ownTasks(store, looking);
    const outcomes = await Promise.allSettled(due.map((timer, i) => {
      const entry = entries[i];
      if (entry?.record.dueAt !== timer.at) return this.#remove(timer, found[i]);
      return this.#fire(entry, tasks[i], now);
    }));
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed) throw (failed as PromiseRejectedResult).reason;
    return outcomes.filter((one) => one.status === "fulfilled" && one.value).length;
  }

  /** @returns false if the schedule is left as it is. */
  async #fire(entry: ScheduleEntry, tasks: OwnTask[], now: number): Promise<boolean> {
    const { record } = entry;
    // Another process has the definition, or will.
    if (!this.context.registry.has(record.task)) return await this.#abandon(entry, now);
    const expansion = this.#expansion(record);
    if (expansion === null) return false;
    let decision = decisionOf(record, expansion, tasks, now);
    for (let tries = 1; decision.kind === "cancel" && tries < MOST_TRIES; tries++) {
      await this.#cancel(record, decision.ids);
      const [left] = await ownTasks(this.context.store, [record]);
      decision = decisionOf(record, expansion, left, now);
    }
    if (decision.kind === "cancel") return false;
    if (decision.kind === "move") return await this.#move(entry, decision.next);
    return await this.#submit(entry, decision, expansion);
  }

  async #submit(
    entry: ScheduleEntry,
    { next, taskId, waitFor }: Decision & { kind: "fire" },
    expansion: Expansion,
  ): Promise<boolean> {
    const { record } = entry;
    const { name, tenant, task, input, options, by } = record;
    const upstreams = waitedFor(waitFor, this.context.store.kv.limits.checks);
    const waits = upstreams.length === 0 ? {} : { waitFor: upstreams, allowFailure: true };
    const schedule = { name, for: record.next!.at };
    const submission = {
      id: taskId,
      task,
      input: JSON.parse(input),
      options: { ...options, ...waits },
      schedule,
    };
    try {
      const { ids } = await this.submitter.submit({
        batch: { submissions: [submission], pointerOf: (_, part) => part },
        looksUpIds: false,
        guard: guardOf(entry),
        writes: () => writesOf(record, next),
        caller: callerWithin(tenant, by),
      });
      if (ids[0] === inTenant(taskId, tenant)) return true;
      // Its definition's `unique` has found the task of another submit.
      return await this.#passOver(entry, expansion);
    } catch (error) {
      return await this.#failed(entry, taskId, error, expansion);
    }
  }

  /** The submit may have moved the record, or not. What a caller has changed meanwhile stays. */
  async #passOver({ record }: ScheduleEntry, expansion: Expansion): Promise<boolean> {
    const newest = entryOf(await this.context.store.kv.get<Uint8Array>(keyOf(record)));
    if (newest?.record.op !== record.op) return true;
    return await this.#move(newest, passedOver(record, expansion));
  }

  async #failed(
    entry: ScheduleEntry,
    taskId: string,
    error: unknown,
    expansion: Expansion,
  ): Promise<boolean> {
    const { record } = entry;
    if (error instanceof UnavailableError) throw error;
    const { store: { kv } } = this.context;
    const [now, task] = await kv.getMany([keyOf(record), keys.task(inTenant(taskId, record.tenant))]);
    // Another process was first, or a caller has changed it.
    if (now.versionstamp !== entry.versionstamp) return true;
    if (task.versionstamp !== null) return await this.#move(entry, firedBefore(record, expansion));
    // A conflict that is about its options stays one: as for a caller, the submit is refused.
    const isPassing = error instanceof ConflictError && !error.pointer.startsWith("/options");
    const isForNow = isPassing || error instanceof QueueFullError ||
      error instanceof StorageFullError;
    if (isForNow) {
      this.#held.push({ name: record.name, error });
      return false;
    }
    // Its options, or its definition's, ask for that where a slot or a key is taken.
    const isAsked = error instanceof LimitFullError || error instanceof ConflictError;
    if (!isAsked) this.log.error(`the schedule ${record.name} could not be fired`, error);
    const message = error instanceof Error ? error.message : String(error);
    return await this.#move(entry, refused(record, expansion, message));
  }

  async #cancel({ tenant }: ScheduleRecord, ids: string[]): Promise<void> {
    const request = { reason: CANCEL_REASON, graceMs: CANCEL_GRACE_MS };
    await Promise.all(ids.map((id) => cancelIfThere(this.context.store, inTenant(id, tenant), request)));
  }

  /** The code that declares it is gone from all programs. */
  async #abandon(entry: ScheduleEntry, now: number): Promise<boolean> {
    const { declaredBy, dueAt } = entry.record;
    if (declaredBy === undefined || now - dueAt! < ABANDONED_AFTER_MS) return false;
    const writes = [...writesOf(entry.record, null), { key: keys.declaredSchedules(declaredBy) }];
    await this.context.store.commit("submit", [], { checks: [guardOf(entry)], writes });
    return true;
  }

  async #move(entry: ScheduleEntry, next: ScheduleRecord): Promise<boolean> {
    const writes = writesOf(entry.record, next);
    // If it conflicts, the newest record has another timer.
    await this.context.store.commit("submit", [], { checks: [guardOf(entry)], writes });
    return true;
  }

  /** A timer that no record names. */
  async #remove({ key }: Due, { key: named, versionstamp }: Deno.KvEntryMaybe<unknown>): Promise<boolean> {
    const { kv } = this.context.store;
    await kv.commit(kv.atomic().check({ key: named, versionstamp }).delete(key));
    return true;
  }

  #expansion(record: ScheduleRecord): Expansion | null {
    const { spec, exclude, startAt, endAt } = record;
    const text = JSON.stringify([spec, exclude, startAt, endAt]);
    const known = this.#expansions.get(text);
    if (known) return known;
    const expansion = expansionOf(record);
    // What was taken once may be refused by another release, or on a machine that knows other zones.
    if (!(expansion instanceof Expansion)) {
      const [{ pointer, message }] = expansion;
      this.log.error(
        `the times of the schedule ${record.name} cannot be read`,
        new Error(`${pointer} ${message}`),
      );
      return null;
    }
    if (this.#expansions.size >= MOST_EXPANSIONS) this.#expansions.clear();
    this.#expansions.set(text, expansion);
    return expansion;
  }
}

const MOST_EXPANSIONS = 10_000;

function guardOf({ record, versionstamp }: ScheduleEntry): Deno.AtomicCheck {
  return { key: keyOf(record), versionstamp };
}
