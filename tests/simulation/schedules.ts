// What the checker knows of schedules: each time has one task at the most, made by the commit that moves the
// schedule's record, and where tasks may not overlap one of them runs. And what callers do with them.

import { isForgotten, stateOf, type Stored, type TaskRecord, typeOf } from "../../runtime/core/task.ts";
import { bare, tenantOf } from "../../runtime/core/tenant.ts";
import { OVERLAPS, type ScheduleConfig } from "../../runtime/core/schedule_config.ts";
import { entryOf, type ScheduleRecord, slotId } from "../../runtime/schedules/record.ts";
import type { Random } from "../support/random.ts";
import type { Change, Row } from "./fake_kv.ts";
import { storedIn } from "./stored_row.ts";

/** What makes a task of a schedule the same task; null for a task of a caller. */
export function slotOf({ id, schedule }: TaskRecord): string | null {
  if (schedule === undefined) return null;
  const { name, for: at } = schedule;
  const isTriggered = bare(id) !== slotId({ name, tenant: tenantOf(id) }, at);
  return isTriggered ? `triggered/${id}` : `schedule-${name}/${at}`;
}

export class Schedules {
  readonly #records = new Map<string, ScheduleRecord>();
  /** By schedule, the tasks of its times. */
  readonly #tasks = new Map<string, Map<number, string>>();
  readonly #running = new Map<string, Set<string>>();
  /** A task of these that had ended was retried: it runs beside what has started since. */
  readonly #disturbed = new Set<string>();

  constructor(private readonly violated: (invariant: string, what: string) => void) {}

  applied(changes: Change[]): void {
    const moved = new Map<string, number>();
    for (const { key, before, after } of changes) {
      if (key[0] === "schedule") this.#move(before, after, moved);
    }
    const made = new Map<string, number>();
    for (const { key, before, after } of changes) {
      if (key[0] === "task" && after) this.#task(before, storedIn(after), made);
    }
    for (const name of new Set([...moved.keys(), ...made.keys()])) {
      const [fired, tasks] = [moved.get(name) ?? 0, made.get(name) ?? 0];
      if (fired !== tasks) {
        this.violated("18", `a commit fires ${name} ${fired} times, and makes ${tasks} tasks`);
      }
    }
  }

  /** All that were to fire have done so. */
  atTheEnd(): void {
    for (const { name, left, next, remaining, fired, fault } of this.#records.values()) {
      const tasks = this.#tasks.get(name)?.size ?? 0;
      if (left !== 0 || next !== null) this.violated("11", `schedule ${name} has ${left} times left`);
      if (fired !== remaining || tasks !== fired) {
        this.violated("18", `schedule ${name} fired ${fired} times of ${remaining}, and has ${tasks} tasks`);
      }
      if (fault) this.violated("18", `schedule ${name} could not be fired: ${fault.message}`);
    }
  }

  #move(before: Row | null, after: Row | null, moved: Map<string, number>): void {
    const [was, is] = [before, after].map((row) =>
      row
        ? entryOf({ value: row.value as Uint8Array, versionstamp: "" } as Deno.KvEntryMaybe<Uint8Array>)!
          .record
        : null
    );
    if (!is) return this.violated("18", `schedule ${was?.name} was removed, and nobody asked`);
    if (was && is.seenUntil < was.seenUntil) this.violated("18", `schedule ${is.name} goes back in time`);
    this.#records.set(is.name, is);
    const fired = is.fired - (was?.fired ?? 0);
    if (fired !== 0) moved.set(is.name, fired);
  }

  #task(before: Row | null, stored: Stored, made: Map<string, number>): void {
    if (isForgotten(stored) || !stored.schedule) return;
    const { id, schedule: { name, for: at } } = stored;
    if (slotOf(stored)!.startsWith("triggered")) return;
    const tasks = this.#tasks.get(name) ?? new Map();
    this.#tasks.set(name, tasks);
    if (before === null) {
      made.set(name, (made.get(name) ?? 0) + 1);
      if (tasks.has(at)) this.violated("18", `the time ${at} of ${name} has a second task`);
      tasks.set(at, id);
    }
    const running = this.#running.get(name) ?? new Set();
    this.#running.set(name, running);
    if (["RUNNING", "CANCELLING"].includes(typeOf(stored))) running.add(id);
    else running.delete(id);
    if (stateOf(stored).message === "retried on request") this.#disturbed.add(name);
    const mayOverlap = this.#records.get(name)?.overlap === "allow-all" || this.#disturbed.has(name);
    if (running.size > 1 && !mayOverlap) {
      this.violated("18", `${running.size} tasks of ${name} run at once, and may not overlap`);
    }
  }
}

/** A schedule that is over after a few times. */
export function drawSchedule(random: Random): ScheduleConfig {
  const input = {
    ms: random.below(1_500),
    fails: 0,
    poison: false,
    permanent: random.chance(0.2),
    deaf: random.chance(0.2),
    reports: 0,
    big: 0,
    pad: "",
  };
  return {
    task: "work",
    input,
    spec: [{ everyMs: 1_000, offsetMs: random.below(1_000) }],
    overlap: random.pick(OVERLAPS),
    windowMs: random.chance(0.3) ? 400 : undefined,
    catchupMs: 10_000,
    remaining: 1 + random.below(5),
    options: { maxCrashes: 100 },
  };
}
