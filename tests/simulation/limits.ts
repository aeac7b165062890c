// What the checker knows of limits by key: who has a slot, and who waits for one, by the records alone. After
// each commit the engine's counters must say the same, and no commit may give a slot that there is not.

import { heldBy, limitOf, parkedAt } from "../../runtime/core/limits.ts";
import { isForgotten, type Stored } from "../../runtime/core/task.ts";
import { isLimitKey, parse } from "../../runtime/platform/keys.ts";
import { type LimitCounter, mostOf } from "../../runtime/store/limit_counters.ts";
import { decode } from "../../runtime/store/record_codec.ts";
import type { Change, Row } from "./fake_kv.ts";

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
    for (const { key, before: was, after } of changes) {
      if (key[0] === "task") this.#move(was, after, touch);
      else if (isLimitKey(key)) {
        const name = parse.limit(key);
        touch(name);
        if (after === null) this.#counters.delete(name);
        else this.#counters.set(name, after.value as LimitCounter);
      }
    }
    for (const name of touched) this.#compare(name, before.get(name)!);
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
      const stored = row === null ? null : decode(row.value as Uint8Array);
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
