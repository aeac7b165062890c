// A try of a commit that had no answer may be applied later, as long as all that it checks is as it was. A
// key that must be absent may be taken, and free again by then. So before one of its units is told that
// another one was first, the try is made impossible: a tombstone takes the place of the new record that it
// checks (docs/decisions/0005-read-back-uncertain-commits.md).

import { BoundedMap } from "../core/bounded_map.ts";
import { type Entry, isForgotten, type Stored, type Tombstone } from "../core/task.ts";
import type { Clock } from "../platform/clock.ts";
import { keys } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import type { Unit } from "./commit_unit.ts";
import { expiryOf } from "./index_entries.ts";
import { encode, entryOrNewer, type Found, isNewerRecord } from "./record_codec.ts";

/** Written in place of a token: no unit has it. */
const OP = "fence";
const KNOWN_KEPT = 1_000;

export class Fences {
  readonly #versions = new BoundedMap<string, string>(KNOWN_KEPT);

  constructor(private readonly kv: KvPort, private readonly clock: Clock) {}

  /** What a commit checks of a new task: the same call may make the task after all, in place of the fence. */
  versionOf(id: string): string | null {
    return this.#versions.size === 0 ? null : this.#versions.get(id) ?? null;
  }

  /** What stands under the id of a new task. Its fence may be gone, or raised without an answer. */
  found(id: string, found: Found): void {
    if (found === null) this.#versions.delete(id);
    else if (isFence(found)) this.#versions.set(id, found.versionstamp);
  }

  /** @returns false if the task is there: a try that makes it was applied. */
  async raise(id: string): Promise<boolean> {
    const { kv, clock } = this;
    const key = keys.task(id);
    for (;;) {
      const { value, versionstamp } = await kv.get<Uint8Array>(key);
      const found = entryOrNewer({ key, value, versionstamp } as Deno.KvEntryMaybe<Uint8Array>);
      if (found !== null && !isFence(found)) return false;
      const now = clock.now();
      const fence: Tombstone = { id, op: OP, rev: 0, forgottenAt: now, isPast: true };
      // Also one that is there already: the try may check its version.
      const atomic = kv.atomic().check({ key, versionstamp });
      kv.write(atomic, { key, value: encode(fence), expireAt: expiryOf(fence) }, now);
      const result = await kv.commit(atomic);
      if (!result.ok) continue;
      this.#versions.set(id, result.versionstamp);
      return true;
    }
  }
}

export function isFence(found: Found): found is Entry<Stored> {
  return found !== null && !isNewerRecord(found) && isForgotten(found.record) && found.record.op === OP;
}

/** The tries of some units that may still be applied. */
export class OpenTries {
  /** Each with its new task that is checked to be absent. */
  #tries: { guard: string; units: ReadonlySet<Unit> }[] = [];

  constructor(private readonly fences: Fences) {}

  /**
   * A try that had no answer. Without fresh ids it stays as it is: a tombstone would keep others from an id
   * that was given.
   */
  add(units: Unit[], guard: string | null): void {
    if (guard !== null) this.#tries.push({ guard, units: new Set(units) });
  }

  has(units: Unit[]): boolean {
    return this.#tries.some((one) => units.some((unit) => one.units.has(unit)));
  }

  /** What these units check can never be again as it was: tries with one of them are over. */
  over(units: Unit[]): void {
    if (this.has(units)) {
      this.#tries = this.#tries.filter((one) => !units.some((unit) => one.units.has(unit)));
    }
  }

  /** @returns false if a try with one of these units may have been applied meanwhile. */
  async end(units: Unit[]): Promise<boolean> {
    let isSure = true;
    for (const one of this.#tries) {
      if (!units.some((unit) => one.units.has(unit))) continue;
      if (!await this.fences.raise(one.guard)) isSure = false;
    }
    this.over(units);
    return isSure;
  }
}
