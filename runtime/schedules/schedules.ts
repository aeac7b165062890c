// Schedules as one caller sees them, and may change them.

import { check } from "../commands/prepare.ts";
import type { Idempotency } from "../commands/idempotency.ts";
import type { Submitted } from "../commands/submit.ts";
import { type Caller, knows } from "../core/caller.ts";
import type { ScheduleConfig, Times } from "../core/schedule_config.ts";
import { ConflictError, NotFoundError, ValidationError } from "../core/errors.ts";
import { bare } from "../core/tenant.ts";
import { idTime } from "../platform/ids.ts";
import { keys, schedulesOf } from "../platform/keys.ts";
import { pages } from "../platform/paging.ts";
import { backfill, type Backfilled, type Range } from "./backfill.ts";
import {
  type Change,
  configOf,
  configured,
  patched,
  pausedOnRequest,
  requireExpansion,
  resumed,
} from "./change.ts";
import { isName, NAME_RULE, type SchedulePatch } from "./config.ts";
import type { ScheduleContext } from "./context.ts";
import { loadCron } from "./cron.ts";
import { followed, MOST_ACTIVE, pauseOf, runningOf } from "./decision.ts";
import { ownTasks } from "./own_tasks.ts";
import { entryOf, type Pause, type ScheduleEntry, type ScheduleRecord, writesOf } from "./record.ts";

/** A schedule as it stands. */
export interface ScheduleView {
  record: ScheduleRecord;
  /** Also by a task of it that has failed since it was last looked at. */
  paused: Pause | null;
  /** The next times that it fires for. */
  upcoming: number[];
  /** Ids of its tasks that have not ended: the newest ones. */
  running: string[];
}

export interface SchedulePage {
  schedules: ScheduleView[];
  nextCursor: string | null;
}

const TIMES_TOLD = 5;
const PER_READ = 100;

type Step = (
  entry: ScheduleEntry | null,
  change: Change,
) => ScheduleRecord | null | Promise<ScheduleRecord | null>;

export class CallerSchedules {
  constructor(private readonly context: ScheduleContext, private readonly caller: Caller) {}

