// What lists have to show: each task that fits the whole time, once.

import { parse } from "../../runtime/platform/keys.ts";
import { isTerminalType, type StateType } from "../../runtime/core/states.ts";
import { isForgotten, type Stored, typeOf } from "../../runtime/core/task.ts";
import type { ListQuery } from "../../runtime/queries/list.ts";
import type { Change } from "./fake_kv.ts";

export type Filters = Pick<ListQuery, "states" | "task">;

const ACTIVE: StateType[] = ["PENDING", "SCHEDULED", "RUNNING"];

/** Those whose sources are read one after the other, and some that have one index only. */
export const LISTS: readonly Filters[] = [
  { task: "work" },
  { states: ACTIVE },
  { states: ["PENDING"] },
  { task: "work", states: ACTIVE },
  { states: ["PENDING", "SCHEDULED"] },
  { states: ["RUNNING", "CANCELLING"] },
  { states: ["FAILED", "CRASHED", "CANCELLED"] },
  { task: "parent" },
  { states: ["PENDING", "FAILED"] },
  {},
];

/** A list that is being read. */
export interface Look {
  filters: Filters;
  /** The tasks that have fitted all the time. */
  always: Set<string>;
}

export class Lists {
  readonly #looks = new Set<Look>();

  constructor(private readonly tasks: ReadonlyMap<string, Stored>) {}

  begin(filters: Filters): Look {
    const look = { filters, always: new Set<string>() };
    for (const [id, stored] of this.tasks) if (fits(stored, filters)) look.always.add(id);
    this.#looks.add(look);
    return look;
  }

  applied(changes: Change[]): void {
    for (const { key } of changes) {
      if (key[0] !== "task") continue;
      const id = parse.task(key);
      for (const { filters, always } of this.#looks) {
        const stored = this.tasks.get(id);
        if (!stored || !fits(stored, filters)) always.delete(id);
      }
    }
  }

  end(look: Look): void {
    this.#looks.delete(look);
  }
}

function fits(stored: Stored, { states, task }: Filters): boolean {
  if (isForgotten(stored)) return false;
  const type = typeOf(stored);
  // What has ended may be past its retention by the clock of whoever reads.
  const mayBeGone = isTerminalType(type) &&
    Math.min(stored.retentionMs, stored.failureRetentionMs ?? Infinity) < 60_000;
  return !mayBeGone && (!states || states.includes(type)) && (!task || stored.task === task);
}
