// What the checker knows of limits by key: who has a slot, and who waits for one, by the records alone. After
// each commit the engine's counters must say the same, and no commit may give a slot that there is not.

import { fairnessKeyOf } from "../../runtime/core/fairness.ts";
import { isImposed } from "../../runtime/core/imposed_limits.ts";
import { heldBy, limitName, limitOf, parkedAt } from "../../runtime/core/limits.ts";
import { isForgotten, type Stored, type TaskRecord } from "../../runtime/core/task.ts";
import { tenantOf } from "../../runtime/core/tenant.ts";
import { isLimitKey, parse } from "../../runtime/platform/keys.ts";
import { type LimitCounter, mostOf, rateOf } from "../../runtime/store/limit_tally.ts";
import type { Change, Row } from "./fake_kv.ts";
import { recordIn, storedIn } from "./stored_row.ts";

class Counts {
  readonly #ids = new Map<string, Set<string>>();

  add(name: string, id: string): void {
    this.#ids.set(name, (this.#ids.get(name) ?? new Set()).add(id));
  }

  remove(name: string, id: string): void {
    this.#ids.get(name)?.delete(id);
  }

  of(name: string): number {
    return this.#ids.get(name)?.size ?? 0;
  }
}

export class Limits {
  readonly #held = new Counts();
  readonly #waiting = new Counts();
  readonly #counters = new Map<string, LimitCounter>();

  constructor(private readonly violated: (invariant: string, what: string) => void) {}

  applied(changes: Change[]): void {
    const before = new Map<string, number>();
    const touched = new Set<string>();
    const touch = (name: string) => {
      if (!touched.has(name)) before.set(name, this.#held.of(name));
      touched.add(name);
    };
    const counters = new Map(this.#counters);
    const reserved = new Map<string, number>();
    const countedLate = new Map<string, number>();
    for (const { key, before: was, after } of changes) {
      if (key[0] === "task") {
        this.#move(was, after, touch);
        for (const name of placesOf(was, after)) add(reserved, name);
        for (const name of newlyCounted(was, after)) add(countedLate, name);
      } else if (isLimitKey(key)) {
        const name = parse.limit(key);
        touch(name);
        if (after === null) this.#counters.delete(name);
        else this.#counters.set(name, after.value as LimitCounter);
      }
    }
    for (const name of touched) this.#compare(name, before.get(name)! + (countedLate.get(name) ?? 0));
    this.#requirePlaces(counters, reserved);
  }

  /** Each start has a place of its own in its rates: their arrival times move on by as much. */
  #requirePlaces(before: ReadonlyMap<string, LimitCounter>, reserved: ReadonlyMap<string, number>): void {
    for (const [name, units] of reserved) {
      const counter = this.#counters.get(name);
      const rate = counter && rateOf(counter);
      if (!rate) continue;
      // After a change of the rules all get new places.
      const former = before.get(name);
      if (former && JSON.stringify(former.rateRule) !== JSON.stringify(counter.rateRule)) continue;
      const was = former?.arrivalTime ?? 0;
      const movedOn = (counter.arrivalTime ?? 0) - was;
      const { key } = limitOf(name);
      if (movedOn < units * (rate.periodMs / rate.limit) - 0.001) {
        this.violated("17", `${units} units of the rate ${key} took ${movedOn} ms of it`);
      }
    }
  }

  /** KV has removed a record or a counter. */
  expired(rows: Row[]): void {
    for (const { key } of rows) {
      if (!isLimitKey(key)) continue;
      const name = parse.limit(key);
      this.#counters.delete(name);
      this.#compare(name, 0);
    }
  }

  #move(was: Row | null, after: Row | null, touch: (name: string) => void): void {
    for (const [row, change] of [[was, "remove"], [after, "add"]] as const) {
      const stored = row === null ? null : storedIn(row);
      for (const [counts, name] of this.#namesOf(stored)) {
        touch(name);
        counts[change](name, stored!.id);
      }
    }
  }

  #namesOf(stored: Stored | null): [Counts, string][] {
    if (stored === null || isForgotten(stored)) return [];
    const waitsAt = parkedAt(stored);
    const held = heldBy(stored).map((name): [Counts, string] => [this.#held, name]);
    return waitsAt === null ? held : [...held, [this.#waiting, waitsAt]];
  }

  #compare(name: string, heldBefore: number): void {
    const { held = 0, waiting = 0, ...rest } = this.#counters.get(name) ?? {};
    const [holders, waiters] = [this.#held.of(name), this.#waiting.of(name)];
    const { key } = limitOf(name);
    if (held !== holders || waiting !== waiters) {
      this.violated("17", `limit ${key} counts ${held} and ${waiting}, and not ${holders} and ${waiters}`);
    }
    const most = mostOf({ held, waiting, ...rest }) ?? Infinity;
    if (holders > heldBefore && holders > most) {
      this.violated("17", `${holders} tasks have a slot of limit ${key}, and not ${most}`);
    }
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/**
 * Slots that a task gets whether they are free or not: of its queue and its definition, whose limits have
 * come while it ran; and its turn, where its attempt is handed back.
 */
function newlyCounted(was: Row | null, is: Row | null): string[] {
  const [before, after] = [recordIn(was), recordIn(is)];
  if (!before?.lease || after === null) return [];
  const had = heldBy(before);
  return heldBy(after).filter((name) => {
    const { key } = limitOf(name);
    return !had.includes(name) && (after.lease ? isImposed(key) : fairnessKeyOf(key) !== null);
  });
}

/** The rates in which a task gets a place, if it gets one: it is ready, or knows when it will be. */
function placesOf(was: Row | null, is: Row | null): string[] {
  const [before, after] = [recordIn(was), recordIn(is)];
  if (after === null || after.rates === undefined) return [];
  const has = (record: TaskRecord) => record.rateAt ?? (record.paid ? "paid" : undefined);
  const [had, now] = [before ? has(before) : undefined, has(after)];
  // Its place has come, or it keeps it.
  if (now === undefined || had !== undefined && (now === had || now === "paid")) return [];
  return after.rates.map(({ key }) => limitName(key, tenantOf(after.id)));
}