  /**
   * Makes a schedule, or changes it as a whole. It keeps where it stands; with other times it goes on with
   * the first of these behind now.
   *
   * @throws {ValidationError | UnknownDefinitionError | TooLargeError}
   * @throws {ConflictError} if code declares it.
   */
  async put(name: string, config: ScheduleConfig): Promise<{ view: ScheduleView; isNew: boolean }> {
    if (!isName(name)) throw new ValidationError([{ pointer: "/path/name", message: NAME_RULE }]);
    await this.#check(config);
    let isNew = false;
    const record = await this.#update(name, (entry, change) => {
      isNew = entry === null;
      if (entry) requireUndeclared(entry.record);
      return configured(entry?.record ?? null, name, this.caller.tenant, config, change);
    });
    return { view: await this.#view(record!), isNew };
  }

  /** @throws {NotFoundError} and as `put`. */
  async patch(name: string, patch: SchedulePatch): Promise<ScheduleView> {
    const record = await this.#update(name, async (entry, change) => {
      const { record } = this.#present(entry, name);
      requireUndeclared(record);
      const config = patched(configOf(record), patch);
      await this.#check(config);
      return configured(record, name, this.caller.tenant, config, change);
    });
    return await this.#view(record!);
  }

  /** @throws {NotFoundError} */
  async get(name: string): Promise<ScheduleView> {
    return await this.#view((await this.#read(name)).record);
  }

  /** In the order of their names. */
  async list({ cursor = "", limit }: { cursor?: string; limit: number }): Promise<SchedulePage> {
    const found: ScheduleRecord[] = [];
    const selector = schedulesOf(this.caller.tenant, cursor === "" ? "" : `${cursor}\0`);
    let nextCursor: string | null = null;
    search: for await (const page of pages<Uint8Array>(this.#kv, selector, { size: PER_READ })) {
      for (const { record } of page.map((entry) => entryOf(entry)!)) {
        if (!this.#knows(record)) continue;
        if (found.length === limit) {
          nextCursor = found[limit - 1].name;
          break search;
        }
        found.push(record);
      }
    }
    return { schedules: await this.#views(found), nextCursor };
  }

  /** Its tasks stay. @throws {NotFoundError | ConflictError} */
  async remove(name: string): Promise<void> {
    await this.#update(name, (entry) => {
      requireUndeclared(this.#present(entry, name).record);
      return null;
    });
  }

  /** Until it is resumed it does not fire. @throws {NotFoundError} */
  async pause(name: string, note: string | null): Promise<ScheduleView> {
    const record = await this.#update(name, (entry, change) => {
      return pausedOnRequest(this.#present(entry, name).record, note, change);
    });
    return await this.#view(record!);
  }

  /** It goes on with the first time behind now. @throws {NotFoundError} */
  async resume(name: string): Promise<ScheduleView> {
    await loadCron();
    const record = await this.#update(name, async (entry, change) => {
      const { record } = this.#present(entry, name);
      const [tasks] = await ownTasks(this.#store, [record]);
      return resumed(record, requireExpansion(record, null), tasks, change);
    });
    return await this.#view(record!);
  }

  /**
   * Submits a task of the schedule now, also while it is paused, and whatever runs.
   *
   * @param input in place of the schedule's
   * @throws {NotFoundError} and as a submit.
   */
  async trigger(name: string, input?: unknown, idempotency?: Idempotency): Promise<Submitted> {
    for (let tries = 1;; tries++) {
      const entry = await this.#read(name);
      const { record } = entry;
      const [tasks] = await ownTasks(this.#store, [record]);
      try {
        return await this.context.submitter.submit({
          batch: (newId) => {
            const id = newId();
            const submission = {
              task: record.task,
              input: input === undefined ? JSON.parse(record.input) : input,
              options: record.options,
              schedule: { name, for: idTime(id) },
            };
            return { submissions: [submission], pointerOf: (_, part) => part };
          },
          guard: { key: keys.schedule(name, record.tenant), versionstamp: entry.versionstamp },
          writes: ([id]) => {
            const active = [...followed(record, tasks), bare(id)].slice(-MOST_ACTIVE);
            return writesOf(record, { ...record, active });
          },
          caller: this.caller,
          idempotency,
        });
      } catch (error) {
        if (!(error instanceof ConflictError) || tries === MOST_TRIES) throw error;
        const now = await this.#read(name);
        if (now.versionstamp === entry.versionstamp) throw error;
      }
    }
  }

  /**
   * Submits the tasks of times that have passed, but for those that are there already. Where tasks of the
   * schedule may not overlap, each waits for the one before.
   *
   * @throws {NotFoundError} and as a submit.
   * @throws {ValidationError} for a range that is not over yet, or has too many times.
   */
  async backfill(name: string, range: Range): Promise<Backfilled> {
    await loadCron();
    for (let tries = 1;; tries++) {
      const entry = await this.#read(name);
      try {
        return await backfill(this.context, this.caller, entry, range);
      } catch (error) {
        // A time was fired meanwhile, or the schedule has changed.
        if (!(error instanceof ConflictError) || tries === MOST_TRIES) throw error;
      }
    }
  }

  /**
   * The next times of a spec.
   *
   * @throws {ValidationError}
   */
  async preview(times: Times, count: number): Promise<number[]> {
    await loadCron();
    const now = this.#store.clock.now();
    return requireExpansion(times, now).upcoming(now, count);
  }

  get #store() {
    return this.context.commands.store;
  }

  get #kv() {
    return this.#store.kv;
  }

  async #check({ task, input, options }: ScheduleConfig): Promise<void> {
    await loadCron();
    const batch = { submissions: [{ task, input, options }], pointerOf: (_: number, part: string) => part };
    await check(batch, this.context.commands, this.caller);
  }

  async #read(name: string): Promise<ScheduleEntry> {
    return this.#present(
      entryOf(await this.#kv.get<Uint8Array>(keys.schedule(name, this.caller.tenant))),
      name,
    );
  }

  #present(entry: ScheduleEntry | null, name: string): ScheduleEntry {
    if (entry === null || !this.#knows(entry.record)) throw new NotFoundError("schedule", name);
    return entry;
  }

  /** By the queue that its tasks go to. */
  #knows({ task, options }: ScheduleRecord): boolean {
    const { registry } = this.context.commands;
    return knows(this.caller, { task, queue: options?.queue ?? registry.get(task)?.defaults.queue });
  }

  /** The record as it was written; null if it was removed. */
  async #update(name: string, step: Step): Promise<ScheduleRecord | null> {
    const { store } = this.context.commands;
    const key = keys.schedule(name, this.caller.tenant);
    const change = { by: this.caller.name, op: store.ids.token(), now: store.clock.now() };
    let isRemoving = false;
    for (;;) {
      const found = await this.#kv.get<Uint8Array>(key);
      const entry = entryOf(found);
      // The answer to the commit was lost.
      if (entry?.record.op === change.op) return entry.record;
      if (entry === null && isRemoving) return null;
      if (entry !== null && !this.#knows(entry.record)) throw new NotFoundError("schedule", name);
      const next = await step(entry, change);
      const writes = writesOf(entry?.record ?? null, next);
      const checks = [{ key, versionstamp: found.versionstamp }];
      isRemoving = next === null;
      if (await store.commit("submit", [], { checks, writes }) === null) continue;
      if (next !== null && next.dueAt !== null) this.context.expect(next.dueAt);
      return next;
    }
  }

  async #view(record: ScheduleRecord): Promise<ScheduleView> {
    return (await this.#views([record]))[0];
  }

  async #views(records: ScheduleRecord[]): Promise<ScheduleView[]> {
    await loadCron();
    const tasks = await ownTasks(this.#store, records);
    return records.map((record, i) => {
      const paused = record.paused ?? pauseOf(record, tasks[i]);
      return { record, paused, upcoming: paused ? [] : upcomingOf(record), running: runningOf(tasks[i]) };
    });
  }
}

const MOST_TRIES = 10;

/** @throws {ConflictError} */
function requireUndeclared({ name, declaredBy }: ScheduleRecord): void {
  if (declaredBy === undefined) return;
  throw new ConflictError(
    `the schedule ${name} is declared in the code of the definition ${declaredBy}: change it there; it can be ` +
      "paused, resumed, triggered and backfilled",
  );
}

function upcomingOf(record: ScheduleRecord): number[] {
  const { next, left } = record;
  if (next === null) return [];
  const count = Math.min(TIMES_TOLD, left ?? TIMES_TOLD);
  return requireExpansion(record, null).upcoming(next.at - 1, count);
}
